"""Without inotify watchfiles polls: all is still heard, and an idle controller hardly wakes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MOST = 6
"""Wake-ups of all threads a second; watchfiles as it comes takes 20 and more (`design.md`)."""

# A process of its own, since every thread of it counts. It looks four times and then says how
# often its threads woke up meanwhile, and in how many seconds.
IDLE = """
import asyncio, os, sys, time
from pathlib import Path
from reconciler.loop.watching.folders import Folders

def woken():
    found = 0
    for task in Path("/proc/self/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                found += int(line.split()[1])
    return found

async def main():
    looks = asyncio.Queue()
    folders = Folders(asyncio.get_running_loop(), lambda path: None, lambda: looks.put_nowait(1))
    folders._fall_back()
    folders.also(sys.argv[1:])
    for _ in range(3):  # the first ones find the folders
        await looks.get()
    before, began = woken(), time.monotonic()
    for _ in range(4):
        await looks.get()
    print(woken() - before, time.monotonic() - began, flush=True)
    os._exit(0)  # a thread that polls would be waited for

asyncio.run(main())
"""


def test_an_idle_fallback_wakes_the_process_a_few_times_a_second(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "web.yaml").write_text("# nothing\n")
    done = subprocess.run(
        [sys.executable, "-c", IDLE, *map(str, tmp_path.iterdir())],
        capture_output=True,
        text=True,
        timeout=110,
        check=True,
    )
    woken, seconds = map(float, done.stdout.split())
    assert woken / seconds <= MOST, f"{woken} in {seconds} s"
