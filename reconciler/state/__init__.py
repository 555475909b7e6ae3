"""The state directory: what recon remembers, and who may use it."""
