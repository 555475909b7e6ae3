"""One page, followed from its first step to its last."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from e2e.walks.alike import alike
from e2e.walks.blocks import Step, steps
from e2e.walks.shell import Shell

HOME = "/home/ana"
"""The reader's, in every page."""
_LOOKS = ("curl", "recon status", "recon events", "recon logs", "recon describe")
"""Commands that change nothing: one that does not print yet what the page says is run again, as a
reader would."""
_SECONDS = 60


class Walk:
    """A page's reader, at home in a folder."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self._home = home
        self.shell = Shell(home, {**environment, "HOME": str(home)})

    def follow(self, page: str) -> int:
        """All steps, and how many commands there were; AssertionError at the first that is not as
        the page says."""
        count = 0
        for step in steps(page):
            if step.path:
                self._write(step)
            else:
                self._command(step)
                count += 1
        return count

    def record(self, page: str) -> Iterator[tuple[Step, str]]:
        """What each command prints here, in the page's own words: for one who writes a page."""
        for step in steps(page):
            if step.path:
                self._write(step)
                continue
            if _looks(step):
                time.sleep(2)  # a reader is slower than the controller
            yield step, self._said(self.shell.run(self._here(step.text))[0])

    def _write(self, step: Step) -> None:
        path = self._home / self._here(step.path).removeprefix("~/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self._here(step.text))

    def _command(self, step: Step) -> None:
        looks = _looks(step)
        deadline = time.monotonic() + _SECONDS
        while True:
            text, code = self.shell.run(self._here(step.text))
            printed = self._said(text)
            if alike(step.printed, printed) if step.printed else code == 0:
                return
            assert looks and time.monotonic() < deadline, (
                f"line {step.line}: `{step.text}` (exit code {code}) prints\n{printed}\n"
                "where the page says\n" + "\n".join(step.printed)
            )

    def _here(self, text: str) -> str:
        return text.replace(HOME, str(self._home))

    def _said(self, text: str) -> str:
        return text.replace(str(self._home), HOME)

    def close(self) -> None:
        self.shell.close()


def _looks(step: Step) -> bool:
    return step.text.startswith(_LOOKS)
