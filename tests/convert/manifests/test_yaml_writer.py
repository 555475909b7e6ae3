"""A manifest is written as people write it, and reads back as exactly what was meant."""

from __future__ import annotations

from typing import Any

import pytest
import yaml as other
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.convert.manifests import yaml_scalar, yaml_writer
from reconciler.desired.text import yaml

_TEXT = st.text(max_size=12) | st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    ["yes", "22:22", "012", "1.10", "2020-01-01", "~", "- x", "--", "a: b", "a #b", "{x}", "'", '"',
     "\\", "${HOME}", "$(id)", "line\nline", "a\n\n b\n", " lead", "trail ", "\ttab", "😀",
     "@x", "%x", "key:", "? x", "| x", "&a", "*a", "!t", "null", "0x1F", "1e3",
     "=", "<<", "\u2028", "\x07", "\ufeff"]
)  # fmt: skip
_NAME = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,8}", fullmatch=True)


def document(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "recon/v1", "kind": "App", "metadata": {"name": "x"}, "spec": spec}


def data_of(text: str) -> Any:
    (found,) = yaml.parse(text)
    return found.data


@settings(max_examples=400, deadline=None)
@given(
    st.dictionaries(_NAME, _TEXT | st.builds(lambda n: {"perInstance": n}, st.integers(0, 9))),
    st.lists(_TEXT, min_size=1, max_size=5),
    st.dictionaries(_TEXT, _TEXT, max_size=3),
    _TEXT,
)
def test_whatever_it_holds_reads_back(
    env: dict[str, Any], command: list[str], labels: dict[str, str], comment: str
) -> None:
    meant = document(command=command, env=env, cwd="..", profiles={"p": {"env": env}})
    meant["metadata"]["labels"] = labels
    text = yaml_writer.manifest(meant, [comment])
    assert data_of(text) == meant


@settings(max_examples=300, deadline=None)
@given(_TEXT)
def test_no_other_reader_takes_a_text_for_something_else(value: str) -> None:
    if any((ord(c) < 32 and c not in "\n\t") or 0xD800 <= ord(c) < 0xE000 for c in value):
        return
    assert other.safe_load(f"k: {yaml_scalar.text(value)}\n") == {"k": value}


def test_it_looks_as_a_person_would_write_it() -> None:
    spec = {
        "command": ["node", "dist/main.js", "--port", "3000"],
        "cwd": "../backend",
        "env": {"NODE_ENV": "production", "PORT": "3000", "FLAG": "yes", "NUM": {"perInstance": 0}},
        "envFrom": ["../backend/.env"],
        "stop": {"signal": "SIGINT"},
        "terminationGracePeriodSeconds": 1.6,
        "profiles": {"dev": {"instances": 1}, "prod": {}},
    }
    assert yaml_writer.manifest(document(**spec), ["To do: x."]) == (
        "# To do: x.\n"
        "apiVersion: recon/v1\n"
        "kind: App\n"
        "metadata: {name: x}\n"
        "spec:\n"
        "  command: [node, dist/main.js, --port, 3000]\n"
        "  cwd: ../backend\n"
        "  env:\n"
        "    NODE_ENV: production\n"
        "    PORT: 3000\n"
        '    FLAG: "yes"\n'
        "    NUM: {perInstance: 0}\n"
        "  envFrom: [../backend/.env]\n"
        "  stop: {signal: SIGINT}\n"
        "  terminationGracePeriodSeconds: 1.6\n"
        "  profiles:\n"
        "    dev: {instances: 1}\n"
        "    prod: {}\n"
    )


def test_text_of_several_lines_is_a_block() -> None:
    text = yaml_writer.manifest(document(command=["x"], env={"MOTD": "one\n  two\nthree"}), [])
    assert "    MOTD: |-\n      one\n        two\n      three\n" in text


def test_a_form_that_would_be_misread_gives_way_to_a_plainer_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(yaml_scalar, "text", lambda value, number=False: value)
    meant = document(command=["x", "a: b", "{"], env={"A": "- b", "B": "yes"})
    assert data_of(yaml_writer.manifest(meant, [])) == meant


def test_a_long_comment_goes_on_below_indented() -> None:
    first, second = yaml_writer.comment("To do: " + "word " * 25)
    assert first.startswith("# To do: word") and second.startswith("#   word")
