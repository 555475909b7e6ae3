"""What recon knows at run time."""
