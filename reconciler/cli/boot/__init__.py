"""recon as a service of the host."""
