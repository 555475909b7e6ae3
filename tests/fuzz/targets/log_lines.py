"""Lines of logs in every format that an app may write, and catalogs of places."""

from __future__ import annotations

from reconciler.logs.format.line import LineFormat
from reconciler.logs.format.lines import render
from reconciler.model.host.logcatalog import Catalog
from reconciler.render.logs import entry

SEEDS = (
    b"2026-11-24T03:15:30.123Z hello",
    b'{"time":"2026-11-24T03:15:30.123Z","app":"a","instance":0,"stream":"stdout","message":"x"}',
    b'{"app":"a","instance":7,"stream":"stderr","base64":"/w=="}',
    b"24/Nov/2026:03:15:30 +0100 hello",
    b'{"level":30,"time":1732418130123,"msg":"started","pid":7}',
    b'{"formatVersion": 1, "places": ["/a"], "errors": [], "mixed": [], "timestamps": ["%F"]}',
    b'{"app":"a","instance":Infinity,"stream":"stdout","message":"x"}',
    b'{"app":"' + b"[" * 3000,
    b'{"app":"a","x":' + b"[" * 3000,
    b"[" * 3000,
    b'{"app":"a","instance":' + b"9" * 4301 + b',"stream":"stdout","message":"x',
    b'{"time":"\xd1\xcf","app":"a","instance":0,"stream":"stdout","message":"x"}',
    b"Nov  4 3:15:30 PM hello",
)
_FORMATS = (
    LineFormat(),
    LineFormat(("%d/%b/%Y:%H:%M:%S %z", "%b %e %I:%M:%S %p", "%s.%f")),
)


_HEAD = b'{"app":"a","instance":0,"stream":"stdout",'


def check(data: bytes) -> None:
    """Read each line, as `recon logs` does; and write it as recon does, and read that again."""
    lines = data.split(b"\n")
    for raw in lines:
        for form in _FORMATS:
            assert isinstance(form.parse(raw).text, bytes)
            form.time(raw)
        entry.parsed(raw.decode(errors="replace"))
    found = Catalog.parse(data)
    assert Catalog.parse(found.text()) == found
    written, rest = render(data, _HEAD, False, "json")
    again = [_FORMATS[0].parse(line) for line in written.split(b"\n")[:-1]]
    assert [one.text for one in again] == lines[: len(again)]
    assert all((one.instance, one.stream) == (0, "out") for one in again)
    assert rest.midline or rest.text == lines[-1]
