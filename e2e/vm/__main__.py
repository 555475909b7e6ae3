"""Run a command of this worktree in a machine with systemd and cgroup v2: `make vm`."""

from __future__ import annotations

import argparse
import sys

from e2e.vm.image import SOURCE, image
from e2e.vm.machine import Wish, boot

RUN_AS = {
    "root": "root's login session",
    "service": "a system service with Delegate=yes",
    "user": "an ordinary user's login session",
    "user-service": "an ordinary user's service with Delegate=yes",
}
# The files with tests that a machine without controllers or systemd skips.
FILES = ("e2e/test_cgroups.py", "e2e/test_limits.py", "e2e/test_startup.py")


def main() -> int:
    """The exit code is the command's; 124 after --timeout, 125 when the machine failed."""
    asked = _arguments()
    wish = Wish(
        command=asked.command or ["pytest", "-rs", *_present(FILES)],
        run_as=asked.run_as,
        memory=asked.memory,
        parameters=asked.kernel,
        timeout=asked.timeout,
    )
    try:
        return boot(image(), wish)
    except KeyboardInterrupt:
        return 130


def _present(files: tuple[str, ...]) -> list[str]:
    present = [name for name in files if (SOURCE / name).exists()]
    if not present:
        raise SystemExit(f"there is none of {', '.join(files)}: name a command")
    return present


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m e2e.vm", description=__doc__)
    parser.add_argument(
        "--as",
        dest="run_as",
        choices=RUN_AS,
        default="root",
        help="; ".join(f"{name}: {meaning}" for name, meaning in RUN_AS.items()),
    )
    parser.add_argument("--memory", type=int, default=Wish.memory, help="MiB (%(default)s)")
    parser.add_argument("--kernel", default="", help="further kernel parameters")
    parser.add_argument("--timeout", type=float, default=Wish.timeout, help="seconds (%(default)s)")
    parser.add_argument("command", nargs="*", help="default: pytest -rs " + " ".join(FILES))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
