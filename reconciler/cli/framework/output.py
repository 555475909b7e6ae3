"""Standard output of any kind: an encoding that is not UTF-8, a full disk, a closed pipe.

What a verb prints may hold any text: names of files that are no UTF-8, the output of programs. No
encoding and no file system may turn that into a fault.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import json
import os
import sys
from typing import Any, Final, NoReturn

_ERRORS: Final = "recon.readable"
_ASCII = {"→": "->", "…": "...", "–": "-", "—": "-", "×": "x", "·": "*", "≤": "<=", "≥": ">="}


class OutputError(OSError):
    """What was printed cannot be written: its text is a sentence."""


class _Raw(io.FileIO):
    """The descriptor of standard output: its errors are distinguished from those of other files."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(f"the output cannot be written: {error.strerror}") from error


def print_json(document: Any, *, a_line: bool = False) -> None:
    """A document for a program to read: for people as well, or on a line of its own."""
    print(json.dumps(document, indent=None if a_line else 2, ensure_ascii=False), flush=a_line)


def prepare() -> None:
    """Have stdout and stderr take every text, and be there."""
    codecs.register_error(_ERRORS, _readable)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller: `>&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  to the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ERRORS)
    given = sys.stdout
    if given is sys.__stdout__ and given is not None:
        sys.stdout = io.TextIOWrapper(
            io.BufferedWriter(_Raw(given.fileno(), "wb", closefd=False)),
            encoding=given.encoding,
            errors=_ERRORS,
            line_buffering=given.isatty(),
        )


def discard() -> None:
    """Nothing more can be said: what is still to be written goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def leave(code: int) -> NoReturn:
    """Exit, without Python's tidying up where there is nothing to tidy.

    What waits for the end of a process (threads, temporary files, what is registered by libraries)
    stands on these modules. Where they were not loaded, to take all others apart is a tenth of the
    time that `recon status` takes.
    """
    if not sys.modules.keys() & {"threading", "weakref"}:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    sys.exit(code)


def _readable(error: UnicodeError) -> tuple[str, int]:
    """ASCII for what the encoding lacks: of the same meaning, else as JSON escapes it.

    So a document stays a document.
    """
    assert isinstance(error, UnicodeEncodeError)
    lacking = error.object[error.start : error.end]
    return "".join(_ASCII.get(char) or _escape(char) for char in lacking), error.end


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
