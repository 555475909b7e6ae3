"""A process of another user's is never taken for ours by what it carries."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.observed import ProcessId, Tag
from reconciler.observed.processes.credibility import uid_of
from reconciler.observed.processes.host import Host
from reconciler.system import procfs
from tests.observed.conftest import Watched, Zoo, nobody
from tests.waiting import until

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can start processes of others, and read what they carry"
)
STRANGER, USER = 54321, 43210


def start_as(zoo: Zoo, uid: int, tag: Tag | None, fifo: Path | None = None) -> ProcessId:
    ids = [f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    id = zoo.start(tag, command=["setpriv", *ids, "sleep", "600"], fifo=fifo)
    until(lambda: (procfs.link(id.pid, "exe") or "").endswith("sleep"), what="sleep to be exec'd")
    assert procfs.real_uid(id.pid) == uid
    return id


def seen(zoo: Zoo, user: int | None = None) -> list[ProcessId]:
    host = Host(zoo.store, zoo.root, None, journal=nobody, user_of=lambda app: user)
    host.trust([] if user is None else [user])
    return [process.id for process in host.relist().adopted]


def test_a_forged_tag_is_not_believed(zoo: Zoo) -> None:
    start_as(zoo, STRANGER, zoo.tag())
    assert seen(zoo) == []
    assert seen(zoo, user=USER) == []


def test_a_stolen_tag_makes_nobody_a_straggler_that_a_stop_would_end(
    zoo: Zoo, watched: Watched
) -> None:
    """With the nonce of a process that lives, too."""
    for uid, tag in ((0, zoo.tag("a")), (USER, zoo.tag("b"))):
        fifo = zoo.fifo(tag)
        os.chown(fifo, uid, uid)
        main = start_as(zoo, uid, tag, fifo)
        thief = start_as(zoo, STRANGER, tag)
        watched.host.relist()
        known = watched.host.get(tag.nonce)
        assert known is not None and (known.id, known.stragglers) == (main, ())
        assert watched.host.nonce_of(thief.pid) is None, "nor are its notifications heard"
        watched.host.signal_all(tag.nonce, 9)
        watched.until(lambda tag=tag: tag.nonce in watched.gone)  # type: ignore[misc]  # mypy
        assert procfs.stat(thief.pid) is not None


def test_an_instance_is_known_by_the_user_that_it_was_started_as(zoo: Zoo) -> None:
    tag = zoo.tag()
    fifo = zoo.fifo(tag)
    os.chown(fifo, USER, USER)
    id = start_as(zoo, USER, tag)
    for declared in (None, USER, STRANGER):  # the manifest's user may be another by now
        assert seen(zoo, declared) == [id]
    fifo.unlink()  # with the state directory; then the manifest's word counts
    assert seen(zoo, USER) == [id]
    assert seen(zoo) == []


def test_whatever_user_a_program_takes_on_it_is_known_by_its_output(zoo: Zoo) -> None:
    tag = zoo.tag()
    id = start_as(zoo, USER, None, zoo.fifo(tag))
    assert seen(zoo) == [id]


FORGE = 'mount -t tmpfs t /tmp && mkdir -p "$1" && mkfifo "$1/$2" && exec sleep 600 1<>"$1/$2"'


def test_a_fifo_of_the_same_path_in_a_view_of_ones_own_is_not_ours(zoo: Zoo) -> None:
    """In a mount namespace anybody can have a file of any path, and ``/proc`` shows that path."""
    tag = zoo.tag()
    fifo = zoo.fifo(tag)
    ids = [f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups"]
    forge = ["unshare", "-Urm", "sh", "-c", FORGE, "sh", str(fifo.parent), fifo.name]
    id = zoo.start(None, command=["setpriv", *ids, *forge])

    def there() -> bool:
        return (procfs.link(id.pid, "exe") or "").endswith("sleep")

    try:
        until(there)
    except AssertionError:
        pytest.skip("ordinary users may not make user and mount namespaces here")
    assert procfs.link(id.pid, "fd/1") == str(fifo)
    assert seen(zoo) == []


def test_the_user_of_a_spec() -> None:
    def uid(user: str | None) -> int | None:
        return uid_of(AppSpec.model_validate({"command": ["a"], "user": user}))

    assert [uid("root"), uid("4242"), uid("nosuchuser"), uid(None)] == [0, 4242, None, None]
