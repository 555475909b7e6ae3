"""How an app stands, for people and machines."""
