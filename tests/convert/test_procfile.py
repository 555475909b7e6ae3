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

from reconciler.convert.draft import Draft, Fate
from reconciler.convert.procfile import drafts_of
from reconciler.convert.settle import bundle
from reconciler.convert.shell import command_of
from reconciler.convert.trouble import ImportFault
from tests.convert.conftest import manifests, problems, told

Write = Callable[[str, str], str]


def specs(drafts: list[Draft], folder: str) -> dict[str, Any]:
    found = bundle(drafts, f"{folder}/manifests", "procfile")
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
    ours = specs(drafts_of(file, counts, None, None), file.rpartition("/")[0])
    for name, spec in ours.items():
        mine = [one for one in theirs if one.name.partition(".")[0].replace("_", "-") == name]
        assert [one.env["PORT"] for one in mine] == ports(spec)
        assert {tuple(shlex.split(one.cmd)) for one in mine} == {tuple(spec["command"])}


def test_the_env_file_beside_it_is_read_and_its_port_is_the_first(write: Write) -> None:
    file = write("Procfile", "web: x\nworker: y\n")
    write(".env", "PORT=3000\nTOKEN=hush\n")
    found = specs(drafts_of(file, {}, None, None), file.rpartition("/")[0])
    assert found["web"]["envFrom"] == ["../.env"]
    assert [ports(found[name]) for name in ("web", "worker")] == [["3000"], ["3100"]]
    assert ports(specs(drafts_of(file, {}, 8000, None), "/")["worker"]) == ["8100"]


def test_none_of_a_process_is_declared_and_suspended(write: Write) -> None:
    file = write("Procfile", "web: x\nworker: y\n")
    found = specs(drafts_of(file, {"worker": 0}, None, None), "/")
    assert found["worker"]["suspend"] is True


def test_a_release_is_suspended_and_told(write: Write) -> None:
    (draft,) = drafts_of(write("Procfile", "release: rake db:migrate\n"), {}, None, None)
    assert draft.spec["suspend"] is True
    assert "deploy" in told(draft, Fate.TODO)["release"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("web: x\nnonsense\n", "Procfile:2: is no `name: command`"),
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


@pytest.mark.parametrize(
    "line",
    [
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
    asked = [["/bin/sh", "-c", line], command_of(line)]
    shell, ours = (
        subprocess.run(words, env=environ, capture_output=True, check=False) for words in asked
    )
    assert (ours.stdout, ours.returncode) == (shell.stdout, shell.returncode)


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
        drafts = drafts_of(str(file), {}, None, None)
        assert not problems(bundle(drafts, str(folder), "procfile"))
    except ImportFault as fault:
        assert str(fault).startswith(str(file))
