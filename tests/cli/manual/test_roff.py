"""Pages that man-db and mandoc read without a warning, whatever stands in a text."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cli.framework.helping.examples import Example
from reconciler.cli.manual.page import Page, page, pages
from reconciler.cli.manual.roff import escaped, file_of, roff

LINTS = {"mandoc": ["-Tlint", "-W", "warning"], "groff": ["-man", "-ww", "-z"]}
HOSTILE = [
    ".so /etc/passwd",
    "'br",
    "\\fBbold",
    'a "quoted" \\*(x',
    "`code` - ^~",
    "ü→\u202e\n.TH",
    "",
]


def source(one: Page) -> str:
    return roff(one, version="0.1.0", date="2026-11-24")


def lint(program: str, text: str) -> str:
    if shutil.which(program) is None:
        pytest.skip(f"SKIPPED: no {program} here")
    words = [program, *LINTS[program]]
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("program", LINTS)
def test_every_page_is_without_a_warning(program: str) -> None:
    for one in pages():
        assert lint(program, source(one)) == "", one.name


@pytest.mark.parametrize("program", LINTS)
def test_no_text_is_taken_for_a_macro(program: str) -> None:
    made = page("apply")
    assert made is not None
    rows = [(text or "x", text) for text in HOSTILE]
    hostile = made._replace(
        paragraphs=["x", *(text for text in HOSTILE if text)],
        options=rows,
        examples=tuple(Example(text or "x", text or "x") for text in HOSTILE),
    )
    assert lint(program, source(hostile)) == ""


def test_what_is_read_is_what_was_written() -> None:
    if shutil.which("mandoc") is None:
        pytest.skip("SKIPPED: no mandoc here")
    made = page("status")
    assert made is not None
    text = r"""-l a\b 'c' "d" `e` ^f ~g .h"""
    shown = subprocess.run(
        ["mandoc", "-Tutf8"],
        input=source(made._replace(examples=(Example("x", text),))),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert text in shown


@given(st.text())
def test_a_line_is_ascii_and_begins_with_no_control_character(text: str) -> None:
    line = escaped(text)
    assert line.isascii() and "\n" not in line and not line.startswith((".", "'"))


def test_there_is_a_page_for_every_verb_with_its_sections() -> None:
    made = {one.path: one for one in pages()}
    assert {"", "apply", "rollout undo", "import pm2", "export systemd", "man"} <= {*made}
    for path, one in made.items():
        text = source(one)
        for title in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "ENVIRONMENT", "SEE ALSO"):
            assert f"\n.SH {title}\n" in text, path
    apply = source(made["apply"])
    assert r"\-\-detailed\-exitcode" in apply and "RECON_MANIFESTS" in apply
    assert "\n.SH FILES\n" in apply and "\n.SH EXAMPLES\n" in apply
    assert file_of("rollout undo") == "recon-rollout-undo.1"
    assert page("nonsense") is None and page("rollout nonsense") is None and page("apply x") is None
