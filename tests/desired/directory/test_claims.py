"""An address belongs to one app; the files decide together, whatever the order of reading."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.directory.store import ManifestStore
from reconciler.model.words.address import Address
from tests.desired.conftest import Folder, manifest

Accept = Callable[[ManifestStore, Path], frozenset[str]]


def listens(port: int, host: str = "127.0.0.1") -> str:
    return f"  sockets: [{{name: http, port: {port}, host: '{host}'}}]\n"


def ports(store: ManifestStore) -> dict[str, list[int | None]]:
    return {name: [one.port for one in app.spec.shared_sockets] for name, app in store.apps.items()}


def test_both_places_are_named_and_the_one_that_had_it_keeps_it(
    folder: Folder, accept: Accept
) -> None:
    folder.app("b", listens(3000))
    store = folder.scanned()
    path = folder.app("a", listens(3000))
    accept(store, path)
    assert ports(store) == {"b": [3000]}
    first, second = store.problems
    assert (first.file, first.line, first.path) == (str(path), 6, "spec.sockets")
    assert f"127.0.0.1:3000 is also declared by b ({folder.root / 'b.yaml'}:6)" in first.message
    assert f"also declared by a ({path}:6)" in second.message


def test_an_app_that_loses_stays_what_it_was(folder: Folder, accept: Accept) -> None:
    folder.app("a", listens(3000))
    folder.app("b", listens(3001))
    store = folder.scanned()
    accept(store, folder.app("b", listens(3000)))
    assert ports(store) == {"a": [3000], "b": [3001]}
    problem = store.apps["b"].problem
    assert problem is not None and "also declared by a" in problem.message
    assert store.apps["a"].problem is None


def test_the_loser_gets_it_as_soon_as_the_other_lets_go(folder: Folder, accept: Accept) -> None:
    folder.app("a", listens(3000))
    store = folder.scanned()
    accept(store, folder.app("b", listens(3000)))
    changed = accept(store, folder.app("a", listens(3001)))
    assert ports(store) == {"a": [3001], "b": [3000]}
    assert changed >= {"a", "b"} and store.problems == ()
    assert store.apps["b"].problem is None


def test_two_apps_swap_their_ports_in_one_scan_and_file_by_file(
    folder: Folder, accept: Accept
) -> None:
    for swap_by_scan in (True, False):
        folder.app("a", listens(3000))
        folder.app("b", listens(3001))
        store = folder.scanned()
        paths = [folder.app("a", listens(3001)), folder.app("b", listens(3000))]
        if swap_by_scan:
            store.scan()
        else:
            for path in paths:
                accept(store, path)
        assert ports(store) == {"a": [3001], "b": [3000]}
        assert store.problems == ()


def test_on_a_fresh_start_the_first_by_file_has_it(folder: Folder) -> None:
    folder.app("b", listens(3000), file="1.yaml")
    folder.app("a", listens(3000), file="2.yaml")
    store = folder.scanned()
    assert ports(store) == {"b": [3000]} and len(store.problems) == 2


def test_an_app_removed_lets_go(folder: Folder) -> None:
    path = folder.app("a", listens(3000))
    store = folder.scanned()
    path.unlink()
    folder.app("b", listens(3000))
    store.scan()
    assert ports(store) == {"b": [3000]}


def test_two_sockets_of_one_app_at_one_address_are_told_at_their_place(folder: Folder) -> None:
    text = "  sockets:\n  - {name: a, port: 3000}\n  - {name: b, port: 3000, host: 0.0.0.0}\n"
    folder.write("x.yaml", manifest("x", text))
    [problem] = folder.scanned().problems
    assert problem.path == "spec.sockets" and "a and b both listen" in problem.message


hosts = st.sampled_from(["127.0.0.1", "10.0.0.1", "0.0.0.0", "::1", "::"])
addresses = st.one_of(
    st.builds(Address, hosts, st.integers(1, 2)),
    st.builds(lambda path: Address(path=path), st.sampled_from(["/a", "/b"])),
)


@given(addresses, addresses)
def test_overlap_has_no_direction_and_everything_overlaps_itself(a: Address, b: Address) -> None:
    assert a.overlaps(b) == b.overlaps(a)
    assert a.overlaps(a)
    assert not a.overlaps(b) or a.place == b.place
