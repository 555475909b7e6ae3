"""An edit is shown as a small diff, with the numbers of the whole file and no secrets."""

from __future__ import annotations

import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.edits.edit import Edit

LINES = st.lists(st.sampled_from(["a", "b", "  c: 1", ""]), max_size=12)


@given(LINES, LINES)
def test_patch_makes_the_one_of_the_other(old: list[str], new: list[str]) -> None:
    before, after = ("".join(f"{line}\n" for line in lines).encode() for lines in (old, new))
    hunks = Edit("x", before, after).hunks()
    if before == after:
        assert hunks == []
    else:
        assert _patched(old, hunks) == new


def _patched(old: list[str], hunks: list[str]) -> list[str]:
    """As patch(1) does, strictly by the numbers of each hunk."""
    result, at = [], 0
    for line in hunks:
        if line.startswith("@@"):
            first, _, count = line.split()[1][1:].partition(",")
            start = int(first) - (1 if count != "0" else 0)
            result += old[at:start]
            at = start
        elif line.startswith("+"):
            result.append(line[1:])
        else:
            assert old[at] == line[1:]
            result += [line[1:]] if line.startswith(" ") else []
            at += 1
    return result + old[at:]


def test_a_line_far_down_has_its_number() -> None:
    before = b"".join(b"line %d\n" % number for number in range(1, 2001))
    edit = Edit("x", before, before.replace(b"line 1500\n", b"line\n"))
    assert edit.line == 1500
    assert edit.hunks()[0] == "@@ -1499,3 +1499,3 @@"


def test_patch_1_takes_it(tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    before, after = b"a: 1\nb: 2\nc: 3\n", b"a: 1\nb: 4\nc: 3\n"
    file.write_bytes(before)
    subprocess.run(
        ["patch", "-p0", str(file)],
        input=Edit(str(file), before, after).diff().encode(),
        check=True,
    )
    assert file.read_bytes() == after
