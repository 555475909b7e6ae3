"""`python -m tests.fuzz.child TARGET PROGRAM FLAGS…`: one target under atheris, in this process.

Only this process imports atheris, before anything of recon, so that all of it is instrumented.
libFuzzer starts PROGRAM, which starts this, for the processes that it minimises a corpus with."""

from __future__ import annotations

import resource
import sys
import time
from typing import Any

_SECONDS = 5.0
"""Of processor time, for one small input: an oracle of each target."""


def main(name: str, program: str, flags: list[str]) -> None:
    import atheris

    with atheris.instrument_imports(include=["reconciler", "tests.fuzz.targets"]):
        from tests.fuzz import corpora

        check = corpora.module(name).check
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def one(data: Any) -> None:
        began = time.process_time()
        check(bytes(data))
        seconds = time.process_time() - began
        assert seconds < _SECONDS, f"{seconds:.1f} s of processor time for {len(data)} bytes"

    atheris.Setup([program, *flags], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
