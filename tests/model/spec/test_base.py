"""Models are built where they are first used, and then there may be no file left to open."""

from __future__ import annotations

import subprocess
import sys

_BUILD = """
import sys
import reconciler.api.__main__
from reconciler.model.spec.base import Manifest

def below(model):
    for one in model.__subclasses__():
        yield one
        yield from below(one)

opened = []
late = [model for model in below(Manifest) if not model.__pydantic_complete__]
sys.addaudithook(lambda event, args: opened.append(args) if event == "open" else None)
for model in late:
    model.model_rebuild()
print(len(late) > 0, opened)
"""


def test_to_build_a_model_opens_no_file() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", _BUILD], capture_output=True, text=True, check=False
    )
    assert done.stdout == "True []\n", done.stderr
