"""A process of ours is known by any one witness; contradictions are told, never acted on."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import pytest

from reconciler.model.host.lineage import limit_of
from reconciler.model.state.observed import ProcessId, Tag
from reconciler.observed.processes.credibility import Credibility
from reconciler.observed.processes.identity import Identity, Witnesses
from reconciler.system import procfs
from tests.observed.conftest import SLEEP, Zoo, nobody, tags
from tests.waiting import until

WIPE = """
import time
fields = open('/proc/self/stat').read().rpartition(')')[2].split()
start, end = int(fields[47]), int(fields[48])  # env_start, env_end: fields 50 and 51
with open('/proc/self/mem', 'r+b', buffering=0) as memory:
    memory.seek(start)
    memory.write((b'app: worker process' + bytes(end - start))[: end - start])
time.sleep(600)
"""


def _identify(
    zoo: Zoo,
    id: ProcessId,
    journal: Callable[[ProcessId], Tag | None] = nobody,
    session: Callable[[int], Tag | None] = lambda number: None,
    *,
    apart: str = "",
    known: Sequence[Tag] = (),
) -> Identity | None:
    found = procfs.stat(id.pid)
    assert found is not None
    fifos = (*([apart] if apart else []), f"{zoo.root}/fifo")
    credibility = Credibility(fifos)
    witnesses = Witnesses(zoo.store, fifos, journal, session, credibility)
    witnesses.instance = {tag.nonce: tag for tag in known}.get
    return witnesses.identify(found, witnesses.environs.read([id.pid])[id.pid])


def _wiped(id: ProcessId) -> bool:
    with open(f"/proc/{id.pid}/environ", "rb") as file:
        return b"worker process" in file.read()


def test_known_by_its_environment(zoo: Zoo) -> None:
    tag = zoo.tag()
    assert _identify(zoo, zoo.start(tag)) == Identity(tag)


def test_known_by_its_output_when_it_wrote_over_its_environment(zoo: Zoo) -> None:
    tag = zoo.tag()
    id = zoo.start(tag, WIPE, fifo=zoo.fifo(tag))
    until(lambda: _wiped(id), what="the environment to be overwritten")
    assert tags(id.pid) == []
    assert _identify(zoo, id) == Identity(tag)


def test_known_by_its_output_under_env_i_even_with_the_fifo_removed(zoo: Zoo) -> None:
    tag = zoo.tag()
    fifo = zoo.fifo(tag)
    id = zoo.start(tag, fifo=fifo, command=["env", "-i", "sleep", "600"])
    until(lambda: (procfs.link(id.pid, "exe") or "").find("env") < 0, what="env to exec")
    assert _identify(zoo, id) == Identity(tag)
    fifo.unlink()
    assert _identify(zoo, id) == Identity(tag)


def test_known_by_its_output_in_whichever_folder_of_ours_that_lies(zoo: Zoo) -> None:
    tag = zoo.tag()
    fifo, memory = zoo.fifo(tag), zoo.root / "memory"
    memory.mkdir(0o700)
    id = zoo.start(tag, fifo=fifo.rename(memory / fifo.name), command=["env", "-i", "sleep", "600"])
    until(lambda: (procfs.link(id.pid, "exe") or "").find("env") < 0, what="env to exec")
    assert _identify(zoo, id) is None
    assert _identify(zoo, id, apart=str(memory)) == Identity(tag)


def test_known_by_the_journal_or_by_its_session_alone(zoo: Zoo) -> None:
    tag = zoo.tag()
    id = zoo.start(None)
    assert _identify(zoo, id) is None
    assert _identify(zoo, id, journal={id: tag}.get) == Identity(tag)
    assert _identify(zoo, id, session={id.pid: tag}.get) == Identity(tag)


ORPHAN = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_RTTIME, (%d, resource.RLIM_INFINITY))
told = os.open(%r, os.O_CREAT | os.O_WRONLY)
if os.fork() == 0:
    os.setsid()
    os.setresuid(%d, %d, -1)
    os.write(told, str(os.getpid()).encode())
    os.execve(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)"], {})
os._exit(0)
"""
"""Leads a session of its own, with no parent, no environment and no output of ours."""


def _orphan(zoo: Zoo, tag: Tag, uid: int) -> ProcessId:
    told = zoo.root / "orphan"
    zoo.start(None, ORPHAN % (limit_of(tag.nonce), str(told), uid, uid))
    return zoo.stray(told)


def test_known_by_its_lineage_when_it_has_let_go_of_everything(zoo: Zoo) -> None:
    tag = zoo.tag()
    id = _orphan(zoo, tag, os.getuid())
    assert _identify(zoo, id) is None, "nobody knows the nonce"
    assert _identify(zoo, id, known=[zoo.tag()]) is None, "it is another's"
    assert _identify(zoo, id, known=[tag]) == Identity(tag)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run as others")
def test_a_lineage_that_another_user_has_made_up_is_not_believed(zoo: Zoo) -> None:
    tag = zoo.tag()
    assert _identify(zoo, _orphan(zoo, tag, 65534), known=[tag]) is None


def test_the_journal_speaks_of_one_life_of_a_pid_only(zoo: Zoo) -> None:
    id = zoo.start(None)
    assert _identify(zoo, id, journal={ProcessId(id.pid, id.start - 1): zoo.tag()}.get) is None


def test_a_contradiction_is_told_and_the_output_believed_before_the_environment(zoo: Zoo) -> None:
    stale, true = zoo.tag("old"), zoo.tag("new")
    id = zoo.start(stale, fifo=zoo.fifo(true))
    identity = _identify(zoo, id)
    assert identity is not None and identity.tag == true
    for part in (f"pid {id.pid}", true.nonce, stale.nonce, "its output", "its environment"):
        assert part in identity.fault
    identity = _identify(zoo, id, journal={id: stale}.get)
    assert identity is not None and identity.tag == stale and true.nonce in identity.fault


def test_another_stores_process_is_not_ours(zoo: Zoo) -> None:
    assert _identify(zoo, zoo.start(zoo.tag()._replace(store="other"))) is None


def test_nonsense_in_an_environment_is_nobodys_and_no_error(zoo: Zoo) -> None:
    for app, instance in (("..", "0"), ("app", "9" * 6000), ("app", "²"), ("a b", "0"), ("é", "0")):
        command = ["env", f"RECON_ID={zoo.store}/{app}/{instance}/h/n", "sleep", "600"]
        id = zoo.start(None, command=command)
        until(lambda id=id: (procfs.link(id.pid, "exe") or "").find("env") < 0)  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        assert _identify(zoo, id) is None


def test_the_environment_of_now_counts_not_that_of_a_value(zoo: Zoo) -> None:
    command = ["env", "-i", f"NOTE=RECON_ID={zoo.tag()}", "sleep", "600"]
    id = zoo.start(None, SLEEP, command=command)
    assert _identify(zoo, id) is None
