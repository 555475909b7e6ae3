"""`recon doctor`: what is wrong with the host, the apps, the controller."""
