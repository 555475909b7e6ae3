"""HTTP on the unix socket: who may connect, and the answers."""
