"""A plan as text and as markdown, against golden output."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reconciler.render.cells import cells
from reconciler.render.plan import plan_markdown, plan_text, shown_value
from tests.cli.documents import change, error, field, plan

SAMPLE = """\
~ backend   revision 3 → 4                             manifests/backend.yaml:11
    env.LOG_LEVEL                  info → debug                    replaces
    env.DB_PASSWORD                *** → *** (changed)             replaces
    terminationGracePeriodSeconds  30 → 60                         in place
    2 instances replaced, 1 at a time, never below 2 ready
+ worker    1 instance
- old       manifest removed: stop pid 4120 (SIGTERM, then SIGKILL after 30 s)
Plan: 1 to start, 2 to replace, 1 to stop, 7 unchanged."""


def sample() -> dict[str, Any]:
    return plan(
        change(
            "backend",
            "update",
            revision={"from": 3, "to": 4},
            fields=[
                field("env.LOG_LEVEL", "info", "debug", "replaces"),
                field("env.DB_PASSWORD", "***", "*** (changed)", "replaces"),
                field("terminationGracePeriodSeconds", 30, 60, "in-place"),
            ],
            instances={"start": 0, "replace": 2, "stop": 0},
            notes=["2 instances replaced, 1 at a time, never below 2 ready"],
        ),
        change("idle", "none"),
        change("worker", "create", instances={"start": 1, "replace": 0, "stop": 0}),
        change(
            "old",
            "delete",
            revision={"from": 1, "to": None},
            instances={"start": 0, "replace": 0, "stop": 1},
            notes=["manifest removed: stop pid 4120 (SIGTERM, then SIGKILL after 30 s)"],
        ),
        start=1,
        replace=2,
        stop=1,
        unchanged=7,
    )


def test_text_is_the_designs_sample() -> None:
    lines = plan_text(sample(), columns=80)
    assert "\n".join(lines) == SAMPLE
    assert max(map(len, lines)) <= 80


def test_no_changes_is_said() -> None:
    assert plan_text(plan(change("a", "none"), unchanged=3), columns=80) == [
        "No changes: what runs is what is declared.",
        "Plan: 0 to start, 0 to replace, 0 to stop, 3 unchanged.",
    ]


def test_long_values_are_whole_on_lines_of_their_own() -> None:
    long = ["node", "--max-old-space-size=4096", "dist/main.js", "--port", "3000"]
    fields = [field("command", "node x", long, "replaces"), field("cwd", "/a", None, "replaces")]
    document = plan(change("web", "update", revision={"from": 1, "to": 2}, fields=fields))
    text = "\n".join(plan_text(document, columns=80))
    assert "      - node x\n" in text
    assert (
        '      + ["node", "--max-old-space-size=4096", "dist/main.js", "--port", "3000"]\n' in text
    )
    assert "cwd      /a → (unset)" in text


def test_scaling_says_how_many_start_and_stop() -> None:
    up = change(
        "web",
        "update",
        revision={"from": 2, "to": 2},
        fields=[field("instances", 1, 3, "in-place")],
        instances={"start": 2, "replace": 0, "stop": 0},
    )
    assert plan_text(plan(up), columns=80)[:3] == [
        "~ web   revision 2                                     manifests/backend.yaml:11",
        "    instances  1 → 3                           in place",
        "    2 instances started",
    ]


def test_missing_instance_needs_no_field() -> None:
    crashed = change(
        "web",
        "update",
        revision={"from": 2, "to": 2},
        instances={"start": 1, "replace": 0, "stop": 0},
    )
    assert plan_text(plan(crashed), columns=80)[0] == "~ web   1 instance started"


def test_held_back_removal_is_shown_though_nothing_is_done() -> None:
    held = change("web", "none", notes=["3 of 4 apps would be removed at once"])
    assert plan_text(plan(held), columns=80)[0] == "! web   3 of 4 apps would be removed at once"


def test_problems_are_listed_below_the_sum() -> None:
    document = {**plan(change("a", "none")), "errors": [error("/x/a.yaml")]}
    lines = plan_text(document, columns=80)
    assert lines[0] == "No changes: what runs is what could be read."
    assert lines[1].startswith("Plan: ")
    assert lines[-1] == "  /x/a.yaml:3:5: spec.x: m"


def test_the_name_of_a_field_moves_no_cursor() -> None:
    """It may be another's: an engine names the fields that its other clients wrote."""
    evil = field("env.A\x1b[2J\nB", "a", "b", "replaces", line=None)
    changed = change("web", "update", revision={"from": 1, "to": 2}, fields=[evil])
    lines = plan_text(plan(changed), columns=80)
    assert not any("\x1b" in line or "\n" in line for line in lines)


def test_markdown_is_one_table() -> None:
    lines = plan_markdown(sample())
    assert lines[0] == "**Plan: 1 to start, 2 to replace, 1 to stop, 7 unchanged**"
    assert lines[4] == (
        "| ~ | **backend** | revision 3 → 4<br>"
        "2 instances replaced, 1 at a time, never below 2 ready |  |  |"
    )
    assert lines[5] == (
        "|  |  | `env.LOG_LEVEL`: `info` → `debug` | replaces | `manifests/backend.yaml:11` |"
    )
    assert all(line.count("|") == 6 for line in lines[2:])


def test_markdown_cannot_be_broken_out_of() -> None:
    evil = field("env.X", "a|b", "`rm` | <script>", "replaces", line=None)
    name = change(
        "web", "update", revision={"from": 1, "to": 2}, fields=[evil], notes=["*x* | <b>"]
    )
    lines = plan_markdown({**plan(name), "errors": [error("/x/[a].yaml", message="<img>")]})
    assert r"\*x\* \| &lt;b>" in lines[4]
    assert r"`a\|b` → `` `rm` \| <script> ``" in lines[5]
    assert lines[-1] == r"- /x/\[a\].yaml:3:5: spec.x: &lt;img>"


@given(
    st.text(alphabet="ab `|\\\\<>&@#!*_~$[]()\n", max_size=12),
    st.sampled_from(["value", "path", "note"]),
)
def test_no_text_leaves_its_cell_or_calls_a_person(text: str, place: str) -> None:
    fields = [field("env.X", text, "end", "replaces", line=None)] if place == "value" else []
    fields += [field(f"env.{text}", "a", "b", "replaces", line=None)] if place == "path" else []
    notes = [f"x {text}"] if place == "note" else []
    document = plan(
        change("web", "update", revision={"from": 1, "to": 2}, fields=fields, notes=notes)
    )
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = parser.parse("\n".join(plan_markdown(document)))
    rows = sum(token.type == "tr_open" for token in tokens)
    cells = sum(token.type in ("td_open", "th_open") for token in tokens)
    assert cells == 5 * rows == 5 * (2 + len(fields))
    for token in tokens:
        in_code = False  # where no forge looks for names
        for inner in token.children or ():
            in_code = inner.content == "<code>" if inner.type == "html_inline" else in_code
            assert inner.type not in ("link_open", "image", "em_open", "s_open")
            assert inner.type != "html_inline" or inner.content in ("<br>", "<code>", "</code>")
            assert inner.type != "text" or in_code or not re.search(r"[@#]\w", inner.content)


def test_markdown_of_no_changes_is_the_sum_alone() -> None:
    assert plan_markdown(plan(unchanged=2)) == [
        "**Plan: 0 to start, 0 to replace, 0 to stop, 2 unchanged**"
    ]


def test_values_are_shown_on_one_line() -> None:
    assert shown_value(None) == "(unset)"
    assert shown_value("") == '""'
    assert shown_value("a\nb\x1b[1m") == "a b [1m"
    assert shown_value({"a": [1, True]}) == '{"a": [1, true]}'


def test_a_long_name_leaves_the_others_their_column_and_a_terminal_its_width() -> None:
    changes = [change("a" * 63, "create"), change("web", "create")]
    lines = plan_text(plan(*changes), columns=80)
    assert lines[1].startswith("+ web   ")
    for columns in (40, 80):
        shown = plan_text(plan(*changes), columns=columns)
        assert all(cells(line) <= columns or "a" * 63 in line for line in shown)
