from __future__ import annotations

from reconciler.ui.monit.pages.log_lines import log_lines
from reconciler.ui.monit.widgets.text import uncoloured
from tests.ui.monit.fake import log


def shown(*args: object, several: bool = True, folds: bool = False, **values: object) -> list[str]:
    line = log(3, "a line", **values)
    return [uncoloured(one) for one in log_lines(line, several=several, folds=folds)]


def test_a_line_has_its_time_its_instance_and_a_mark_of_standard_error() -> None:
    assert shown() == ["22:40:03 web-1 ! a line"]
    assert shown(stream="stdout", several=False) == ["22:40:03   a line"]


def test_a_line_without_time_or_instance() -> None:
    assert shown(at=None, instance=None, stream="stdout") == [" " * 11 + "a line"]


def test_a_notice_of_the_controller_is_no_line_of_the_app() -> None:
    line = shown(stream="notice", instance=None, position=None, line="lines were left out")
    assert line == ["22:40:03 lines were left out"]


def test_the_level_has_its_colour_and_json_may_be_taken_apart() -> None:
    (text,) = log_lines(log(1, "ERROR no disk"), several=True)
    assert "\x1b[31mERROR" in text
    folded = shown(line='{"level": "warn", "msg": "full"}', folds=True)
    assert "WARN" in folded[0] and "full" in folded[0]
