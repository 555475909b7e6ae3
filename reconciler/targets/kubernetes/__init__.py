"""A cluster of Kubernetes: objects by server-side apply, with the field manager ``recon``."""
