"""Records how real programs grow: `python -m tests.diff.shapes.record`, some six minutes.

Each runs for minutes what a service does in hours: a sample is taken every 0.1 s and stands for
one of every 15 s. The files hold KiB of RSS and percent of a core, one pair a sample.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

_HERE = Path(__file__).parent
_EVERY = 0.1
_SAMPLES = 2880
"""Twelve hours."""
_PAGE = os.sysconf("SC_PAGE_SIZE") // 1024
_TICKS = os.sysconf("SC_CLK_TCK")

PROGRAMS = {
    # Sessions that are never dropped, beside garbage.
    "leak-python": (
        "python",
        """
import time
kept = []
while True:
    kept.append(bytearray(3000 + len(kept) % 700)); junk = [str(n) for n in range(2000)]
    time.sleep(0.02)
""",
    ),
    "leak-node": (
        "node",
        """
const kept = new Map(); let n = 0
setInterval(() => { kept.set(n++, {at: Date.now(), text: 'x'.repeat(200) + n})
  for (let i = 0; i < 400; i++) ({i, text: 'request ' + i}) }, 5)
""",
    ),
    # The saw-tooth of a generational collector: garbage that lives long enough to be promoted.
    "gc-node": (
        "node",
        """
let window = []
setInterval(() => { for (let i = 0; i < 300; i++) window.push({i, text: 'x' + Math.random()})
  if (window.length > 60000) window = window.slice(-20000) }, 10)
""",
    ),
    "gc-python-cycles": (
        "python",
        """
import time
class Node: pass
while True:
    for _ in range(20):
        a, b = Node(), Node(); a.other, b.other = b, a; a.text = bytearray(2000)
    time.sleep(0.01)
""",
    ),
    # A cache that fills, and is full.
    "warmup-python": (
        "python",
        """
import random, time
cache = {}
while True:
    for _ in range(10):
        key = int(random.expovariate(1 / 1500))
        cache.setdefault(key % 8000, bytearray(6000))
    time.sleep(0.01)
""",
    ),
    # A table that is loaded once, an hour after the start, and again larger.
    "step-python": (
        "python",
        """
import time
time.sleep(30); table = bytearray(40 << 20); time.sleep(60)
table2 = bytearray(25 << 20); time.sleep(1000)
""",
    ),
    # Uploads: short peaks of very different size.
    "bursts-python": (
        "python",
        """
import random, time
while True:
    held = bytearray(random.randrange(1, 60) << 20); time.sleep(random.random() * 0.3); del held
    time.sleep(random.random() * 2)
""",
    ),
    # A day in four minutes: sessions that come with the load and go with it.
    "wave-python": (
        "python",
        """
import math, time
began, held = time.monotonic(), []
while True:
    load = 0.5 - 0.5 * math.cos((time.monotonic() - began) / 144 * math.pi)
    wanted = int(3000 * load)
    while len(held) < wanted: held.append(bytearray(9000))
    while len(held) > wanted: held.pop()
    until = time.monotonic() + 0.02 * load
    while time.monotonic() < until: pass
    time.sleep(0.05)
""",
    ),
}


def main() -> None:
    """Record all of them at the same time."""
    running = {}
    for name, (kind, source) in PROGRAMS.items():
        words = ["node", "-e"] if kind == "node" else [sys.executable, "-I", "-S", "-c"]
        running[name] = subprocess.Popen([*words, source])
    try:
        record({name: process.pid for name, process in running.items()})
    finally:
        for process in running.values():
            process.kill()
            process.wait()


def record(pids: dict[str, int]) -> None:
    """The samples of these processes, into a file each."""
    found: dict[str, list[list[int]]] = {name: [] for name in pids}
    before = {name: _look(pid)[1] for name, pid in pids.items()}
    at = last = time.monotonic()
    for _ in range(_SAMPLES):
        at += _EVERY
        time.sleep(max(0.0, at - time.monotonic()))
        now = time.monotonic()
        for name, pid in pids.items():
            rss, ticks = _look(pid)
            used = 100 * (ticks - before[name]) / _TICKS / (now - last)
            found[name].append([rss, round(used)])
            before[name] = ticks
        last = now
    for name, samples in found.items():
        (_HERE / f"{name}.json").write_text(json.dumps(samples, separators=(",", ":")) + "\n")


def _look(pid: int) -> tuple[int, int]:
    """KiB of RSS, ticks of processor time."""
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return int(fields[21]) * _PAGE, int(fields[11]) + int(fields[12])


if __name__ == "__main__":
    main()
