"""From other process managers to manifests, and from manifests to systemd: what one declares
becomes the other's, and a report says what could not."""
