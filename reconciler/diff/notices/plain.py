"""Texts of others in a message: one line each, and nothing that a chat or a mail acts on.

An app's output may hold what pings a whole channel (``<!channel>``, ``@everyone``), a link, markup,
or a line break that would begin a header of a mail or a line that looks like recon's own.
"""

from __future__ import annotations

_REPLACED = str.maketrans({"<": "‹", ">": "›", "`": "'", "@": "＠"})


def one_line(text: str, length: int) -> str:
    """``text`` as one line of at most so many characters, without links and markup."""
    kept = "".join(c if c.isprintable() else " " for c in text[: length * 4])
    flat = " ".join(kept.split()).translate(_REPLACED)
    flat = flat.replace("://", ": //").replace("](", "] (").replace("&", "+")
    return flat if len(flat) <= length else flat[: length - 1] + "…"


def quoted(text: str, length: int) -> str:
    """A line that a program wrote: marked, so that it is not taken for recon's own."""
    return f"  | {one_line(text, length)}"
