"""Memory is read by what costs least, and never of another process than was meant."""

from __future__ import annotations

import os
import resource

import pytest

from reconciler.model.state.observed import ProcessId
from reconciler.observed.host import rss_sampler as module
from reconciler.observed.host.rss_sampler import RssSampler
from tests.observed.conftest import Zoo
from tests.waiting import until

MI = 2**20
BIG = "held = bytearray(64 << 20)\nopen('ready', 'w').close()\nimport time; time.sleep(600)"
FAMILY = """
import os, time
held = bytearray(64 << 20)
for n in range(3):
    if os.fork() == 0:
        time.sleep(600)
open('ready', 'w').close()
time.sleep(600)
"""


def _children(id: ProcessId) -> list[ProcessId]:
    from reconciler.system import procfs

    found = [procfs.stat(pid) for pid in procfs.children(id.pid)]
    return [ProcessId(stat.pid, stat.start) for stat in found if stat is not None]


def test_every_look_after_the_first_is_one_read_and_says_the_same(zoo: Zoo) -> None:
    id = zoo.start(zoo.tag(), BIG)
    until((zoo.root / "ready").exists, what="the memory to be taken")
    meter = RssSampler()
    first, second = meter.weigh([id]).rss, meter.weigh([id]).rss
    assert 64 * MI < second < 160 * MI and abs(first - second) < 4 * MI
    assert meter.known() == {id}
    meter.close()


def test_of_one_that_is_gone_nothing_is_read_whoever_has_its_number(zoo: Zoo) -> None:
    id = zoo.start(zoo.tag())
    meter = RssSampler()
    assert meter.weigh([ProcessId(id.pid, id.start - 1)]).rss == 0
    until(lambda: meter.weigh([id]).rss > 0, what="its exec")
    zoo.kill(id)
    until(lambda: meter.weigh([id]).rss == 0, what="it to be gone")
    os.waitpid(id.pid, 0)
    assert meter.weigh([id]).rss == 0 and meter.known() == set()
    meter.close()


def test_what_a_tree_shares_counts_once_in_pss(zoo: Zoo) -> None:
    main = zoo.start(zoo.tag(), FAMILY)
    until((zoo.root / "ready").exists, what="the children")
    family = [main, *_children(main)]
    assert len(family) == 4
    meter = RssSampler()
    pss = meter.pss(family)
    assert meter.weigh(family).rss > 4 * 64 * MI
    assert pss is not None and 64 * MI < pss < 2 * 64 * MI
    meter.close()


def test_where_files_are_few_it_reads_all_the_same(
    zoo: Zoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [zoo.start(zoo.tag()) for _ in range(3)]
    for id in ids:
        until(lambda id=id: RssSampler().weigh([id]).rss, what="its exec")  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    meter = RssSampler()
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    monkeypatch.setattr(module, "_SHARE", soft)  # room for one
    assert all(meter.weigh([id]).rss > 0 for id in ids for _ in range(2))
    assert len(meter.known()) == 1
    meter.close()
