"""Small programs for the tests: each a command that the installed Python runs."""

from __future__ import annotations

import sys
from pathlib import Path

SLEEP = ["sleep", "100000"]


def python(code: str) -> list[str]:
    """A command that runs ``code``, unbuffered and without looking at anything else."""
    return [sys.executable, "-I", "-S", "-u", "-c", code]


def numbered(pause: float, prefix: str = "") -> list[str]:
    """Numbers its lines from 1 without end; says which process it is at the start of each."""
    return python(
        "import itertools, os, time\n"
        "for n in itertools.count(1):\n"
        f"    os.write(1, f'{prefix}{{os.getpid()}} {{n}}\\n'.encode())\n"
        f"    time.sleep({pause})\n"
    )


def held(gate: Path, program: list[str]) -> list[str]:
    """``program`` (of ``python``), which does not begin where $VERSION is 2 until ``gate`` is."""
    wait = f"while os.environ['VERSION'] == '2' and not os.path.exists({str(gate)!r}):"
    return [*program[:-1], f"import os, time\n{wait} time.sleep(0.01)\n{program[-1]}"]


def server(greeting: str = "hello") -> list[str]:
    """Serves ``greeting`` on $PORT."""
    return python(
        "import http.server, os\n"
        "class H(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200); self.end_headers()\n"
        f"        self.wfile.write({greeting!r}.encode())\n"
        "    def log_message(self, *a): pass\n"
        "http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), H).serve_forever()\n"
    )


def crash_after(marker: Path) -> list[str]:
    """Runs while ``marker`` exists; exits with 7 as soon as it does not, at start too."""
    return python(
        "import os, sys, time\n"
        "print('up', flush=True)\n"
        f"while os.path.exists({str(marker)!r}): time.sleep(0.01)\n"
        "print('cannot find the marker', file=sys.stderr, flush=True)\n"
        "sys.exit(7)\n"
    )


def socket_server(greeting: str = "hello") -> list[str]:
    """Serves ``<greeting> <pid>`` on every socket that it is handed; says what it was told."""
    return python(
        "import json, os, socket, threading\n"
        "names = os.environ['LISTEN_FDNAMES'].split(':')\n"
        "assert int(os.environ['LISTEN_PID']) == os.getpid()\n"
        "print(json.dumps([names, sorted(map(int, os.listdir('/proc/self/fd')))]))\n"
        f"body = f'{greeting} {{os.getpid()}}'.encode()\n"
        "head = b'HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n'\n"
        "def serve(listener):\n"
        "    listener.listen(100)\n"
        "    while True:\n"
        "        client, _ = listener.accept()\n"
        "        client.recv(4096); client.sendall(head % len(body) + body); client.close()\n"
        "for fd in range(3, 3 + int(os.environ['LISTEN_FDS'])):\n"
        "    threading.Thread(target=serve, args=(socket.socket(fileno=fd),)).start()\n"
    )


def notifier(script: str) -> list[str]:
    """Runs ``script``, which may call ``tell("READY=1")``, ``wait(path)`` and ``rest()``."""
    return python(
        "import os, socket, time\n"
        "def tell(text):\n"
        "    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:\n"
        "        s.sendto(text.encode(), os.environ['NOTIFY_SOCKET'].replace('@', '\\0', 1))\n"
        "def wait(path):\n"
        "    while not os.path.exists(path): time.sleep(0.01)\n"
        "def rest():\n"
        "    while True: time.sleep(1000)\n" + script
    )


READER = '''\
"""Prints what its build holds, and stays; does as it says."""
import pathlib, time
text = pathlib.Path("dist/text").read_text().strip()
print(text)
if text == "crash":
    raise SystemExit(1)
if text == "scribble":
    pathlib.Path("dist/scribble").write_text(str(time.time_ns()))
while True:
    time.sleep(1000)
'''
