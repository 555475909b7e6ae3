"""The text of the comment: a marker that finds it again, the plan, and no more than fits.

The plan is markdown by ``render.plan``, which lets no manifest out of its cell. Here it is only
cut, between two lines.
"""

from __future__ import annotations

import re

MOST = 65_536
"""Characters of a comment on GitHub, counted in UTF-16 as the API does."""
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
_ROOM = 300
"""Characters kept free for the note on what was cut."""


def marker(key: str) -> str:
    """The first line of the comment; invisible. ValueError for a key that could end it."""
    if not _KEY.fullmatch(key) or "--" in key:
        raise ValueError(f"{key!r} is not a valid key; use letters, digits and . _ / -")
    return f"<!-- recon-review: {key} -->"


def body(key: str, plan: str, run: str = "") -> str:
    """The whole text. ``run``: address of the job, where all of a plan that is too long stands."""
    head = f"{marker(key)}\n### recon: what `{key}` will do\n\n"
    kept, size, lines = [], _size(head) + _ROOM + len(run), plan.rstrip("\n").split("\n")
    for line in lines:
        size += _size(line) + 1
        if size > MOST:
            break
        kept.append(line)
    left = len(lines) - len(kept)
    whole = f"[the job]({run})" if run else "the job"
    note = f"\n\n*{left} more lines do not fit into a comment; {whole} has them.*" if left else ""
    return head + "\n".join(kept) + note + "\n"


def _size(text: str) -> int:
    return len(text.encode("utf-16-le", "replace")) // 2
