"""500 apps, and people who look at them: what it costs the controller, and what looks itself."""

from __future__ import annotations

import fcntl
import http.client
import os
import pty
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from e2e.bench.account import cpu_seconds, memory
from e2e.bench.figures import Line, Report, ms
from e2e.bench.machine import installed
from e2e.bench.peers.pm2 import Pm2
from e2e.bench.stage import Stage
from e2e.bench.subject import Subject, manifest
from tests.waiting import until

_COUNT = 500
_SETTLE = 8.0
_CORE, _FIRST = 2.0, 1.0
_ROWS, _COLUMNS = 40, 120
_BROWSER = "/usr/bin/chromium"


def measure(stage: Stage) -> Report:
    with stage.subject() as (subject, stamps):
        stage.say(f"looking: starting {_COUNT} apps")
        folder = stage.place("crowd")
        folder.mkdir()
        for number in range(_COUNT):
            text = manifest(f"app-{number}", stage.command(stamps))
            (folder / f"app-{number}.yaml").write_text(text)
        folder.rename(subject.manifests / "crowd")
        stamps.gather(_COUNT)
        found = {"nobody": _watch(stage, subject.pid, None)}
        with _page(subject) as (page, cookie, address):
            with _reader(address, cookie):
                found["page"] = _watch(stage, subject.pid, page)
            paints = [_paint(address, cookie) for _ in range(stage.count(5, 1))]
        with _terminal([str(subject.program), "monit"], subject.environment) as monitor:
            found["monitor"] = _watch(stage, subject.pid, monitor)
    peer = _pm2(stage) if installed(*Pm2.needs) else None
    return Report(_lines(found, [one for one in paints if one is not None], peer), {**found})


def _lines(
    found: dict[str, dict[str, float]], paints: list[float], peer: dict[str, float] | None
) -> list[Line]:
    alone = found["nobody"]["controller"]
    lines = []
    for who in ("page", "monitor"):
        cost = found[who]["controller"] - alone
        what = f"{_COUNT} apps, one {who} open: more of the controller's core"
        lines.append(Line(what, f"{cost:.2f} %", (), f"≤ {_CORE:g} %", cost <= _CORE))
    beside = ("PM2 not installed",)
    for who in ("page", "monitor"):
        own = found[who]
        if peer is not None:
            beside = (f"pm2 monit {peer['own']:.1f} % {peer['rss']:.0f} MiB",)
        figure = f"{own['own']:.1f} % {own['rss']:.0f} MiB"
        lines.append(Line(f"the {who} itself, of a core, resident", figure, beside))
    if paints:
        took = median(paints)
        target = took <= _FIRST
        lines.append(Line(f"page of {_COUNT} apps, first paint", ms(took), (), "≤ 1 s", target))
    return lines


def _watch(stage: Stage, controller: int, looker: int | None) -> dict[str, float]:
    """Percent of a core, of the controller and of what looks; MiB."""
    span = stage.count(30, 5)
    time.sleep(_SETTLE)
    stage.say(f"looking: watching for {span} s")
    pids = [controller, *([looker] if looker is not None else [])]
    before, began = [cpu_seconds(pid) for pid in pids], time.monotonic()
    time.sleep(span)
    took = time.monotonic() - began
    used = [100 * (cpu_seconds(pid) - cpu) / took for pid, cpu in zip(pids, before, strict=True)]
    found = {"controller": used[0]}
    if looker is not None:
        found |= {"own": used[1], "rss": memory(looker).rss}
    return found


@contextmanager
def _page(subject: Subject) -> Iterator[tuple[int, str, str]]:
    """The pid of the page, a cookie that opens it, and its address."""
    words = [str(subject.program), "dashboard", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=subject.environment)
    try:
        assert process.stdout is not None
        link = next(line.strip() for line in process.stdout if line.strip().startswith("http"))
        parts = urlsplit(link)
        with closing(http.client.HTTPConnection(parts.netloc)) as connection:
            connection.request("GET", f"{parts.path}?{parts.query}")
            cookie = connection.getresponse().getheader("set-cookie") or ""
        yield process.pid, cookie.partition(";")[0], f"http://{parts.netloc}"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _reader(address: str, cookie: str) -> Iterator[None]:
    """A browser that has the page open: it reads what it is sent."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc)
    connection.request("GET", "/stream/apps", headers={"Cookie": cookie})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()

    def read() -> None:
        try:
            while answer.read1(65536):
                pass
        except (OSError, ValueError, AttributeError):  # closed
            return

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield
    finally:
        connection.close()


def _paint(address: str, cookie: str) -> float | None:
    """Seconds to the first useful paint, by the browser; None where there is no browser."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if not Path(_BROWSER).exists():
        return None
    name, _, value = cookie.partition("=")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_BROWSER, args=["--no-sandbox"])
        try:
            context = browser.new_context()
            context.add_cookies([{"name": name, "value": value, "url": address}])
            page = context.new_page()
            page.goto(address)
            paint = page.evaluate(
                "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
            )
            return float(paint) / 1000 if paint is not None else None
        finally:
            browser.close()


@contextmanager
def _terminal(words: list[str], environment: dict[str, str]) -> Iterator[int]:
    """A program in a terminal that is read as fast as it writes: its pid."""
    near, far = pty.openpty()
    fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
    env = {**environment, "TERM": "xterm-256color"}
    process = subprocess.Popen(
        words, stdin=far, stdout=far, stderr=far, env=env, start_new_session=True
    )
    os.close(far)
    seen = bytearray()

    def read() -> None:
        try:
            while piece := os.read(near, 65536):
                seen.extend(piece)
        except OSError:  # it has ended
            return

    threading.Thread(target=read, daemon=True).start()
    try:
        until(lambda: len(seen) > 1000, 30, f"{words[1]} shows something")
        yield process.pid
    finally:
        process.terminate()
        process.wait()
        os.close(near)


def _pm2(stage: Stage) -> dict[str, float] | None:
    """`pm2 monit`, with as many processes."""
    with stage.stamps() as stamps:
        stage.say(f"looking: starting {_COUNT} under PM2")
        peer = Pm2(stage.place("pm2"))
        try:
            peer.supervise(stage.program.path, stamps.path, instances=_COUNT)
            stamps.gather(_COUNT)
            with _terminal([peer.program, "monit"], peer.environment) as pid:
                return _watch(stage, peer.pid, pid)
        finally:
            peer.close()
