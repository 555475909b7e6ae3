"""Controllers to be killed: each line on stdin starts one more, and its pid is printed.

A process of its own, so that the test can kill real controllers within milliseconds without
paying for Python's start each time, and without forking pytest.
"""

import asyncio
import os
import sys
from pathlib import Path

from reconciler.logs.write.capture import Capture
from reconciler.model.spec.logs import Logs
from reconciler.model.state.observed import Tag


async def control(state: Path, tags: list[Tag], logs: Logs) -> None:
    def on_trouble(app: str, message: str | None) -> None:
        raise SystemExit(f"{app}: {message}")

    capture = Capture(state, asyncio.get_running_loop(), on_trouble=on_trouble)
    capture.recover()
    for tag in tags:
        capture.attach(tag, logs)
    await asyncio.Event().wait()


def main() -> None:
    tags = [tag for text in sys.argv[2].split(",") if (tag := Tag.parse(text)) is not None]
    logs = Logs.model_validate_json(sys.argv[3])
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            asyncio.run(control(Path(sys.argv[1]), tags, logs))
        print(pid, flush=True)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
