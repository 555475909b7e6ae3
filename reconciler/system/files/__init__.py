"""Files and folders of others: what they are, and whom one trusts with them."""
