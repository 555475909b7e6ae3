"""The directory of manifests as a whole: what its files declare together."""
