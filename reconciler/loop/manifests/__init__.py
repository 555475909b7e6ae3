"""What the manifests say now: looks at them, what is declared, what is gone."""
