"""What can never start is a problem at its field, before any start."""

from __future__ import annotations

import os

import pytest

from tests.desired.conftest import Folder


def problem(folder: Folder, spec: str) -> str:
    folder.app("web", f"  {spec}\n")
    problems = [*folder.scanned().problems]
    assert len(problems) == 1, problems
    return f"{problems[0].path}: {problems[0].text}"


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("user", "101", 'must be text; write "101"'),
        ("user", '"4294967295"', "is not a valid id"),
        ("user", '"4294967296"', "is not a valid id"),
        ("user", '"-1"', "is not a valid name or id"),
        ("user", '"+5"', "is not a valid name or id"),
        ("user", '"٣"', "is not a valid name or id"),
        ("group", '"4294967295"', "is not a valid id"),
        ("user", '"4242424"', "has no account on this host, so its group is unknown"),
    ],
)
def test_an_account_that_cannot_be_is_a_problem_at_its_field(
    folder: Folder, field: str, value: str, told: str
) -> None:
    found = problem(folder, f"{field}: {value}")
    assert found.startswith(f"spec.{field}: ") and told in found


@pytest.mark.parametrize("value", ["4294967295", '"4294967296"', '"+5"'])
def test_so_is_a_supplementary_group(folder: Folder, value: str) -> None:
    assert "is not a valid" in problem(folder, f"supplementaryGroups: [{value}]")


def test_a_variable_that_no_exec_takes_is_named(folder: Folder) -> None:
    longest = (1 << 17) - 1 - len("BIG=")
    folder.app("web", f"  env: {{BIG: {'x' * longest}}}\n")
    assert not folder.scanned().problems
    found = problem(folder, f"env: {{BIG: {'x' * (longest + 1)}}}")
    assert found.startswith("spec.env.BIG: BIG has 131072 bytes with its name")


def test_so_is_an_environment_that_is_too_large_as_a_whole(folder: Folder) -> None:
    each = 100_000
    count = os.sysconf("SC_ARG_MAX") // each + 1
    if count > 200:
        pytest.skip("this host takes an environment of any size (ulimit -s)")
    files = [f"{n}.env" for n in range(count)]
    for n, name in enumerate(files):
        folder.write(name, f"V{n}={'x' * each}\n")
    found = problem(folder, f"envFrom: [{', '.join(files)}]")
    assert found.startswith("spec.envFrom: ") and f"{count} variables" in found
