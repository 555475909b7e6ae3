"""A process without OpenSSL has asyncio and its hashes, and gets ssl where it asks for it.

pydantic without plugins validates as usual.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys

_RUN = "from reconciler.system.left_out import without_openssl; without_openssl()\n"


def run(code: str) -> list[str]:
    """The lines that a new interpreter prints."""
    command = [sys.executable, "-c", _RUN + code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_openssl_is_not_loaded() -> None:
    assert run(
        "import sys, asyncio, hashlib, hmac, secrets, random\n"
        "print([name for name in ('ssl', '_ssl', '_hashlib') if name in sys.modules])\n"
        "print('libssl' in open('/proc/self/maps').read())"
    ) == ["[]", "False"]


def test_hashes_are_those_of_any_interpreter() -> None:
    expected = [hashlib.new(name, b"x").hexdigest() for name in ("sha256", "blake2b", "md5")]
    assert expected == run(
        "import hashlib\n"
        "for name in ('sha256', 'blake2b', 'md5'): print(hashlib.new(name, b'x').hexdigest())"
    )


def test_ssl_is_there_where_it_is_wanted() -> None:
    assert run("import ssl; print(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).check_hostname)") == [
        "True"
    ]


def test_what_was_there_before_stays() -> None:
    """In a process that has asyncio already, as this one."""
    command = "import sys, asyncio, ssl\n" + _RUN + "print(sys.modules['ssl'] is ssl)"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, check=True)
    assert done.stdout == b"True\n"


def test_pydantic_takes_no_plugins() -> None:
    found = run(
        "import sys, importlib.metadata\n"
        "from reconciler.system.left_out import without_plugins; without_plugins()\n"
        "def entry_points(**_): raise AssertionError('the metadata was read')\n"
        "importlib.metadata.entry_points = entry_points\n"
        "from pydantic import BaseModel\n"
        "class A(BaseModel): a: int\n"
        "print(A(a='1'))"
    )
    assert found == ["a=1"]
