"""The verbs where the manifests are for an engine beyond this host (`--target`)."""
