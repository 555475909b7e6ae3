"""Metrics as text: OpenMetrics or the classic format of Prometheus, as the client accepts."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.exposition import choose_encoder

from reconciler.api.metrics.families import Page
from reconciler.system.work.session import Session


def text_of(lines: Iterable[bytes] | None, accept: str) -> tuple[bytes, str]:
    """The text and its content type. ``lines``: the controller's; None where none answers."""
    encode, content_type = choose_encoder(accept)
    return bytes(encode(Page(lines))), str(content_type)


def rendered(argument: tuple[list[bytes], str], session: Session) -> tuple[bytes, str]:
    """The same, as a task of a worker process."""
    return text_of(*argument)
