"""Text of others for a page: on one line, and of characters that can be sent.

Markup is not looked at here: it is escaped where text gets into HTML.
"""

from __future__ import annotations

from reconciler.model.words.printable import plain


def harmless(text: str) -> str:
    """``text`` without control characters and turned directions (each becomes a blank), and
    without lone surrogates: names of files that are no UTF-8, which no page can hold."""
    shown = plain(text)
    return shown if shown.isascii() else shown.encode("utf-8", "replace").decode()
