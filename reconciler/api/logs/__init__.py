"""`GET /v1/logs/{app}`: what an app wrote, and what it writes."""
