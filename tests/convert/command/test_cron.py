"""Lines of crontab(5), and what only looks like one."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.convert.command.cron import CronLine, cron_line, job_of


@pytest.mark.parametrize(
    ("line", "schedule", "command"),
    [
        ("* * * * * true", "* * * * *", "true"),
        ("*/5  0-6,22\t* jan-mar mon  a  b", "*/5 0-6,22 * jan-mar mon", "a  b"),
        ("@hourly /x", "0 * * * *", "/x"),
    ],
)
def test_a_line_is_its_time_and_its_command(line: str, schedule: str, command: str) -> None:
    assert cron_line(line) == CronLine(schedule, command)


@pytest.mark.parametrize("line", ["node server.js", "a b c d e f", "0 3 * * *", "0 3 x.md * * f"])
def test_another_line_is_none(line: str) -> None:
    assert cron_line(line) is None


def test_the_user_of_the_systems_table_is_the_jobs(tmp_path: Path) -> None:
    spec = job_of(CronLine("0 3 * * *", "root /srv/run --all"), str(tmp_path)).spec
    assert (spec["user"], spec["command"]) == ("root", ["/srv/run", "--all"])
    assert spec["cwd"] == Path("~root").expanduser().as_posix()
    assert "user" not in job_of(CronLine("0 3 * * *", "root --all"), str(tmp_path)).spec
