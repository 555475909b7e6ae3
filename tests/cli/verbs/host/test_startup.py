"""`recon startup` as far as it can be seen without an init system; e2e/test_startup.py has one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from reconciler.cli.boot import openrc, systemd, unit
from reconciler.cli.boot.boot import MARK, USUAL_PATH, Boot
from reconciler.cli.framework.errors import CliError
from reconciler.cli.framework.options import Where
from reconciler.cli.verbs.host import startup
from reconciler.state.paths import StatePaths
from reconciler.system.init_system import InitSystem
from tests.cli.conftest import Cli
from tests.convert.systemd.systemd_reads import ANALYZE, SYSTEMD, complaints, read

NASTY = "/srv/a b %h $HOME 'q' é"
asks_systemd = pytest.mark.skipif(
    ANALYZE is None or not os.path.exists(SYSTEMD),
    reason="SKIPPED: systemd-analyze is not installed, which checks the units",
)


def boot(version: int = 252, *, user: bool = False, program: str = "/bin/true") -> Boot:
    place = Where(Path(NASTY, "manifests"), StatePaths(Path(NASTY, "state")), "prod")
    return Boot([program], place, user, version, folders=["/opt/node 20/bin"])


@asks_systemd
@pytest.mark.parametrize("user", [False, True])
def test_systemd_reads_the_units_as_they_were_meant(user: bool) -> None:
    units = systemd.units(boot(user=user))
    assert complaints(units) == ""
    found = read(units, "recon.service")
    run = ["/bin/true", "run", "--manifests", f"{NASTY}/manifests", "--state-dir", f"{NASTY}/state"]
    assert [*run, "--profile", "prod"] in found.commands()
    assert found.values("KillMode") == ["process"]
    assert f"PATH={USUAL_PATH}:/opt/node 20/bin" in found.values("Environment")
    assert any(f"{NASTY}/state" in line for line in found.values("RequiresMountsFor"))
    [down] = read(units, "recon-shutdown.service").commands()
    assert down[:4] == ["/bin/true", "down", "--state-dir", f"{NASTY}/state"]


@pytest.mark.parametrize(
    ("version", "there", "not_there"),
    [
        (0, ["Type=notify", "ExecReload="], ["DelegateSubgroup", "WantsMountsFor", "reload\n"]),
        (252, ["Type=notify\n", "ExecReload="], ["DelegateSubgroup", "WantsMountsFor"]),
        (253, ["Type=notify-reload\n"], ["ExecReload", "DelegateSubgroup"]),
        (254, ["DelegateSubgroup=controller"], ["WantsMountsFor"]),
        (256, ["WantsMountsFor="], []),
    ],
)
def test_what_is_newer_is_used_only_where_systemd_has_it(
    version: int, there: list[str], not_there: list[str]
) -> None:
    text = systemd.units(boot(version))["recon.service"]
    assert all(one in text for one in there)
    assert not any(one in text for one in not_there)


def test_openrc_evaluates_the_script_to_the_same_command(tmp_path: Path) -> None:
    program = tmp_path / "bin with blank/recon"
    script = openrc.script(boot(program=str(program)))
    path = tmp_path / "recon"
    path.write_text(script)
    # The lines by which OpenRC's supervise-daemon.sh starts a service.
    shell = 'show() { printf "%s\\n" "$@"; }; . "$0"; eval show $command -- $command_args'
    done = subprocess.run(
        ["sh", "-c", shell, str(path)], capture_output=True, text=True, check=True, timeout=10
    )
    run = ["run", "--manifests", f"{NASTY}/manifests", "--state-dir", f"{NASTY}/state"]
    assert done.stdout.splitlines() == [str(program), "--", *run, "--profile", "prod"]


@pytest.mark.parametrize(("going_down", "stops"), [("YES", True), ("", False)])
def test_openrc_stops_the_apps_only_when_the_host_goes_down(
    tmp_path: Path, going_down: str, stops: bool
) -> None:
    program = tmp_path / "recon"
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755)
    script = tmp_path / "init"
    script.write_text(openrc.script(boot(program=str(program))))
    shell = 'yesno() { [ "$1" = YES ]; }; . "$0"; stop_post'
    done = subprocess.run(
        ["sh", "-c", shell, str(script)],
        env={"RC_GOINGDOWN": going_down, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == (f"down --state-dir {NASTY}/state\n" if stops else "")


def test_dry_run_prints_units_and_commands_and_does_nothing(cli: Cli) -> None:
    done = cli("startup", "--init", "systemd", "--dry-run")
    assert done.code == 0
    assert "# /etc/systemd/system/recon.service" in done.out
    assert f"--manifests {cli.manifests}" in done.out
    steps = [line for line in done.out.splitlines() if line.startswith("systemctl")]
    assert steps == [
        "systemctl daemon-reload",
        "systemctl enable recon.service recon-shutdown.service",
        "systemctl restart recon.service",
        "systemctl start recon-shutdown.service",
    ]
    assert not Path("/etc/systemd/system/recon.service").exists()
    assert "openrc-run" in cli("startup", "--init", "openrc", "--dry-run").out


def test_without_root_the_lines_to_say_are_told(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    done = cli("startup", "--init", "systemd")
    assert done.code == 1 and not done.out
    assert f"startup --manifests {cli.manifests}" in done.err and "sudo " in done.err
    assert "recon startup --user" in done.err


def test_without_an_init_system_the_way_as_pid_1_is_told(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(startup, "init_system", lambda: InitSystem("tini", False))
    done = cli("startup")
    assert done.code == 1
    assert "PID 1 is tini" in done.err and "recon itself be PID 1" in done.err


def test_path_gets_the_folders_that_a_service_would_not_look_in(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "node/bin"
    folder.mkdir(parents=True)
    (folder / "my-node").write_text("#!/bin/sh\n")
    (folder / "my-node").chmod(0o755)
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:{folder}")
    cli.app("a", "[my-node, x]")
    cli.app("b")
    out = cli("startup", "--init", "systemd", "--dry-run").out
    assert f"Environment=PATH={USUAL_PATH}:{folder}\n" in out


def test_a_file_of_somebody_else_is_neither_overwritten_nor_removed(tmp_path: Path) -> None:
    path = tmp_path / "recon.service"
    path.write_text("[Service]\n")
    with pytest.raises(CliError, match="move it away"):
        unit.write(path, f"# {MARK}\n")
    with pytest.raises(CliError, match="was not removed"):
        unit.remove(path)
    assert path.read_text() == "[Service]\n"


def test_a_file_of_ours_is_replaced_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "units/recon.service"
    assert unit.write(path, f"# {MARK}\n1\n")
    assert not unit.write(path, f"# {MARK}\n1\n")
    assert unit.write(path, f"# {MARK}\n2\n", 0o755)
    assert path.stat().st_mode & 0o777 == 0o755
    assert [one.name for one in path.parent.iterdir()] == ["recon.service"]
    assert unit.remove(path) and not unit.remove(path)


@pytest.mark.parametrize("packaged", [True, False])
def test_a_removal_leaves_the_shutdown_unit_of_a_package_alone(
    packaged: bool, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its file is there still: a stop of it would stop all apps."""
    system, lib = tmp_path / "etc", tmp_path / "lib"
    for folder in (system, *([lib] if packaged else [])):
        folder.mkdir()
        (folder / systemd.SHUTDOWN).write_text(f"# {MARK}\n")
    monkeypatch.setattr(startup, "SYSTEM", system)
    monkeypatch.setattr(unit, "PACKAGED", lib)
    done = cli("startup", "--remove", "--dry-run", "--init", "systemd")
    stops = f"systemctl stop {systemd.SHUTDOWN}" in done.out
    assert stops is not packaged
