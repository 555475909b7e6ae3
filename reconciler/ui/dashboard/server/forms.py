"""The fields of a form that was sent."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request

_MOST = 20


async def form_of(request: Request) -> dict[str, str]:
    """The fields by name, of several the last; nothing where that is no form. The gate has
    bounded its size."""
    text = (await request.body()).decode("utf-8", "replace")
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST))
    except ValueError:
        return {}
