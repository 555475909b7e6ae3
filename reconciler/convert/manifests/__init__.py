"""From drafts to manifests: valid, as a person would have written them, on disk."""
