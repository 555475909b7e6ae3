"""recon as its users install it: on each Python, from the README's lines, as a Debian package."""
