"""The pages of `docs` that a reader types along with, typed along with."""

from __future__ import annotations

import pytest

from e2e.walks import shell
from e2e.walks.alike import alike
from e2e.walks.blocks import steps
from e2e.walks.pages import PAGES, ROOT, lacking, reader


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_as_it_says(page: str) -> None:
    text = (ROOT / f"docs/{page}.md").read_text()
    if why := lacking(text):
        pytest.skip(f"SKIPPED: nobody follows docs/{page}.md here: {why}")
    with reader() as walk:
        assert walk.follow(text) > 0


def test_a_page_that_is_wrong_is_found() -> None:
    if why := shell.lacking():
        pytest.skip(f"SKIPPED: {why}")
    written = '```yaml title="a/b.txt"\none 1\ntwo\n```\n'
    page = written + "```console\n$ cd a\n$ cat b.txt\none 7\n{}\n```\n"
    with reader() as walk:
        assert walk.follow(page.format("two")) == 2
        assert walk.follow("```console\n$ cat b.txt\n...\ntwo\n```\n") == 1
        with pytest.raises(AssertionError, match=r"line 7: `cat b.txt` \(exit code 0\) prints"):
            walk.follow(page.format("three").replace("a/b", "a/a/b"))
        with pytest.raises(AssertionError, match="exit code 1"):
            walk.follow("```console\n$ false\n```\n")


def test_numbers_and_spaces_do_not_count_and_words_do() -> None:
    assert alike(["web-0  running  20.4Mi  3s"], "web-1 running  8Mi  1m02s\n\n")
    assert alike(["2026-11-24 04:47:42  pid 16015"], "2026-12-01 05:35:18 pid 3\n")
    assert alike(["a", "...", "z"], "a\nb\nz\n") and alike(["...", "z"], "z\n")
    assert not alike(["web  Healthy"], "web  Degraded\n")
    assert not alike(["a"], "a\nb\n") and not alike(["a", "b"], "a\n")


def test_what_is_not_run_is_left_out_and_a_prompt_may_go_on() -> None:
    left_out = "<!-- not run: needs Docker -->\n\n```console\n$ docker ps\n```\n"
    page = left_out + "```console\n$ a \\\n> b\nc\n```"
    (step,) = steps(page)
    assert step.text == "a \\\nb" and step.printed == ("c",) and step.line == 7
