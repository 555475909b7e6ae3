"""`make e2e` runs once more what failed, names what passes then, and tolerates two of these."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e import flaky


@pytest.mark.parametrize(
    ("first", "second", "code", "summary"),
    [
        ({"a"}, set(), 0, "1 flaky"),
        ({"a", "b"}, set(), 0, "2 flaky"),
        ({"a", "b", "c"}, set(), 1, "3 flaky"),
        ({"a", "b"}, {"b"}, 1, "1 flaky"),
        ({"a"}, {"a"}, 1, "0 flaky"),
    ],
)
def test_more_than_two_flaky_tests_fail_a_run_and_so_does_one_that_fails_twice(
    first: set[str], second: set[str], code: int, summary: str
) -> None:
    told = flaky.verdict(first, second)
    assert (told[0], told[1].splitlines()[0].partition(":")[0]) == (code, summary)


TESTS = """
import pathlib, pytest

def once(name):
    path = pathlib.Path(__file__).with_name(name)
    if not path.exists():
        path.touch()
        assert False, "the first time"

def test_sound(): pass

@pytest.mark.xdist_group("all")
@pytest.mark.parametrize("name", ["a@b", "c"])
def test_races(name): once(name)

@pytest.mark.skipif(not pathlib.Path(__file__).with_name("broken").exists(), reason="whole")
def test_broken(): assert False
"""


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "test_it.py").write_text(TESTS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    return tmp_path


def test_what_failed_is_run_again_alone_whatever_its_name_and_group(
    suite: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert flaky.main(["test_it.py", "-n", "1", "--dist", "loadgroup"]) == 0
    told = capfd.readouterr().out
    assert "2 flaky: failed once, passed alone" in told
    assert "  test_it.py::test_races[a@b]\n  test_it.py::test_races[c]\n" in told
    assert "2 passed" in told, "the second run was of these alone"


def test_what_fails_twice_fails_the_run(suite: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (suite / "broken").touch()
    assert flaky.main(["test_it.py"]) == 1
    told = capfd.readouterr().out
    assert "2 flaky" in told and "1 broken: failed twice\n  test_it.py::test_broken" in told


def test_what_passes_at_once_is_run_once(suite: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert flaky.main(["test_it.py::test_sound"]) == 0
    assert "once more" not in capfd.readouterr().out
