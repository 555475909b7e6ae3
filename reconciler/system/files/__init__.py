"""Files and folders of other users: their types, and which owners recon trusts."""
