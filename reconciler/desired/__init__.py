"""A directory of manifests becomes desired state."""
