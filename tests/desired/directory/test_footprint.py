"""What one more app takes of the controller's memory: counted, so that it does not creep up."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

from tests.desired.conftest import Folder

_MANY = 200
_SPEC = (
    "  instances: 1\n"
    "  env: {NODE_ENV: production, VERSION: '1'}\n"
    "  strategy: {maxSurge: 1}\n"
    "  readinessProbe: {httpGet: {port: 3000}, periodSeconds: 2}\n"
    "  stop: {signal: SIGINT}\n"
)


def grown(by: Callable[[], object]) -> int:
    """Bytes that stay of what a call made."""
    gc.collect()
    tracemalloc.start()
    try:
        kept = by()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        del kept


def test_one_more_manifest_takes_a_few_kib(folder: Folder) -> None:
    """Measured: 2.7 KiB, of which the fields of the spec are 0.8."""
    for number in range(_MANY):
        folder.app(f"warm-{number}", _SPEC)
    store = folder.store()
    store.scan()  # what the first manifest loads and builds
    for number in range(_MANY):
        folder.app(f"app-{number}", _SPEC)
    store.scan()
    assert len(store.apps) == 2 * _MANY
    for number in range(_MANY):
        folder.app(f"more-{number}", _SPEC)
    an_app = grown(store.scan) / _MANY
    assert len(store.apps) == 3 * _MANY
    assert an_app < 4 * 1024
