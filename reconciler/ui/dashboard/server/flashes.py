"""What an action has done, said once on the next page of the same session."""

from __future__ import annotations

from collections import OrderedDict

from starlette.requests import Request

_MOST = 64


class Flashes:
    """A sentence by session."""

    def __init__(self) -> None:
        self._sentences: OrderedDict[str, str] = OrderedDict()

    def put(self, request: Request, sentence: str) -> None:
        self._sentences[request.scope["recon.session"]] = sentence
        while len(self._sentences) > _MOST:
            self._sentences.popitem(last=False)

    def take(self, request: Request) -> str:
        """The sentence for this session, which is said then; empty where there is none."""
        return self._sentences.pop(request.scope["recon.session"], "")
