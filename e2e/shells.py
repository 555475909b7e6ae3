"""A real shell under a pseudo terminal, with recon's completion in it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from types import TracebackType

import pexpect

from e2e.harness import PROGRAM

_READY = "READY> "
_TAB, _HOME, _CLEAR = "\t", "\x01", "\x15"
# What a shell is started with, and what it is told first.
_STARTS = {
    "bash": (["--norc", "--noprofile", "-i"], f"PS1='{_READY}'; bind 'set bell-style none'"),
    "zsh": (["-f", "-i"], f"bindkey -e; unsetopt beep; PS1='{_READY}'; autoload -U compinit"),
    "fish": (["--no-config", "-i"], f"function fish_prompt; printf '{_READY}'; end"),
}
_SOURCES = {
    "bash": "source <(recon completion bash)",
    "zsh": "compinit -u -D; source <(recon completion zsh)",
    "fish": "recon completion fish | source",
}
SHELLS = [*_STARTS]


def installed(shell: str) -> bool:
    return shutil.which(shell) is not None


class Shell:
    """``with Shell("zsh", folder, environment) as shell``: ended with the block."""

    def __init__(self, name: str, folder: Path, environment: dict[str, str]) -> None:
        words, first = _STARTS[name]
        path = f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"
        self._child = pexpect.spawn(
            name,
            words,
            cwd=str(folder),
            env={**environment, "PATH": path, "TERM": "xterm", "HOME": str(folder)},
            dimensions=(50, 200),
            encoding="utf-8",
            timeout=60,
        )
        self._child.delaybeforesend = None
        self.run(first)
        self.run(_SOURCES[name])

    def __enter__(self) -> Shell:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._child.close(force=True)

    def run(self, text: str) -> str:
        """Run a line, and return what it printed."""
        self._child.sendline(f"{text}; echo DO''NE")
        self._child.expect("DONE\r\n")
        return str(self._child.before)

    def completed(self, text: str, end: str = "") -> list[str]:
        """The words of a line after the Tab key, as the shell would pass them on. ``end`` is typed
        then: it shows whether a blank was added."""
        self._child.send(f"{text}{_TAB}{end}{_HOME}printf '<%s>' \n")
        self._child.expect(rf"(?s)<recon>((?:<[^>]*>)*)[^<].*?{_READY}")
        return re.findall(r"<([^>]*)>", self._child.match[1])

    def offered(self, text: str, *expected: str) -> str:
        """Type a text and Tab twice; what the shell shows until all that is expected is there."""
        self._child.send(f"{text}{_TAB}{_TAB}")
        shown = ""
        for word in expected:
            self._child.expect_exact(word)
            shown += str(self._child.before) + word
        self._child.send(_CLEAR)
        return shown
