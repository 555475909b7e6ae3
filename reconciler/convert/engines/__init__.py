"""What the exporters for engines beyond this host share: Kubernetes and Nomad."""
