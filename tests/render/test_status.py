"""Status as text, against golden tables."""

from __future__ import annotations

from reconciler.render.status import (
    app_lines,
    cut_messages,
    has_drift,
    is_settled,
    status_table,
)
from tests.cli.documents import app, error, instance, status

SAMPLE = """\
APP       SYNC       HEALTH       READY  REV  RESTARTS  MESSAGE
backend   OutOfSync  Progressing  1/2    4    0         1 of 2 instances updated
frontend  Synced     Degraded     0/1    2    7         CrashLoopBackOff: exit…
report    Unknown    Healthy      1/1    3    0         report.yaml:12:7: spec.…"""


def sample() -> dict[str, object]:
    return status(
        app(
            "backend",
            sync="OutOfSync",
            health="Progressing",
            desired=2,
            revision=4,
            message="1 of 2 instances updated",
        ),
        app(
            "frontend",
            health="Degraded",
            ready=0,
            revision=2,
            restarts=7,
            message="CrashLoopBackOff: exit 1, next try in 21 s",
        ),
        app(
            "report",
            sync="Unknown",
            revision=3,
            message="report.yaml:12:7: spec.limts: unknown field, did you mean limits?",
        ),
    )


def test_table_is_the_designs_and_fits_80_columns() -> None:
    lines = status_table(sample(), columns=80)
    assert "\n".join(lines) == SAMPLE
    assert max(map(len, lines)) <= 80


def test_wide_cuts_nothing_and_adds_what_is_used() -> None:
    lines = status_table(sample(), columns=80, wide=True)
    titles = "APP SYNC HEALTH READY REV RESTARTS UPDATED AVAILABLE CPU MEMORY AGE MESSAGE"
    assert " ".join(lines[0].split()) == titles
    assert "1.2%" in lines[1] and "120Mi" in lines[1] and "1h02m" in lines[1]
    assert lines[2].endswith("CrashLoopBackOff: exit 1, next try in 21 s")


def test_colour_changes_no_column() -> None:
    plain = status_table(sample(), columns=80)
    coloured = status_table(sample(), columns=80, colour=True)
    assert "\x1b[31mDegraded\x1b[0m" in coloured[2]
    assert [_uncoloured(line) for line in coloured] == plain


def test_what_the_table_cuts_is_there_in_full_for_who_asks_for_one_app() -> None:
    document = sample()
    cut = cut_messages(document, status_table(document, columns=80))
    assert [line.partition(":")[0] for line in cut] == ["frontend", "report"]
    assert cut[0] == "frontend: CrashLoopBackOff: exit 1, next try in 21 s"
    assert cut_messages(document, status_table(document, columns=200)) == []


def test_problems_are_listed_in_full_below() -> None:
    long = "a sentence that is longer than what is left of eighty columns, but is not cut at all"
    document = status(app("a"), errors=[error("/x/a.yaml", message=long)])
    whole = ["1 problem in the manifests:", f"  /x/a.yaml:3:5: spec.x: {long}"]
    assert status_table(document, columns=None)[-2:] == whole
    title, first, second = status_table(document, columns=80)[-3:]
    assert title == whole[0] and max(len(first), len(second)) <= 80
    assert second.startswith("    ") and f"{first} {second.strip()}" == whole[1]


def test_whole_file_problem_has_no_line() -> None:
    document = status(errors=[error("/x/a.yaml", line=0, column=0, path="")])
    assert status_table(document, columns=80)[-1] == "  /x/a.yaml: m"


def test_instances_and_drift_of_one_app() -> None:
    one = app(
        "web",
        instances=[
            instance("web-0"),
            instance(
                "web-1",
                pid=None,
                state="backoff",
                ready=False,
                revision=0,
                restarts=3,
                uptimeSeconds=None,
                rssBytes=None,
                cpuPercent=None,
                exit="exit 1",
            ),
        ],
        drift=[{"kind": "Missing", "instance": "web-1", "detail": "declared, but not running"}],
    )
    assert "\n".join(app_lines(one, columns=80)) == (
        "INSTANCE  STATE    READY  REV  PID   AGE    CPU   MEMORY  RESTARTS  LAST END\n"
        "web-0     running  yes    4    4120  1h02m  1.2%  120Mi   0         -\n"
        "web-1     backoff  no     -    -     -      -     -       3         exit 1\n"
        "\n"
        "DRIFT    INSTANCE  DETAIL\n"
        "Missing  web-1     declared, but not running"
    )


def test_text_cannot_steer_the_terminal() -> None:
    lines = status_table(status(app("a", message="x\x1b]0;owned\x07\ny")), columns=80)
    assert lines[1].endswith("x ]0;owned  y")


def test_nothing_declared_is_said() -> None:
    assert status_table(status(), columns=80) == ["No apps are declared, and none runs."]


def test_settled_is_synced_and_healthy_or_suspended() -> None:
    assert is_settled(app("a")) and is_settled(app("a", health="Suspended"))
    for values in ({"sync": "OutOfSync"}, {"sync": "Unknown"}, {"health": "Progressing"}):
        assert not is_settled(app("a", **values))
        assert has_drift(status(app("a", **values)))
    assert not has_drift(status(app("a")))
    assert has_drift(status(app("a"), errors=[error("/x/a.yaml")]))


def _uncoloured(line: str) -> str:
    import re

    return re.sub(r"\x1b\[\d+m", "", line)
