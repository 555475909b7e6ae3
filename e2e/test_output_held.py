"""What holds output over a restart is looked after itself: `recon doctor` says how it is."""

from __future__ import annotations

import os
import signal
from typing import Any

from e2e.harness import Recon
from e2e.programs import SLEEP
from reconciler.api.client import Client
from tests.waiting import until


def _finding(recon: Recon) -> dict[str, Any]:
    rows: list[dict[str, Any]] = recon.json("doctor", code=None)["findings"]
    return next(row for row in rows if row["check"] == "output")


def test_a_holder_that_is_killed_is_there_again_and_doctor_tells_of_it(recon: Recon) -> None:
    recon.app("web", SLEEP, instances=2)
    recon.run()
    recon.healthy("web")
    client = Client(recon.state / "recon.sock")
    first = client.output()
    assert (first["isKept"], first["streams"], first["unheld"]) == (True, 4, 0)
    assert _finding(recon)["level"] == "ok"
    descriptor = os.pidfd_open(first["pid"])
    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    os.close(descriptor)
    until(lambda: client.output()["pid"] not in (None, first["pid"]), what="another one runs")
    found = _finding(recon)
    assert found["level"] == "warning" and "was killed once" in found["message"]
    assert f"pid {client.output()['pid']}" in found["message"]
