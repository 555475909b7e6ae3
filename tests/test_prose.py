"""The check of words finds what `docs/style.md` lists, and its own list can only become shorter."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import prose

RULES = """\
# Style

Nobody shall read this.

## Words

| not | but |
| --- | --- |
| shall | must |
| mend, mended | fix |
| for ever | forever |

## Names

| not | but |
| --- | --- |
| told, said | message |
| mine | own |
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for folder in ("docs", "tests", "reconciler/cli"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "docs/style.md").write_text(RULES.replace("shall read", "must read"))
    (tmp_path / prose.TO_DO).write_text("")
    (tmp_path / prose.NAMES_TO_DO).write_text("")
    return tmp_path


def told(repository: Path) -> list[str]:
    return list(prose.problems(repository))


def test_each_word_of_the_table_is_known_with_what_to_write_instead() -> None:
    assert prose.words(RULES) == {
        "shall": "must",
        "mend": "fix",
        "mended": "fix",
        "for ever": "forever",
    }
    assert prose.words(RULES, "Names") == {"told": "message", "said": "message", "mine": "own"}


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("One\nShall\n", [(2, "shall")]),
        ("it runs for\n  ever.", [(1, "for ever")]),
        ("Marshall, mending and forever are other words", []),
        ("a mend; mended", [(1, "mend"), (1, "mended")]),
        ('a user named "mend", or ``mend``', []),
        ('"""Mend it."""', [(1, "mend")]),
    ],
)
def test_a_word_is_found_by_line_whatever_its_case(text: str, places: list[object]) -> None:
    assert list(prose.found(text, prose.words(RULES))) == places


def test_a_file_with_such_a_word_is_named_with_the_line(repository: Path) -> None:
    (repository / "README.md").write_text("# recon\n\nIt shall run.\n")
    (repository / "reconciler/cli/run.py").write_text('"""What shall run."""\n')
    assert told(repository) == [
        "README.md:3: 'shall' is not used here; write 'must'",
        "reconciler/cli/run.py:1: 'shall' is not used here; write 'must'",
    ]


def test_the_text_of_the_rules_is_checked_and_their_table_is_not(repository: Path) -> None:
    assert told(repository) == []
    (repository / "docs/style.md").write_text(RULES)
    assert told(repository) == ["docs/style.md:3: 'shall' is not used here; write 'must'"]


def test_code_in_a_document_is_not_prose(repository: Path) -> None:
    (repository / "README.md").write_text("`shall`\n\n```\nmend\n```\nfor ever\n")
    assert told(repository) == ["README.md:6: 'for ever' is not used here; write 'forever'"]


def test_what_is_on_the_list_is_passed_over_until_it_is_clean(repository: Path) -> None:
    page = repository / "docs/old.md"
    page.write_text("It shall run.\n")
    (repository / "reconciler/cli/run.py").write_text("# mend\n")
    (repository / prose.TO_DO).write_text("docs/old.md\nreconciler/cli\n")
    assert told(repository) == []
    page.write_text("It must run.\n")
    (what,) = told(repository)
    assert what.startswith("docs/old.md is listed in") and what.endswith("remove it from the list")


@pytest.mark.parametrize(
    ("code", "places"),
    [
        ("told = 1", [(1, "told")]),
        ("class _Said:\n    told_at: float", [(1, "said"), (2, "told")]),
        ("def say(mine: int) -> None: ...", [(1, "mine")]),
        ("# told\ntext = 'mine'\nretold = {'told': text}", []),
    ],
)
def test_a_name_is_found_by_its_parts_and_no_text_is(code: str, places: list[object]) -> None:
    assert list(prose.names(code, prose.words(RULES, "Names"))) == places


def test_names_have_a_list_of_their_own(repository: Path) -> None:
    program = repository / "reconciler/cli/run.py"
    program.write_text("mine = 1\n")
    assert told(repository) == ["reconciler/cli/run.py:1: 'mine' is not used here; write 'own'"]
    (repository / prose.NAMES_TO_DO).write_text("reconciler/cli\n")
    assert told(repository) == []
    program.write_text("own = 1\n")
    (what,) = told(repository)
    assert what.startswith("reconciler/cli is listed in tests/names_to_do.txt")


def test_a_line_of_the_list_may_excuse_one_word_only(repository: Path) -> None:
    (repository / "reconciler/cli/run.py").write_text("# mend what shall run\n")
    (repository / prose.TO_DO).write_text("reconciler/cli: mend\n")
    assert told(repository) == ["reconciler/cli/run.py:1: 'shall' is not used here; write 'must'"]
    (repository / prose.TO_DO).write_text("reconciler: mend\nreconciler/cli: shall\n")
    assert told(repository) == []
