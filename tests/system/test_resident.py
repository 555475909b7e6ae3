"""What is not in use is given back, and what was is there as before."""

from __future__ import annotations

import subprocess
import sys

_LOADED = """
import ctypes, json, re, zlib
from pydantic import BaseModel
from reconciler.system import resident

class A(BaseModel):
    a: int

def works():
    return A(a="1").a == 1 and re.match("(a|b)+", "ab") and zlib.crc32(b"x") and json.dumps([1.5])
"""


def run(code: str) -> str:
    command = [sys.executable, "-P", "-c", _LOADED + code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_process_is_smaller_and_works_as_before() -> None:
    found = run(
        "works()\n"
        "before = resident.resident()\n"
        "resident.give_back()\n"
        "after = resident.resident()\n"
        "print(bool(works()), after < before - 2**20)"
    )
    assert found == "True True\n"


def test_a_page_that_was_written_to_stays_as_it_is() -> None:
    """As a debugger writes to a program's text."""
    found = run(
        "import mmap, os, tempfile\n"
        "page = mmap.PAGESIZE\n"
        "with tempfile.TemporaryFile() as file:\n"
        "    file.write(bytes(2 * page)); file.flush()\n"
        "    made = mmap.mmap(file.fileno(), 2 * page, mmap.MAP_PRIVATE)\n"
        "at = ctypes.addressof(ctypes.c_char.from_buffer(made))\n"
        "made[:4] = b'kept'\n"
        "libc = ctypes.CDLL(None)\n"
        "assert libc.mprotect(ctypes.c_void_p(at), ctypes.c_size_t(2 * page), 1) == 0\n"
        "resident.give_back()\n"
        "print(made[:4])"
    )
    assert found == "b'kept'\n"


def test_only_mappings_of_files_are_given_back() -> None:
    found = run(
        "text = open('/proc/self/maps').read()\n"
        "anonymous = {\n"
        "    int(line.split('-')[0], 16)\n"
        "    for line in text.splitlines() if line.split()[4] == '0' or 'w' in line.split()[1]\n"
        "}\n"
        "given = {first for first, _ in resident._unwritten()}\n"
        "print(len(given) > 5, given & anonymous)"
    )
    assert found == "True set()\n"
