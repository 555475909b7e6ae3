"""The dashboard and the terminal monitor: clients of the API, in processes of their own."""
