"""Whatever is edited, the processes follow; whatever is not, they are left alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from e2e.harness import Recon, replace
from e2e.programs import SLEEP, python, server
from tests.waiting import until


def environ(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if pair)


def has_standard_descriptors_only(pid: int) -> bool:
    return sorted(os.listdir(f"/proc/{pid}/fd")) == ["0", "1", "2"]


def test_template_edit_replaces_and_in_place_edit_does_not(recon: Recon) -> None:
    recon.app("web", SLEEP, env={"COLOUR": "red"})
    recon.run()
    recon.healthy("web", ready=1)
    first = recon.pids("web")["web-0"]
    assert environ(first)["COLOUR"] == "red"
    recon.app("web", SLEEP, env={"COLOUR": "red"}, terminationGracePeriodSeconds=5, instances=2)
    recon.healthy("web", ready=2, revision=1)
    assert recon.pids("web")["web-0"] == first
    recon.app("web", SLEEP, env={"COLOUR": "blue"}, instances=2)
    recon.healthy("web", ready=2, revision=2)
    assert all(environ(pid)["COLOUR"] == "blue" for pid in recon.pids("web").values())


def test_process_gets_exactly_the_declared_environment(recon: Recon) -> None:
    recon.environment["PLANTED"] = "by the caller's shell"
    recon.app("web", SLEEP, env={"PORT": {"perInstance": 3000}}, instances=2)
    recon.run()
    recon.healthy("web", ready=2)
    for name, pid in recon.pids("web").items():
        found = environ(pid)
        assert found["PORT"] == str(3000 + int(name[-1]))
        assert found["RECON_ID"].split("/")[1:3] == ["web", name[-1]]
        documented = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "PORT", "RECON_ID"}
        assert found.keys() <= documented
        # Its loader opens libraries, and closes them again.
        until(partial(has_standard_descriptors_only, pid), what="descriptors 0, 1 and 2")


def test_file_moved_in_with_an_old_date_counts(recon: Recon, tmp_path: Path) -> None:
    manifest = recon.app("web", SLEEP, env={"V": "1"})
    recon.run()
    recon.healthy("web", ready=1)
    other = tmp_path / "other.yaml"
    other.write_text(manifest.read_text().replace('"1"', '"2"'))
    os.utime(other, (1_000_000_000, 1_000_000_000))
    other.rename(manifest)
    recon.healthy("web", ready=1, revision=2)


def test_env_file_edit_rolls_the_app(recon: Recon) -> None:
    env_file = recon.write("prod.env", "TOKEN=first\n")
    recon.app("web", SLEEP, envFrom=["prod.env"])
    recon.run()
    recon.healthy("web", ready=1)
    replace(env_file, "TOKEN=second\n")
    recon.healthy("web", ready=1, revision=2)
    assert environ(recon.pids("web")["web-0"])["TOKEN"] == "second"
    assert "second" not in recon.cli("describe", "web") + recon.cli("status", "-o", "json")


def test_scale_suspend_resume_and_removal_leave_the_others_alone(recon: Recon) -> None:
    recon.app("web", SLEEP, instances=3)
    for name in ("a", "b", "c", "d"):
        recon.app(name, SLEEP)
    recon.run()
    recon.healthy("web", ready=3)
    for name in ("a", "b", "c", "d"):
        recon.healthy(name, ready=1)
    others = [recon.pids(name) for name in ("a", "b", "c")]
    recon.app("web", SLEEP, instances=1)
    recon.healthy("web", ready=1)
    assert recon.pids("web").keys() == {"web-0"}
    recon.app("web", SLEEP, suspend=True)
    recon.wait("web", health="Suspended", sync="Synced")
    recon.app("web", SLEEP)
    recon.healthy("web", ready=1)
    (recon.manifests / "d.yaml").unlink()
    until(lambda: not recon.of("d"), what="d is gone")
    assert [recon.pids(name) for name in ("a", "b", "c")] == others


def test_program_that_will_not_end_is_killed_with_its_children(recon: Recon) -> None:
    stubborn = python(
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork(): os._exit(0)\n"
        "print(os.getpid(), flush=True)\n"
        "time.sleep(100000)\n"
    )
    recon.app("stubborn", stubborn, terminationGracePeriodSeconds=0.5)
    recon.run()
    recon.healthy("stubborn", ready=1)
    until(lambda: len(recon.log("stubborn")) == 2, what="both processes run")
    pids = [int(line) for line in recon.log("stubborn")]
    recon.app("stubborn", stubborn, terminationGracePeriodSeconds=0.5, suspend=True)
    recon.wait("stubborn", health="Suspended")
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), what="none is left")


def _suspend(recon: Recon) -> None:
    manifest = recon.manifests / "web.yaml"
    replace(manifest, manifest.read_text().replace('"command"', '"suspend": true, "command"'))
    recon.wait("web", health="Suspended")


def _remove(recon: Recon) -> None:
    (recon.manifests / "web.yaml").unlink()
    recon.cli("apply", "--confirm-prune")
    until(lambda: not recon.of("web"), what="it is gone")


def _down(recon: Recon) -> None:
    recon.cli("down")


@pytest.mark.parametrize("ending", [_suspend, _remove, _down])
def test_pre_stop_runs_before_the_signal(
    recon: Recon, tmp_path: Path, ending: Callable[[Recon], None]
) -> None:
    diary = tmp_path / "diary"
    program = python(
        "import signal, sys, time\n"
        "def end(*_):\n"
        f"    open({str(diary)!r}, 'a').write('signal\\n'); sys.exit(0)\n"
        "signal.signal(signal.SIGUSR1, end)\n"
        "print('up', flush=True)\n"
        "time.sleep(100000)\n"
    )
    drain = python(f"open({str(diary)!r}, 'a').write('drained\\n')")
    stop = {"signal": "SIGUSR1", "preStop": drain}
    recon.app("web", program, readinessProbe={"log": "up"}, stop=stop)
    recon.run()
    recon.healthy("web", ready=1)
    ending(recon)
    assert diary.read_text() == "drained\nsignal\n"


def test_frozen_and_replaced_programs_show_as_drift(recon: Recon, tmp_path: Path) -> None:
    import shutil
    import signal

    program = tmp_path / "program"
    shutil.copy("/bin/sleep", program)
    recon.app("web", [str(program), "100000"])
    recon.run()
    recon.healthy("web", ready=1)
    pid = recon.pids("web")["web-0"]
    shutil.copy("/bin/sleep", tmp_path / "new")
    (tmp_path / "new").rename(program)
    os.kill(pid, signal.SIGSTOP)

    def drift() -> bool:
        return {d["kind"] for d in recon.of("web")["drift"]} >= {"Frozen", "Binary"}

    until(drift, what="Frozen and Binary")
    os.kill(pid, signal.SIGCONT)


def test_recreate_never_runs_two(recon: Recon, unused_port: int) -> None:
    env = {"PORT": str(unused_port)}
    probe = {"tcpSocket": {"port": unused_port}, "periodSeconds": 1}
    recreate = {"type": "Recreate"}
    recon.app("web", server("one"), env=env, strategy=recreate, readinessProbe=probe)
    recon.run()
    recon.healthy("web", ready=1)
    recon.app("web", server("two"), env=env, strategy=recreate, readinessProbe=probe)
    recon.healthy("web", ready=1, revision=2, restarts=0)  # the port was free for it at once
