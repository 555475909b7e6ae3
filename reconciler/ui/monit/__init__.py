"""`recon monit`: the terminal monitor."""
