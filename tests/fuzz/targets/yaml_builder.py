"""YAML: documents or one Fault with a place; what was read reads the same when it is written."""

from __future__ import annotations

import json

from reconciler.desired.text import yaml

SEEDS = (
    b"a: 1\nb: [x, {c: d}]\n---\ne: &f {g: 0x1F}\nh: *f\n",
    b'{"a": "\\ud83d\\ude00", "b": [1.5, null, true]}',
    b"a: |+\n  text\n\nb: >-\n  folded\n  text\nc: !!str 1\n? d\n: e\n",
    b"<<: {a: 1}\n'it''s': \"\\x41\\u00e9\"\n# comment\n",
)


def check(data: bytes) -> None:
    """Parse, write as JSON (which is YAML), and parse again."""
    try:
        documents = yaml.parse(yaml.decode(data))
    except yaml.Fault as fault:
        assert fault.line >= 0 and fault.column >= 0, fault
        assert str(fault).strip(), "a fault without a sentence"
        return
    for document in documents:
        text = json.dumps(document.data)
        again = yaml.parse(text)
        read = [one.data for one in again]
        assert json.dumps(read[0] if read else None) == text, (text, read)
        assert document.place(())[0] >= 1
