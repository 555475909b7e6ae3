"""Levels are found as the usual loggers write them, and nowhere else."""

from __future__ import annotations

import time

import pytest

from reconciler.render.logs.level import Level, found_in, level_of, with_level


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("2026-11-24 10:00:00,123 ERROR app.db: gone", Level.ERROR),  # Python
        ("WARNING:root:careful", Level.WARN),
        ("INFO:     127.0.0.1:54 - GET /", Level.INFO),  # uvicorn
        ("[2026-11-24 10:00:00 +0000] [7] [INFO] Booting worker", Level.INFO),  # gunicorn
        ("2026/11/24 10:00:00 [error] 7#7: *1 connect() failed", Level.ERROR),  # nginx
        ("[Nest] 7  - 11/24/2026, 10:00:00 AM   WARN [Router] slow", Level.WARN),
        ("info: listening on 3000", Level.INFO),  # winston
        ("level=debug msg=hello", Level.DEBUG),  # logfmt
        ('{"level":"fatal","msg":"x"}', Level.FATAL),
        ("npm ERR! code 1", Level.ERROR),
        ("Traceback (most recent call last):", Level.ERROR),
        ("\t2026-11-24T10:00:00Z CRITICAL x", Level.FATAL),
    ],
)
def test_a_level_is_found(line: str, level: Level) -> None:
    found = found_in(line)
    assert found is not None and found[0] is level


@pytest.mark.parametrize(
    "line",
    [
        "GET /ERROR/page 200",
        "ERROR_CODE=7",
        "the information desk",
        "no errors",
        "x" * 200 + " ERROR far behind",
        "",
        "--no-INFO",
        "[12] [debugger] attached",
    ],
)
def test_a_word_that_is_no_level_is_none(line: str) -> None:
    assert found_in(line) is None
    assert with_level(line, colour=True) == line


def test_only_the_level_is_coloured_and_only_on_a_terminal() -> None:
    assert with_level("a ERROR b", colour=True) == "a \x1b[31mERROR\x1b[0m b"
    assert with_level("a ERROR b", colour=False) == "a ERROR b"


def test_a_line_with_colours_of_its_own_stays_as_it_is() -> None:
    line = "\x1b[32mINFO\x1b[0m ERROR"
    assert with_level(line, colour=True) == line


@pytest.mark.parametrize(
    ("value", "level"),
    [
        (30, Level.INFO),
        (35, Level.INFO),
        (60, Level.FATAL),
        (3, Level.ERROR),
        (0, Level.FATAL),
        ("Warning", Level.WARN),
        ("custom", None),
        (True, None),
        (-1, None),
        (10**30, None),
        (30.5, None),
        (None, None),
        ([], None),
    ],
)
def test_the_value_of_a_field(value: object, level: Level | None) -> None:
    assert level_of(value) is level


def test_no_line_takes_long() -> None:
    lines = [text * 100_000 for text in ("E", "level ", "level    =", "[error", "\t", "ERROR/")]
    began = time.process_time()
    for line in lines * 100:
        found_in(line)
    assert time.process_time() - began < 1
