"""`recon dashboard` and a browser before it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from e2e.crm.page import _QUIET
from e2e.harness import Recon
from tests.waiting import SLOWNESS, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext
    from playwright.sync_api import Page as Tab

_SECONDS = 60.0


class Served:
    """The process of the page."""

    def __init__(self, recon: Recon, output: Path, *options: str) -> None:
        self._recon = recon
        self._output = output
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, port: int = 0) -> None:
        """Begin to serve; returns when the link is printed."""
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    *(self._recon.program, "dashboard", "--listen", f"127.0.0.1:{port}"),
                    *self._options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._recon.environment,
                cwd=self._recon.manifests.parent,  # paths are shown as from there
            )
        until(lambda: self.link, what="the link is printed")

    @property
    def link(self) -> str:
        """What was printed to be opened; empty where it is not there yet."""
        found = re.search(r"http://\S+", self._output.read_text())
        return found[0] if found else ""

    @property
    def address(self) -> str:
        """Without the token."""
        return re.sub(r"/(open.*)?$", "", self.link)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(60)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        text = self._output.read_text() if self._output.exists() else ""
        assert "Traceback" not in text, text[:4000]


@contextmanager
def served(recon: Recon, tmp_path: Path, *options: str) -> Iterator[Served]:
    """The page, on any free port."""
    found = Served(recon, tmp_path / "dashboard.out", *options)
    try:
        found.start()
        yield found
    finally:
        found.close()


class Looking:
    """A browser, and everything that went wrong in it."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.faults: list[str] = []
        """What pages threw, what was refused by the policy, requests to other hosts."""
        self._contexts: dict[Any, BrowserContext] = {}

    def tab(self, served: Served, path: str = "/", *, use: str = "", **settings: Any) -> Tab:
        """A tab at one path, in a session; the first is opened by ``use``, a link."""
        key = repr(sorted(settings.items()))
        if key not in self._contexts:
            state = None
            if self._contexts and not use:
                first = next(iter(self._contexts.values()))
                state = first.storage_state()
            context = self._browser.new_context(
                **{"viewport": {"width": 1280, "height": 800}, "storage_state": state, **settings}
            )
            context.set_default_timeout(_SECONDS * 1000 * SLOWNESS)
            self._contexts[key] = context
            if use:
                page = context.new_page()
                page.goto(use)
                page.wait_for_url(served.address + "/")
                page.close()
        page = self._contexts[key].new_page()
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on("console", self._on_console)
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith(served.address)
                else self.faults.append(f"a request to {request.url}")
            ),
        )
        page.goto(served.address + path)
        return page

    def _on_console(self, message: Any) -> None:
        if "Content Security Policy" in message.text or "Refused" in message.text:
            self.faults.append(message.text)


@contextmanager
def looking() -> Iterator[Looking]:
    """Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[*_QUIET],
            env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": "disabled:"},
        )
        try:
            yield Looking(browser)
        finally:
            browser.close()
