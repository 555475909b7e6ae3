"""`docs/pictures/monit.svg`: the monitor beside the sample that runs, drawn by textual itself.

The picture asks for no font from elsewhere.
"""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

from e2e.harness import Recon
from reconciler.api.client import Client
from reconciler.state.paths import StatePaths
from reconciler.ui.live.live import Live
from reconciler.ui.monit.monitor import Monitor

_SIZE = (100, 17)
_LOOKS = 10
"""Looks at the controller, 2 s apart: so long are the graphs."""
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.S)


def draw(recon: Recon, path: Path) -> None:
    """Draw what the monitor shows of a recon that runs."""
    path.write_text(asyncio.run(_draw(recon)))


async def _draw(recon: Recon) -> str:
    os.environ.pop("NO_COLOR", None)
    os.environ.update({"LC_ALL": "C.UTF-8", "COLORTERM": "truecolor"})
    paths = StatePaths(recon.state.resolve())
    client = Client(paths.socket, lambda: paths.shared_socket)
    live = Live(client)
    live.start()
    monitor = Monitor(live, client)
    async with monitor.run_test(size=_SIZE) as pilot:
        await asyncio.to_thread(live.changed, _LOOKS, 60)
        await pilot.press("x", "down", "down")
        await pilot.pause(0.5)
        picture = monitor.export_screenshot(title="recon monit")
    live.stop()
    return _plain_font(picture)


def _plain_font(svg: str) -> str:
    """The font that there is in the place of one from the network."""
    return _FONT.sub("", svg).replace("font-family: Fira Code", "font-family: monospace")
