"""The host: what it lets recon do, and what recon found, the worst first."""

from __future__ import annotations

from typing import Any

from reconciler.api.errors import ControllerNotRunningError
from reconciler.ui.dashboard.views.host import host_page
from tests.ui.dashboard.standin import Standin


def finding(level: str, **more: str) -> dict[str, Any]:
    return {"subject": "host", "check": level, "level": level, "message": "m", "remedy": "", **more}


def test_the_worst_stands_first_with_what_to_do() -> None:
    found = [finding("ok"), finding("warning", remedy="run chrony"), finding("problem")]
    html = host_page(Standin(), found).html["host"]
    assert html.index("problem") < html.index("warning") < html.index("ok</b>")
    assert "run chrony" in html and "root" in html


def test_without_findings_it_names_the_verb() -> None:
    assert "recon doctor" in host_page(Standin(), None).html["host"]


def test_a_controller_without_limits_and_cgroups_is_shown_as_such() -> None:
    class Small:
        def host(self) -> dict[str, Any]:
            rlimits = {"openFiles": [1024, -1]}
            missing = {"cpu": ["not delegated", "add Delegate=yes"]}
            return {"uid": 7, "cores": 1, "rlimits": rlimits, "cgroups": {"missing": missing}}

    html = host_page(Small(), []).html["host"]
    assert "uid 7" in html and "1,024 (at most unlimited)" in html and "add Delegate=yes" in html


def test_without_a_controller_it_says_so() -> None:
    class Gone:
        def host(self) -> dict[str, Any]:
            raise ControllerNotRunningError("no controller is running")

    assert "no controller is running" in host_page(Gone(), None).html["host"]
