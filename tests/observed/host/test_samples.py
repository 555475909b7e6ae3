"""What an instance uses is told of its whole tree, and of nobody else."""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.state.observed import Process, ProcessId
from reconciler.observed.host.samples import sample
from reconciler.system.clock import boot_now, ticks_to_seconds
from tests.observed.conftest import Zoo
from tests.waiting import until


def _process(zoo: Zoo, source: str = "import time; time.sleep(600)") -> Process:
    tag = zoo.tag()
    id = zoo.start(tag, source)
    return Process(tag, id, ticks_to_seconds(id.start))


def test_the_tree_is_summed(zoo: Zoo) -> None:
    big = "held = bytearray(64 << 20)\nopen('ready', 'w').close()\nimport time; time.sleep(600)"
    main, child = _process(zoo), _process(zoo, big)
    until((zoo.root / "ready").exists, what="the memory to be taken")
    alone = sample([main])[main.tag.nonce].rss
    tree = sample([replace(main, stragglers=(child.id,))])[main.tag.nonce].rss
    assert tree - alone > 64 << 20 and alone > 1 << 20


def test_processor_time_since_the_sample_before(zoo: Zoo) -> None:
    busy = _process(zoo, "while True: pass")
    nonce = busy.tag.nonce
    first = sample([busy])
    until(
        lambda: sample([busy])[nonce].cpu_seconds > first[nonce].cpu_seconds,
        what="processor time",
    )
    found = sample([busy], first)[nonce]
    assert found.cpu > 0
    assert abs(found.uptime - (boot_now() - busy.started_at)) < 60


def test_one_that_is_gone_or_whose_pid_is_anothers_is_missing(zoo: Zoo) -> None:
    process = _process(zoo)
    other = replace(process, id=ProcessId(process.id.pid, process.id.start - 1))
    assert sample([other]) == {}


def test_a_straggler_that_ended_makes_no_negative_load(zoo: Zoo) -> None:
    process = _process(zoo)
    nonce = process.tag.nonce
    before = {nonce: sample([process])[nonce]._replace(cpu_seconds=1e6)}
    assert sample([process], before)[nonce].cpu >= 0
