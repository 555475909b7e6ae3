"""The few parts of a web framework that the controller's API needs, as one small ASGI application.

starlette would do it, for 3 MiB of the controller's memory; and with it comes TLS, for 4 MiB more.
"""
