"""What looks like a secret is masked in a line of a manifest; ordinary words stay."""

from __future__ import annotations

import pytest

from reconciler.desired.edits.masking import masked

KEY = "ghp_" + "a1B2" * 9


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("    DB_PASSWORD: correct-horse-7", "    DB_PASSWORD: ***"),
        ('    DB_PASSWORD: "correct horse 7"   # theirs', '    DB_PASSWORD: "***"   # theirs'),
        (
            "  env: {LEVEL: info, DB_PASSWORD: correct-horse-7}",
            "  env: {LEVEL: info, DB_PASSWORD: ***}",
        ),
        (
            '{"env":{"DB_PASSWORD":"correct-horse-7","A":"b"}}',
            '{"env":{"DB_PASSWORD":"***","A":"b"}}',
        ),
        ("  command: run --password hunter2x --port 80", "  command: run --password *** --port 80"),
        ("  command: [run, --password=hunter2x, x]", "  command: [run, --password=***, x]"),
        ("  command: [run, --password, hunter2x]", "  command: [run, --password, ***]"),
        (f"    ANYTHING: {KEY}", "    ANYTHING: ***"),
        ("    URL: postgres://crm:hunter2x@db/crm", "    URL: ***db/crm"),
        ("      MIIEowIBAAKCAQEA2Z3qX2BTLS4e1mFZ1p7a9Yk0sQb8", "      ***"),
    ],
)
def test_secrets_are_masked(line: str, shown: str) -> None:
    assert masked(line) == shown


@pytest.mark.parametrize(
    "line",
    [
        "  instances: 3   # two for now",
        "    DB_PASSWORD: {secretFile: /etc/crm/db_password}",
        '  command: [sleep, "100000"]   # without end',
        "metadata: {name: web, labels: {tier: api}}",
        "",
        "    PORT: 3000",
    ],
)
def test_ordinary_lines_stay(line: str) -> None:
    assert masked(line) == line
