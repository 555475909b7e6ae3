"""Lines that a program makes up to look like recon's own are read, or are text; none is a fault."""

from __future__ import annotations

import pytest

from reconciler.logs.format.line import LineFormat
from reconciler.model.host.logcatalog import Catalog

CRAFTED = [
    b'{"app":"a","instance":Infinity,"stream":"stdout","message":"x"}',
    b'{"app":"a","instance":1e400,"stream":"stdout","message":"x"}',
    b'{"app":"a","instance":' + b"9" * 5000 + b',"stream":"stdout","message":"x',
    b'{"time":"\xd1\xcf","app":"a","instance":0,"stream":"stdout","message":"x"}',
    b'{"app":"' + b"\xff" * 10,
    b'{"app":"a","x":' + b"[" * 100_000,
]


@pytest.mark.parametrize("raw", CRAFTED, ids=lambda raw: repr(raw[:40]))
def test_a_crafted_line_has_a_text(raw: bytes) -> None:
    for form in (LineFormat(), LineFormat(("%F %T",))):
        assert form.parse(raw).text
        assert form.time(raw) is None


def test_a_catalog_that_is_nested_too_deeply_is_empty() -> None:
    assert Catalog.parse(b"[" * 100_000) == Catalog()
