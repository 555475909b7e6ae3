"""A worker: does a piece of work, logs it, waits."""

import itertools
import os
import time

pause = float(os.environ.get("PAUSE_SECONDS", "2"))
for number in itertools.count(1):
    print(f"job {number} done", flush=True)
    time.sleep(pause)
