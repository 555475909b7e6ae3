"""`recon import`: from other process managers."""
