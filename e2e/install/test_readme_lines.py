"""The lines of README that install recon work on Debian, whose own Python refuses pip."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.install.built import ROOT, copy_of_tree
from e2e.install.chroot import Chroot
from e2e.install.release_check import only_for_a_release
from reconciler import __version__

_BLOCK = re.compile(r"To install recon for good.*?```\n(.*?)```", re.S)
_TREE = "/srv/recon"


def lines() -> list[str]:
    found = _BLOCK.search((ROOT / "README.md").read_text())
    assert found is not None
    return [line.partition("   #")[0].strip() for line in found[1].splitlines()]


@pytest.fixture(scope="module")
def machine(debian: Callable[..., Chroot], tmp_path_factory: pytest.TempPathFactory) -> Chroot:
    only_for_a_release("the README's lines that install recon")
    made = debian("bookworm", "python3", "python3-pip", "python3-venv", "pipx", "ca-certificates")
    made.put(copy_of_tree(tmp_path_factory.mktemp("copy") / "tree"), _TREE)
    made.as_user("python3 -m venv ~/.uv && ~/.uv/bin/pip install --quiet uv")
    return made


def test_pip_alone_is_refused_there(machine: Chroot) -> None:
    said = machine.as_user(f"cd {_TREE} && python3 -m pip install .", code=1)
    assert "externally-managed-environment" in said


@pytest.mark.parametrize("line", lines())
def test_a_line_installs_recon(line: str, machine: Chroot) -> None:
    said = machine.as_user(f"cd {_TREE} && PATH=$HOME/.uv/bin:$PATH && {line}")
    program = next((name for name in (".recon/bin", ".local/bin") if _is_there(machine, name)), "")
    if not program:  # it ran once, and nothing is left
        assert said.splitlines()[-1] == f"recon {__version__}"
        return
    assert machine.as_user(f"~/{program}/recon --version") == f"recon {__version__}\n"
    machine.as_user("rm -rf ~/.recon ~/.local")


def _is_there(machine: Chroot, folder: str) -> bool:
    return Path(f"{machine.root}/home/tester/{folder}/recon").is_symlink() or (
        Path(f"{machine.root}/home/tester/{folder}/recon").exists()
    )
