"""From other process managers to manifests: what they declare becomes ours, and a report says
what could not."""
