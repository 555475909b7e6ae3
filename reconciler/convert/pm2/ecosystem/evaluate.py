"""A JavaScript config becomes the data that it exports, evaluated in ``sandbox``.

Whatever the config does (loop, fill the memory, exit, throw, print, wait, export nonsense), the
outcome is data or an ``ImportFault`` with its place, within ``SECONDS``.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from reconciler.convert.errors import ImportFault, fault
from reconciler.convert.pm2.ecosystem.engine import Engine, engine, sandbox

SECONDS = 10
_MEMORY = 2**30
_MOST_ANSWER = 8 * 2**20
_MOST_OUTPUT = 64 * 2**10
# What Node itself looks up while it loads a config.
_OF_NODE = {"WATCH_REPORT_DEPENDENCIES", "FORCE_COLOR", "NO_COLOR", "NODE_DISABLE_COLORS", "TERM"}


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a config exports, and what of this host it looked at on the way."""

    value: Any
    reads: tuple[str, ...] = ()
    """Variables of the environment that were there."""
    requested: tuple[str, ...] = ()
    """All that it asked for, there or not."""
    sets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What it put into its own environment, which PM2's apps inherit."""
    files: tuple[str, ...] = ()
    """What it read below the folders that it may read, in that order; modules, too."""
    cores: int | None = None
    """As the config was told, if it asked."""


@dataclass(frozen=True, slots=True)
class _Config:
    file: str
    folders: list[str]
    """Below which it may read; its own first."""
    expression: bool


@dataclass(frozen=True, slots=True)
class _Ended:
    answer: bytes
    output: bytes
    code: int
    late: bool


def evaluate(
    file: str,
    environ: Mapping[str, str],
    *,
    cwd: str | None = None,
    also: Sequence[str] = (),
    expression: bool = False,
    using: Engine | None = None,
) -> Evaluated:
    """What ``file`` (absolute) exports. Raises ImportFault.

    It may read files below its own folder and the folders in ``also``. ``expression``: the file
    is one expression, as JSON with comments is.
    """
    folders = [os.path.dirname(os.path.realpath(file)), *map(os.path.realpath, also)]
    try:
        means = using or engine(environ.get("PATH"), folders)
    except LookupError as error:
        raise fault(file, str(error.args[0])) from None
    config = _Config(os.path.realpath(file), folders, expression)
    ended = _run(means, config, environ, cwd or os.path.dirname(file))
    document = _document(ended.answer)
    if len(ended.answer) >= _MOST_ANSWER:
        raise fault(
            file, f"exports more than {_MOST_ANSWER >> 20} MiB; name the config file itself"
        )
    if document is None:
        raise fault(file, _why_silent(ended))
    if "error" in document:
        raise _of_error(file, document["error"], ended.output.decode(errors="replace"))
    sets = _texts(document.get("sets"))
    requested = {*_words(document.get("reads"))} - _OF_NODE
    return Evaluated(
        _exported(file, document["value"]),
        tuple(sorted((requested & environ.keys()) - sets.keys())),
        tuple(sorted(requested)),
        sets,
        tuple(one for one in _words(document.get("files")) if is_within(one, folders)),
        document.get("cores"),
    )


def _texts(found: Any) -> dict[str, str]:
    """Only what a variable can be: the config could have written the answer itself."""
    entries = found.items() if isinstance(found, dict) else ()
    return {name: text for name, text in entries if isinstance(text, str)}


def _words(found: Any) -> list[str]:
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def is_within(path: str, folders: Sequence[str]) -> bool:
    """Whether a file that the config names lies below one of the folders (real paths)."""
    real = "" if "\0" in path or not os.path.isabs(path) else os.path.realpath(path)
    return any(real.startswith(os.path.join(folder, "")) for folder in folders)


def _run(means: Engine, config: _Config, environ: Mapping[str, str], cwd: str) -> _Ended:
    reader, writer = os.pipe()
    question = {**asdict(config), "environ": dict(environ), "fd": writer}
    request = {
        **asdict(config),
        "engine": means.name,
        "argv": means.argv,
        "environ": {name: environ[name] for name in ("PATH", "HOME", "TZ") if name in environ},
        "cwd": cwd,
        "memory": _MEMORY,
        "seconds": SECONDS,
        "path": [os.path.dirname(os.path.abspath(__file__))],
    }
    try:
        process = subprocess.Popen(
            [*sandbox(), json.dumps(request)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(writer,),
            start_new_session=True,
        )
    finally:
        os.close(writer)
    try:
        return _communicate(process, reader, json.dumps(question).encode())
    finally:
        os.close(reader)
        _end(process)


def _communicate(process: subprocess.Popen[bytes], reader: int, question: bytes) -> _Ended:
    """Feed the question and collect what comes, up to the limits and the deadline."""
    assert process.stdin is not None and process.stdout is not None
    deadline = time.monotonic() + SECONDS
    caps = {reader: _MOST_ANSWER, process.stdout.fileno(): _MOST_OUTPUT}
    got = {number: bytearray() for number in caps}
    with selectors.DefaultSelector() as selector:
        for number in caps:
            selector.register(number, selectors.EVENT_READ)
        selector.register(process.stdin, selectors.EVENT_WRITE)
        while reader in selector.get_map():
            left = deadline - time.monotonic()
            ready = selector.select(left) if left > 0 else []
            if left <= 0:
                break
            for key, _ in ready:
                if key.fileobj is process.stdin:
                    question = _feed(process, question)
                    if not question:
                        selector.unregister(process.stdin)
                        process.stdin.close()
                elif not (data := os.read(key.fd, 2**16)):
                    selector.unregister(key.fd)
                elif len(got[key.fd]) < caps[key.fd]:
                    got[key.fd] += data
    late = time.monotonic() >= deadline
    output = process.stdout
    if not late:
        code = _wait(process, deadline)
        os.set_blocking(output.fileno(), False)
        got[output.fileno()] += output.read(_MOST_OUTPUT) or b""
        return _Ended(bytes(got[reader]), bytes(got[output.fileno()]), code, late=False)
    return _Ended(b"", bytes(got[output.fileno()]), 0, late=True)


def _feed(process: subprocess.Popen[bytes], question: bytes) -> bytes:
    """What is left to be written."""
    assert process.stdin is not None
    try:
        return question[os.write(process.stdin.fileno(), question[: 2**16]) :]
    except BrokenPipeError:
        return b""


def _wait(process: subprocess.Popen[bytes], deadline: float) -> int:
    try:
        return process.wait(timeout=max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return 0


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to all of it: it leads a session of its own, and is not reaped before."""
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            try:
                stream.close()
            except BrokenPipeError:
                pass


def _document(answer: bytes) -> dict[str, Any] | None:
    """The answer; None where it is none (the config may have written there, or cut it short)."""
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found.keys() & {"value", "error"} else None


def _why_silent(ended: _Ended) -> str:
    if ended.late or ended.code in (-signal.SIGXCPU, -signal.SIGKILL):
        return f"does not end: stopped after {SECONDS} s; fix the loop in it"
    if ended.code < 0 or b"heap" in ended.output or b"memory" in ended.output:
        return f"takes more memory than the {_MEMORY >> 30} GiB that a config may have; fix it"
    if ended.code == 13:  # Node: unsettled top-level await
        return "waits without end (await); export the apps without waiting"
    return f"exits (exit code {ended.code}) before it exports anything"


def _of_error(file: str, error: Mapping[str, str], output: str) -> ImportFault:
    real = os.path.realpath(file)
    line, column = _place(real, error["stack"]) or _place(real, output) or (0, 0)
    summary = error["message"].splitlines()[0] if error["message"] else error["name"]
    message = f"{error['name']}: {summary}"
    if error["code"] == "ERR_ACCESS_DENIED":
        message = _denied(error)
    elif error["code"] in ("MODULE_NOT_FOUND", "ERR_MODULE_NOT_FOUND"):
        message = f"{summary}; install it (npm ci), or remove it from the config"
    elif error["code"] == "ENOMEM" or "allocation failed" in summary.lower():
        message = f"{message}; a config may have {_MEMORY >> 30} GiB of memory"
    return fault(file, message, line, column)


def _denied(error: Mapping[str, str]) -> str:
    what, which = error["permission"], error["resource"]
    if what == "FileSystemRead":
        folder = os.path.dirname(which) or which
        return f"reads {which}, outside of its folder; if you trust it, --allow-read {folder}"
    done = {
        "FileSystemWrite": f"writes {which}" if which else "writes a file",
        "ChildProcess": "starts a program",
        "WorkerThreads": "starts a thread",
        "Net": "uses the network",
    }.get(what, "does something that a config may not do")
    return f"{done}, which is not allowed in an import; remove that, or use --from-running"


def _place(file: str, text: str) -> tuple[int, int] | None:
    """The first place in ``file`` that a stack trace, or Node's own words, name."""
    match = re.search(rf"{re.escape(file)}:(\d+)(?::(\d+))?", text)
    return (int(match[1]), int(match[2] or 0)) if match else None


def _exported(file: str, value: Any) -> Any:
    kind = (
        value.get("$") if isinstance(value, dict) and not value.keys() - {"$", "source"} else None
    )
    if kind in ("a function", "a promise"):
        raise fault(file, f"exports {kind}; PM2 takes only the object itself: export that")
    if isinstance(value, dict | list) and kind is None and value:
        return value
    raise fault(file, "exports no apps; write module.exports = {apps: [...]}")
