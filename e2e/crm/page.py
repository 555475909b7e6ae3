"""The page in a real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request, Response

_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_SECONDS = 60.0
"""A page that does not show what it should for so long is wrong."""


def lacking() -> str:
    """Why no browser can be had here; empty where one can."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "no Playwright: pip install playwright"
    return "" if shutil.which("chromium") else "no chromium in PATH: apt-get install chromium"


class Opened:
    """A page of the CRM, and all that went wrong on it since it was opened."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.failed: list[str] = []
        """Requests that got no answer, or one of 400 or more; what the page's scripts threw."""
        self._told: list[str] = []
        """What the page wrote to its console."""
        page.on("console", lambda message: self._told.append(message.text))
        page.on("requestfailed", self._on_failed)
        page.on("response", self._on_response)
        page.on("pageerror", lambda error: self.failed.append(f"script: {error}"))

    def text(self, selector: str) -> str:
        found = self._page.locator(selector)
        return found.inner_text() if found.count() else ""

    def number(self, selector: str) -> int:
        return int(self.text(selector) or 0)

    def customers(self) -> list[str]:
        """Name and city of each, as shown."""
        return self._page.locator("tr").all_inner_texts()

    def shows(self, selector: str, text: str) -> None:
        """Wait until it does."""
        self._page.wait_for_function(
            "([selector, text]) => document.querySelector(selector)?.textContent === text",
            arg=[selector, text],
        )

    def looks_on(self, times: int = 5) -> None:
        """Wait until the API has been asked so often again, and has answered the last one."""
        self._page.wait_for_function(
            "n => Number(document.querySelector('#looks')?.textContent) >= n"
            " && document.querySelector('tr') && !document.querySelector('[role=alert]')",
            arg=self.number("#looks") + times,
        )

    def hears_of_edits(self) -> None:
        """Wait until Vite's client is connected: what is edited before that, it is not told of."""
        if "[vite] connected." not in self._told:
            self._page.wait_for_event("console", lambda told: told.text == "[vite] connected.")

    def add(self, name: str, city: str) -> None:
        """Fill in the form, as somebody would."""
        self._page.fill("input[name=name]", name)
        self._page.fill("input[name=city]", city)
        self._page.click("button")
        self._page.locator("td", has_text=name).wait_for()

    def reload(self) -> None:
        self._page.reload()

    def picture(self, path: Path) -> None:
        self._page.screenshot(path=path)

    def assert_never_failed(self) -> None:
        assert self.failed == []
        assert (self.number("#failures"), self.text("[role=alert]")) == (0, "")

    def _on_failed(self, request: Request) -> None:
        self.failed.append(f"{request.method} {request.url}: {request.failure}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self.failed.append(f"{response.request.method} {response.url}: {response.status}")


@contextmanager
def opened(url: str) -> Iterator[Opened]:
    """The page at ``url`` in a browser of its own, when it has shown data for the first time."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[*_QUIET],
            env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": "disabled:"},
        )
        try:
            page = browser.new_page(viewport={"width": 800, "height": 500})
            page.set_default_timeout(_SECONDS * 1000)
            found = Opened(page)
            page.goto(url)
            found.looks_on(1)
            yield found
        finally:
            browser.close()
