"""The controller leaves no core dump; its programs keep the limit that recon was started with."""

from __future__ import annotations

import json
import resource
import subprocess
import sys

import pytest

CODE = """
import json, resource, subprocess, sys
from reconciler.converge.isolation import coredump
coredump.prepare()
show = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE)[0])"
with coredump.allowed():
    inside = subprocess.check_output([sys.executable, "-c", show])
print(json.dumps([resource.getrlimit(resource.RLIMIT_CORE)[0], int(inside)]))
"""


@pytest.mark.parametrize("soft", [0, 8192, resource.RLIM_INFINITY])
def test_the_limit_is_the_controllers_alone(soft: int) -> None:
    if resource.getrlimit(resource.RLIMIT_CORE)[1] != resource.RLIM_INFINITY:
        pytest.skip("the hard limit of core dumps does not let a test choose")
    told = soft if soft >= 0 else "unlimited"
    done = subprocess.run(
        ["prlimit", f"--core={told}:unlimited", sys.executable, "-c", CODE],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [1, soft]
