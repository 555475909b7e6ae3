"""The examples of docs/api.md work as they stand there."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from e2e.harness import Recon, manifest
from e2e.programs import numbered
from reconciler.state.paths import StatePaths
from tests.waiting import until

TEXT = (Path(__file__).parents[1] / "docs/api.md").read_text()
CURLS = re.findall(r"^curl .*$", TEXT, re.M)


_TALK = f"import sys; print('oops', file=sys.stderr)\n{numbered(0.01)[-1]}"


@pytest.fixture
def web(recon: Recon) -> Recon:
    recon.write("web.json", manifest("web", [*numbered(0.01)[:-1], _TALK]))
    recon.run()
    recon.healthy("web")
    until(lambda: recon.log("web") and recon.log("web", stream="err"), what="it writes")
    return recon


@pytest.mark.skipif(shutil.which("curl") is None, reason="SKIPPED: there is no curl here")
def test_every_curl_answers_with_documents(web: Recon) -> None:
    assert len(CURLS) > 8
    for line in CURLS:
        follows = " -sN " in line
        command = line.replace("-sN", "-sN --max-time 2") if follows else line
        environment = web.environment | {"SOCKET": str(StatePaths(web.state.resolve()).socket)}
        done = subprocess.run(
            ["sh", "-c", command], capture_output=True, text=True, check=False, env=environment
        )
        assert done.returncode == (28 if follows else 0), f"{line}\n{done.stderr}"
        lines = [text.removeprefix("data: ") for text in done.stdout.splitlines()]
        found = [json.loads(text) for text in lines if text.startswith("{")]
        assert found or "search=" in line, line
        assert not any("error" in one for one in found), line
    assert web.of("web")["desired"] == 3, "the edit was made, after the dry run"


def test_the_python_works(web: Recon, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.S)
    code = code.replace("/var/lib/recon/recon.sock", str(StatePaths(web.state.resolve()).socket))
    code = code.replace("    print(line", "    lines.append(line")
    code = code.replace("for line in client", "for line in first(client")
    code = code.replace("follow=True):", "follow=True)):")
    lines: list[str] = []
    exec(code, {"lines": lines, "first": lambda found: itertools.islice(found, 15)})
    printed = capsys.readouterr().out
    assert "web Synced Healthy" in printed and "'diff'" in printed
    numbers = [int(line.split()[1]) for line in lines]
    assert numbers == [*range(numbers[0], numbers[0] + 15)]
