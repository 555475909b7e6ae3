"""The screens, compared with text files: ``pytest --snapshot-update`` writes them again.

Text and not SVG: a release of textual or of rich may write the same screen as another SVG, and a
review can read a screen of text. Colours have tests of their own, and so has what `render` draws.
"""

from __future__ import annotations

from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from tests.ui.monit.drive import Driver, drive


class Screens(SingleFileSnapshotExtension):
    """One text file a screen."""

    _write_mode = WriteMode.TEXT
    _file_extension = "txt"
    file_extension = "txt"


@pytest.fixture
def screens(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(Screens)


_BAR = tuple("▁▂▃▄▅▆▇█")


@pytest.mark.parametrize(
    ("size", "keys", "seen"),
    [
        pytest.param((80, 24), ("x", "down"), "api-0", id="table"),
        pytest.param((140, 20), ("x",), "pid 5001", id="wide"),
        pytest.param((40, 12), ("x",), "api-1", id="narrow"),
        pytest.param((80, 24), ("G",), "migrate", id="graph"),
        pytest.param((80, 24), ("g",), "Is needed by", id="graph-of-one"),
        pytest.param((80, 24), ("l",), "line 39", id="logs"),
        pytest.param((80, 45), ("question_mark",), "palette", id="keys"),
        pytest.param((80, 24), ("plus",), "instances: 3", id="confirm"),
        pytest.param((40, 12), ("plus",), "instances: 2", id="confirm-narrow"),
    ],
)
def test_screen(
    size: tuple[int, int], keys: tuple[str, ...], seen: str, screens: SnapshotAssertion
) -> None:
    async def work(user: Driver) -> None:
        await user.press(*keys)
        shown = await user.settled(seen)
        assert _without_bar(shown, size[0]) == screens

    drive(work, size=size)


def test_screen_without_colour_and_without_unicode(
    screens: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("LC_ALL", "C")

    async def work(user: Driver) -> None:
        await user.press("x")
        shown = await user.settled("api-0")
        assert shown == screens
        colours = {
            segment.style.color.name
            for strip in user.app.screen._compositor.render_strips(user.app.size)
            for segment in strip.apply_filter(
                _filter(user.app), user.app.screen.background_colors[1]
            )
            if segment.style is not None and segment.style.color is not None
        }
        assert colours <= {"default"}, colours

    drive(work)


def _filter(app: Any) -> Any:
    (only,) = [one for one in app.get_line_filters() if type(one).__name__ == "NoColor"]
    return only


def _without_bar(screen: str, columns: int) -> str:
    """Without a scroll bar in the last column: on a loaded machine it is drawn frames later than
    what it scrolls."""
    lines = (
        line[: columns - 1] if len(line) == columns and line[-1] in _BAR else line
        for line in screen.split("\n")
    )
    return "\n".join(line.rstrip() for line in lines)
