"""What keeps an import from going on: one sentence, with the place where there is one."""

from __future__ import annotations


class ImportFault(Exception):
    """``file:line:column: what is wrong; what to do``. Nothing has been written."""


def fault(file: str, message: str, line: int = 0, column: int = 0) -> ImportFault:
    place = f"{file}:{line}:{column}" if line and column else f"{file}:{line}" if line else file
    return ImportFault(f"{place}: {message}")
