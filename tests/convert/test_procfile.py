"""A Procfile's processes get the commands and ports that foreman and honcho give them."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.convert.errors import ImportFault
from reconciler.convert.manifests.draft import Draft, Fate
from reconciler.convert.manifests.finalise import bundle
from reconciler.convert.procfile import drafts_of
from reconciler.convert.shell import command_of, line_of
from tests.convert.conftest import manifests, problems, told

Write = Callable[[str, str], str]


def drafted(
    file: str, counts: dict[str, int] | None = None, port: int | None = None
) -> list[Draft]:
    drafts, _ = drafts_of(file, counts or {}, port, None)
    return drafts


def specs(drafts: list[Draft], folder: str) -> dict[str, Any]:
    found = bundle(drafts, f"{folder}/manifests")
    assert not problems(found)
    return {name: document["spec"] for name, document in manifests(found).items()}


def ports(spec: dict[str, Any]) -> list[str]:
    first = spec["env"]["PORT"]["perInstance"]
    return [str(first + number) for number in range(spec.get("instances", 1))]


def test_ports_and_commands_are_honchos(write: Write) -> None:
    environ = pytest.importorskip("honcho.environ", reason="honcho is not installed: no oracle")
    text = "# all\nweb: node server.js\nworker:  python w.py 'a b'\n\nclock_2: ./clock\n"
    file = write("Procfile", text)
    counts = {"web": 2, "worker": 3}
    theirs = environ.expand_processes(
        environ.parse_procfile(text).processes, concurrency=counts, port=5000
    )
    ours = specs(drafted(file, counts), file.rpartition("/")[0])
    for name, spec in ours.items():
        mine = [one for one in theirs if one.name.partition(".")[0].replace("_", "-") == name]
        assert [one.env["PORT"] for one in mine] == ports(spec)
        assert {tuple(shlex.split(one.cmd)) for one in mine} == {tuple(spec["command"])}


def test_the_env_file_beside_it_is_read_and_its_port_is_the_first(write: Write) -> None:
    file = write("Procfile", "web: x\nworker: y\n")
    write(".env", "PORT=3000\nTOKEN=hush\n")
    found = specs(drafted(file), file.rpartition("/")[0])
    assert found["web"]["envFrom"] == ["../.env"]
    assert [ports(found[name]) for name in ("web", "worker")] == [["3000"], ["3100"]]
    assert ports(specs(drafted(file, {}, 8000), "/")["worker"]) == ["8100"]


def test_none_of_a_process_is_declared_and_suspended(write: Write) -> None:
    file = write("Procfile", "web: x\nworker: y\n")
    found = specs(drafted(file, {"worker": 0}), "/")
    assert found["worker"]["suspend"] is True


def test_a_release_is_suspended_and_told(write: Write) -> None:
    (draft,) = drafted(write("Procfile", "release: rake db:migrate\n"))
    assert draft.spec["suspend"] is True
    assert "deploy" in told(draft, Fate.TODO)["release"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("web: x\nweb: y\n", "Procfile:2: web is also declared in line 1"),
        ("web: \0", "NUL"),
    ],
)
def test_mistakes_have_a_place(write: Write, text: str, message: str) -> None:
    with pytest.raises(ImportFault) as caught:
        drafts_of(write("Procfile", text), {}, None, None)
    assert message in str(caught.value)
    with pytest.raises(ImportFault, match="no process type jobs"):
        drafts_of(write("Procfile", "web: x"), {"jobs": 2}, None, None)


def test_lines_that_foreman_passes_over_are_told(write: Write) -> None:
    text = "# web: old\n\nweb.1: x\n  # indented\nnonsense\nweb: y # the site\n a: z\n\tb: z\n"
    environ = pytest.importorskip("honcho.environ", reason="honcho is not installed: no oracle")
    file = write("Procfile", text)
    drafts, notes = drafts_of(file, {}, None, None)
    assert [draft.name for draft in drafts] == [*environ.parse_procfile(text).processes]
    assert [note.key for note in notes[file]] == ["line 3", "line 5", "line 7", "line 8"]
    assert notes[file][0].text.startswith("'web.1' is not the name of a process type")


@pytest.mark.parametrize(
    ("line", "spec"),
    [
        ("PORT=$PORT node x", {"command": ["node", "x"]}),
        ('PORT="${PORT}" node x', {"command": ["node", "x"]}),
        ("PORT=$PORT A=1 node x", {"command": ["node", "x"], "env": {"A": "1"}}),
        ("A='b c' node x", {"command": ["node", "x"], "env": {"A": "b c"}}),
        ("export X=1; node x", {"command": ["node", "x"], "env": {"X": "1"}}),
        ("export X=1 && export Y=; node x", {"command": ["node", "x"], "env": {"X": "1", "Y": ""}}),
        ("cd api && npm start", {"command": ["npm", "start"], "cwd": "../api"}),
        ("cd api && A=1 npm start", {"command": ["npm", "start"], "cwd": "../api"}),
        ("PORT=3000 node x", {"command": ["node", "x"], "env": {"PORT": "3000"}}),
        ("serve -p $PORT", {"command": ["/bin/sh", "-c", "exec serve -p $PORT"]}),
        ("A=$B serve", {"command": ["/bin/sh", "-c", "A=$B exec serve"]}),
        ("./migrate && ./serve", {"command": ["/bin/sh", "-c", "./migrate && exec ./serve"]}),
        ("A=1 echo $A", {"command": ["/bin/sh", "-c", "A=1 exec echo $A"]}),
    ],
)
def test_what_a_manifest_says_better_is_taken_off_the_line(
    write: Write, line: str, spec: dict[str, Any]
) -> None:
    file = write("Procfile", f"web: {line}\n")
    found = specs(drafted(file), file.rpartition("/")[0])["web"]
    assert found["command"] == spec["command"]
    assert found.get("cwd") == spec.get("cwd", "..")
    for name, value in spec.get("env", {}).items():
        assert found["env"][name] == value
    if "PORT" not in spec.get("env", {}):
        assert found["env"]["PORT"] == {"perInstance": 5000}


def test_lines_of_the_env_file_that_others_read_differently_are_told(write: Write) -> None:
    file = write("Procfile", "web: x\n")
    write(".env", "A=1\nB=x#y\n")
    _, notes = drafts_of(file, {}, None, None)
    assert notes[file][0].key == ".env" and notes[file][0].text.startswith("line 2, B: ")


@pytest.mark.parametrize(
    "line",
    [
        "PORT=$X printenv PORT",
        "X=1 printf $X",
        "X=1 printenv X",
        "export X=1; printf $X",
        "export X=1; printenv X",
        "export X='a b' Y=2; printf %s $Y",
        "Y=$X printenv Y",
        "cd /tmp && pwd",
        "cd /tmp && printf $X",
        "cd /nowhere-at-all && pwd",
        "printf a && printf b",
        "false && printf b",
        "printf a; printf $X",
        "set -e; printf a; false; printf b",
        "trap 'printf bye' EXIT; printf x",
        "printf a || printf b",
        "sleep 0 & printf x",
        "A= printenv A",
        "A=1; printf $A",
        "printf '<%s>' a 'b c'",
        'printf "<%s>" "$X" $X ${X}',
        "A=1 B=2 printenv A",
        "A='b c' printenv A",
        "cd / && pwd",
        "printf x | cat; printf y",
        "for i in 1 2; do printf $i; done",
        "exec printf z",
        "test 1 = 1",
        "printf %s \\$X",
        "(printf sub)",
    ],
)
def test_a_command_does_what_a_shell_would_make_of_the_line(line: str) -> None:
    environ = {"PATH": "/usr/bin:/bin", "X": "one two"}
    shell = subprocess.run(["/bin/sh", "-c", line], env=environ, capture_output=True, check=False)
    found = line_of(line)
    if found.folder and not Path(found.folder).is_dir():
        assert shell.returncode  # recon starts nothing where there is no such folder
        return
    for words, env, folder in (
        (command_of(line), {}, ""),
        (found.command, found.env, found.folder),
    ):
        ours = subprocess.run(
            words, env={**environ, **env}, cwd=folder or None, capture_output=True, check=False
        )
        assert (ours.stdout, ours.returncode) == (shell.stdout, shell.returncode), words


def test_no_shell_stays_where_none_is_needed() -> None:
    assert command_of("npm run start") == ["npm", "run", "start"]
    assert command_of("serve -p $PORT") == ["/bin/sh", "-c", "exec serve -p $PORT"]
    assert command_of("A=1 serve -p $PORT") == ["/bin/sh", "-c", "A=1 exec serve -p $PORT"]


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_text_is_a_sentence_or_valid(tmp_path_factory: Any, text: str) -> None:
    folder: Path = tmp_path_factory.getbasetemp() / "procfiles"
    folder.mkdir(exist_ok=True)
    file = folder / "Procfile"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        drafts = drafted(str(file))
        assert not problems(bundle(drafts, str(folder)))
    except ImportFault as fault:
        assert str(fault).startswith(str(file))
