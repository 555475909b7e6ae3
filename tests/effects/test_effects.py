from __future__ import annotations

import ast
import errno
import os
import pathlib
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.effects import COMPOSED, EFFECTS, HARMLESS, Effect, Instead, install
from tests.effects.tables import LIBC, OTHERS

ROOT = Path(__file__).parents[2]
MODULES = {"fcntl", "io", "os", "pathlib", "resource", "shutil", "signal", "socket", "sqlite3"}
MODULES |= {"subprocess", "tempfile"}
METHODS: dict[str, tuple[type, ...]] = {
    "pathlib": (pathlib.Path,),
    "socket": (socket.socket,),
    "sqlite3": (sqlite3.Connection, sqlite3.Cursor),
    "subprocess": (subprocess.Popen,),
}
"""Classes whose methods count as functions of their module, on whatever object they are called."""
TREES = {
    str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8"))
    for path in ROOT.glob("reconciler/**/*.py")
}


def used(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """The functions of the modules, by module and name."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update({one.asname or one.name: one.name for one in node.names})
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            yield from ((node.module, one.name) for one in node.names if one.name[0].islower())
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        module = names.get(node.value.id, "") if isinstance(node.value, ast.Name) else ""
        if module in MODULES:
            yield module, node.attr
        elif not module and not node.attr.startswith("_"):
            for place, classes in METHODS.items():
                if any(hasattr(one, node.attr) for one in classes):
                    yield place, node.attr


def known(module: str, name: str) -> bool:
    tables = (EFFECTS, COMPOSED, HARMLESS)
    return name.isupper() or any(name in table.get(module, ()) for table in tables)


def test_each_function_that_reaches_outside_is_an_effect_or_harmless() -> None:
    unknown = defaultdict(set)
    for path, tree in TREES.items():
        for module, name in used(tree):
            if not known(module, name):
                unknown[f"{module}.{name}"].add(path)
    assert not unknown, "say in tests/effects/tables.py what these do"


def imported(tree: ast.AST) -> Iterator[str]:
    """The modules and libraries that a file imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name.partition(".")[0] for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def test_each_module_that_is_imported_is_known() -> None:
    """An effect of a module that was never used before would be in no table."""
    unknown = defaultdict(set)
    for path, tree in TREES.items():
        for module in {*imported(tree)} - MODULES - OTHERS:
            unknown[module].add(path)
    assert not unknown, "say in tests/effects/tables.py what these do"
    assert {*imported(ast.parse("import multiprocessing.pool\nfrom ftplib import FTP"))}.isdisjoint(
        MODULES | OTHERS
    )


def test_a_new_function_is_unknown() -> None:
    tree = ast.parse("import os as o, socket\no.mknod('x')\nsocket.socket().recv_into(b'')")
    assert {one for one in used(tree) if not known(*one)} == {
        ("os", "mknod"),
        ("socket", "recv_into"),
    }


def test_no_function_is_in_two_tables() -> None:
    for module in EFFECTS.keys() | COMPOSED.keys() | HARMLESS.keys():
        sets = [table.get(module, frozenset()) for table in (EFFECTS, COMPOSED, HARMLESS)]
        assert len(frozenset.union(*sets)) == sum(map(len, sets)), module


def test_no_function_is_called_harmless_that_is_not_used() -> None:
    there = {one for tree in TREES.values() for one in used(tree)}
    for module, names in HARMLESS.items():
        assert not {name for name in names if (module, name) not in there}, module


def test_no_effect_is_bound_before_it_could_be_wrapped() -> None:
    """Neither by its name nor as a default: such a call would go past the wrapper."""
    bound = []
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module in EFFECTS:
                free = {"socket", "subprocess"}  # methods of their classes are wrapped
                names = {one.name for one in node.names} if node.module not in free else set()
                bound += [f"{path}: {name}" for name in names & EFFECTS[node.module]]
        for node in _at_import(tree):
            match node:
                case ast.Attribute(ast.Name(module), name) if name in EFFECTS.get(module, ()):
                    bound.append(f"{path}: {module}.{name}")
    assert not bound


def _at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """What is evaluated when the module is imported, annotations left out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
                yield default
                yield from ast.walk(default)
        elif isinstance(node, ast.AnnAssign):
            yield from ast.walk(node.value) if node.value is not None else ()
        else:
            yield node
            yield from _at_import(node)


def test_libc_is_called_directly_only_where_nothing_outlives_the_process() -> None:
    calls = {path for path, tree in TREES.items() if "CDLL" in ast.dump(tree)}
    assert calls == {*LIBC}


# -- the wrappers ------------------------------------------------------------------------------


@pytest.fixture
def seen() -> Iterator[list[Effect]]:
    """The effects since the test began."""
    noted: list[Effect] = []
    uninstall = install(noted.append, lambda effect: None)
    yield noted
    uninstall()


def _path(call: Callable[[Path, Path], object]) -> Callable[[Path], object]:
    def run(folder: Path) -> object:
        return call(folder / "one", folder / "two")

    return run


def _write_to_descriptor(folder: Path) -> None:
    with os.fdopen(os.open(folder / "one", os.O_WRONLY), "w") as file:
        file.write("x")


CALLS: dict[str, Callable[[Path], object]] = {
    "pathlib.chmod": _path(lambda one, two: one.chmod(0o600)),
    "pathlib.mkdir": _path(lambda one, two: two.mkdir()),
    "pathlib.open": _path(lambda one, two: two.open("w").close()),
    "pathlib.rename": _path(lambda one, two: one.rename(two)),
    "pathlib.replace": _path(lambda one, two: one.replace(two)),
    "pathlib.rmdir": lambda folder: (folder / "folder").rmdir(),
    "pathlib.symlink_to": _path(lambda one, two: two.symlink_to(one)),
    "pathlib.touch": _path(lambda one, two: two.touch()),
    "pathlib.unlink": _path(lambda one, two: one.unlink()),
    "pathlib.write_bytes": _path(lambda one, two: two.write_bytes(b"x")),
    "pathlib.write_text": _path(lambda one, two: two.write_text("x")),
    "os.fdopen": _write_to_descriptor,
    "os.makedirs": lambda folder: os.makedirs(folder / "x/y"),
    "shutil.copyfile": _path(shutil.copyfile),
    "shutil.rmtree": lambda folder: shutil.rmtree(folder / "folder"),
    "socket.send_fds": lambda folder: _send_descriptor(),
    "subprocess.run": lambda folder: subprocess.run([sys.executable, "-c", ""], check=True),
    "tempfile.TemporaryDirectory": lambda folder: tempfile.TemporaryDirectory(dir=folder).cleanup(),
    "tempfile.TemporaryFile": lambda folder: tempfile.TemporaryFile(dir=folder).close(),
    "tempfile.mkstemp": lambda folder: os.close(tempfile.mkstemp(dir=folder)[0]),
}


def _send_descriptor() -> None:
    near, far = socket.socketpair()
    with near, far:
        socket.send_fds(near, [b"x"], [0])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One file and one folder are in it."""
    (tmp_path / "one").write_text("")
    (tmp_path / "folder").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    "name", [f"{module}.{name}" for module, names in COMPOSED.items() for name in sorted(names)]
)
def test_what_is_composed_of_effects_is_seen(name: str, folder: Path, seen: list[Effect]) -> None:
    CALLS[name](folder)
    assert seen


def test_a_file_is_written_with_each_write_seen(folder: Path, seen: list[Effect]) -> None:
    path = folder / "two"
    with open(path, "w", encoding="utf-8") as file:
        file.write("é\n" * 10_000)
    assert path.read_text("utf-8") == "é\n" * 10_000
    first, *others = (one.name for one in seen)
    assert (first, {*others}) == ("io.open", {"io.write"})
    assert {one.target for one in seen} == {str(path)}


@pytest.mark.parametrize("mode", ["ab", "r+b", "w", "x", "a+", "w+b"])
def test_a_file_behaves_as_without_the_wrapper(mode: str, tmp_path: Path) -> None:
    def use(path: Path) -> tuple[object, ...]:
        if mode != "x":
            path.write_bytes(b"12345\n")
        with open(path, mode) as file:
            file.write(b"ab" if "b" in mode else "ab")
            kept = (
                type(file),
                file.readable(),
                file.seekable(),
                file.tell(),
                file.name == str(path),
            )
        return *kept, path.read_bytes()

    plain = use(tmp_path / "plain")
    uninstall = install(lambda effect: None, lambda effect: None)
    wrapped = use(tmp_path / "wrapped")
    uninstall()
    assert plain[:-2] == wrapped[:-2]
    assert plain[-1] == wrapped[-1]


def test_what_only_asks_is_no_effect(folder: Path, seen: list[Effect]) -> None:
    os.close(os.open(folder / "one", os.O_RDONLY))
    (folder / "one").read_text()
    os.kill(os.getpid(), 0)
    db = sqlite3.connect(":memory:")
    db.execute("SELECT 1").fetchall()
    db.execute("PRAGMA user_version").fetchall()
    db.commit()  # nothing was written
    assert not seen
    db.close()


def test_a_journal_is_seen_statement_by_statement(folder: Path, seen: list[Effect]) -> None:
    db = sqlite3.connect(folder / "db")
    db.execute("CREATE TABLE a (b)")
    with db:
        db.execute("INSERT INTO a VALUES (?)", (1,))
    db.cursor().executemany("INSERT INTO a VALUES (?)", [(2,)])
    db.rollback()
    assert db.execute("SELECT count(*) FROM a").fetchone() == (1,)
    db.close()
    assert [one.name.removeprefix("sqlite3.") for one in seen] == [
        "execute",
        "execute",
        "commit",
        "executemany",
        "rollback",
        "close",
    ]


def test_a_socket_is_seen(folder: Path, seen: list[Effect]) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "socket"))
        one.listen()
    assert [one.name for one in seen] == ["socket.bind", "socket.listen"]


def test_the_kernel_may_refuse(folder: Path) -> None:
    def refuse(effect: Effect) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    done: list[Effect] = []
    uninstall = install(refuse, done.append)
    with pytest.raises(OSError, match="No space"):
        (folder / "two").write_text("x")
    with pytest.raises(OSError, match="No space"):
        (folder / "one").unlink()
    uninstall()
    assert (folder / "one").exists()
    assert not (folder / "two").exists()
    assert not done


def test_an_effect_may_be_pretended(folder: Path) -> None:
    def pretend(effect: Effect) -> None:
        raise Instead(7)

    uninstall = install(pretend, lambda effect: None)
    assert os.write(1, b"x") == 7
    (folder / "one").unlink()
    uninstall()
    assert (folder / "one").exists()


def test_afterwards_nothing_is_wrapped(folder: Path) -> None:
    places = (os, socket.socket, subprocess.Popen)
    before = [dict(vars(place)) for place in places], open, sqlite3.connect
    install(lambda effect: None, lambda effect: None)()
    assert ([dict(vars(place)) for place in places], open, sqlite3.connect) == before
