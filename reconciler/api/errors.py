"""How a question to the controller fails. Apart from the client, which costs more to import."""

from __future__ import annotations


class ClientError(Exception):
    """No answer, or a refusal: the text is a sentence for people."""


class ControllerNotRunningError(ClientError):
    """Nothing listens on the socket."""


class ApiError(ClientError):
    """The controller refused, or what answers is none. ``status`` is HTTP's, 0 where none came."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class ControllerLeftError(ApiError):
    """The controller ended during a request: whether it carried the request out is unknown."""
