"""Why a request is not carried out."""

from __future__ import annotations


class RefusedError(Exception):
    """The request cannot be carried out: a sentence. ``status`` is HTTP's."""

    def __init__(self, message: str, status: int = 409) -> None:
        super().__init__(message)
        self.status = status
