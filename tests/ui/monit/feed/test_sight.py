from __future__ import annotations

from reconciler.ui.monit.feed.sight import Sight, banner
from tests.ui.monit.fake import NOW


def test_nothing_is_said_while_the_controller_answers() -> None:
    assert banner(Sight({}, NOW), NOW + 60) == ""


def test_the_monitor_says_since_when_it_is_blind_and_why() -> None:
    sight = Sight({}, NOW - 2, False, "no controller is running on /x", NOW)
    text = banner(sight, NOW + 72)
    assert text == "BLIND since 22:50:00, 1m12s: no controller is running on /x"


def test_what_recon_read_by_itself_has_its_time() -> None:
    sight = Sight({}, NOW + 5, True, "no controller is running on /x", NOW)
    text = banner(sight, NOW + 7)
    assert text == ("NO CONTROLLER since 22:50:00, `recon apply` starts one. Read at 22:50:05.")
    assert len(text) <= 78


def test_a_clock_that_is_set_back_makes_no_negative_time() -> None:
    assert "0s" in banner(Sight({}, NOW, False, "x", NOW), NOW - 3600)
