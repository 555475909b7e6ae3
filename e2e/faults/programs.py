"""The one program of all apps here: it reports its life, and numbers its lines on both streams.

What it reports goes to the registrar by one datagram each, which is whole and in order: ``start``
before its first line, ``end`` with the number of its lines after its last. Imports are few: each
life of a controller starts some of it.
"""

from __future__ import annotations

import os
import sys
from typing import Any

_CODE = """
import _signal, _socket, os, select, time
get = os.environ.get
_signal.pthread_sigmask(_signal.SIG_BLOCK, {_signal.SIGTERM})
path = get("REGISTRAR").replace("@", "\\0", 1)
line = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM)
line.connect(path)
identity = get("RECON_ID")
nonce = identity.rpartition("/")[2]
def report(*words):
    line.send(" ".join(map(str, (*words, os.getpid()))).encode())
report("start", identity, get("VERSION"))
role = get("ROLE", "")
written = 0
def write():
    global written
    written += 1
    for stream in (1, 2):
        os.write(stream, b"%s %d %s\\n" % (nonce.encode(), written, b"." * int(get("PAD", 0))))
def is_asked(pause):
    return _signal.sigtimedwait({_signal.SIGTERM}, pause) is not None
def leave(code=0):
    report("end", nonce, written)
    os._exit(code)
if role == "credential":
    with open(get("TOKEN")) as file:
        assert file.read() == "token", "the credential"
if role == "tree":
    for _ in range(2):
        if os.fork() == 0:
            os.setsid()
            report("child", identity, get("VERSION"))
            _signal.pthread_sigmask(_signal.SIG_UNBLOCK, {_signal.SIGTERM})
            while True:
                time.sleep(1000)
if role == "job":
    for _ in range(3):
        write()
    leave()
if role == "serve":
    listeners = {}
    poll = select.poll()
    for fd in range(3, 3 + int(get("LISTEN_FDS"))):
        listeners[fd] = _socket.socket(fileno=fd)
        listeners[fd].listen(1000)
        listeners[fd].setblocking(False)
        poll.register(fd, select.POLLIN)
    answer = b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: 0\\r\\n\\r\\n"
    write()
    while not is_asked(0):
        for fd, _ in poll.poll(20):
            try:
                accepted, _ = listeners[fd]._accept()
            except BlockingIOError:
                continue
            client = _socket.socket(fileno=accepted)
            client.settimeout(5)
            try:
                if client.recv(4096):
                    client.sendall(answer)
            except OSError:
                pass
            client.close()
    leave()
pause = float(get("PAUSE", 0.02))
while not is_asked(pause) or role == "deaf":
    write()
leave()
"""

_SYSTEM = "/usr/bin/python3"
IS_FOR_ALL = os.access(_SYSTEM, os.X_OK)
"""Whether there is a Python that other users may run: one below /root is not."""
_PYTHON = _SYSTEM if IS_FOR_ALL else sys.executable


def command() -> list[str]:
    """The command of every app here; ``ROLE`` in its environment says what it is."""
    return [_PYTHON, "-I", "-S", "-u", "-c", _CODE]


def environment(registrar: str, version: int, **more: Any) -> dict[str, str]:
    """Its variables: ``VERSION`` makes each edit of it a revision."""
    given = {"REGISTRAR": registrar, "VERSION": version, **more}
    return {name: str(value) for name, value in given.items()}
