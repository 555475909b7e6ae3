"""Names and labels that Kubernetes takes.

A name of recon is a label of DNS (RFC 1123) of at most 63 characters, which is what most objects
need. The exceptions are here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from reconciler.convert.fields import Fate, Fields
from reconciler.convert.manifests.name import apart

MANAGED_BY = "app.kubernetes.io/managed-by"
NAME = "app.kubernetes.io/name"
_LONGEST = 63
_LONGEST_PREFIX = 253
_LONGEST_PORT = 15
_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
_SUBDOMAIN = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")


def selector(name: str) -> dict[str, str]:
    """The labels by which the Pods of an app are found. They can never change."""
    return {NAME: name, MANAGED_BY: "recon"}


def metadata(draft: Fields, name: str) -> dict[str, Any]:
    """``metadata`` of an object of this app."""
    labels, annotations = dict(selector(draft.name)), dict[str, str]()
    for key, value in (draft.peek("metadata", "labels") or {}).items():
        if not _is_key(key) or key in labels:
            continue
        (labels if _VALUE.fullmatch(value) else annotations)[key] = value
    found: dict[str, Any] = {"name": name, "labels": labels}
    return {**found, "annotations": annotations} if annotations else found


def labels(draft: Fields) -> None:
    """Take the labels, and report those that no object can have."""
    for key, value in (draft.take("metadata", "labels") or {}).items():
        if key in selector(draft.name):
            draft.note(Fate.LOST, "recon sets this label itself", "metadata", "labels", key)
        elif not _is_key(key):
            text = "is not a valid name of a label of Kubernetes"
            draft.note(Fate.LOST, text, "metadata", "labels", key)
        elif not _VALUE.fullmatch(value):
            text = "is an annotation: Kubernetes does not take this value for a label"
            draft.note(Fate.DIFFERS, text, "metadata", "labels", key)


def with_digest(name: str, data: Mapping[str, Any], most: int = _LONGEST) -> str:
    """``name`` with a digest of what the object is made of, so that another one is another
    object."""
    text = json.dumps([name, data], sort_keys=True)
    digest = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:8]
    return f"{name[: most - 9].rstrip('-')}-{digest}"


def service_name(name: str, taken: Collection[str]) -> str:
    """A Service's name is the name of a host, which must begin with a letter (RFC 1035)."""
    return name if name[0].isalpha() else apart(f"svc-{name}"[:_LONGEST].rstrip("-"), taken)


def port_name(name: str, taken: Collection[str]) -> str:
    """The name of a port: at most 15 characters, with a letter, and no ``--`` (RFC 6335)."""
    plain = re.sub("-+", "-", name)
    plain = plain if re.search("[a-z]", plain) else f"p-{plain}"
    found, number = plain[:_LONGEST_PORT].rstrip("-"), 1
    while found in taken:
        number += 1
        found = f"{plain[: _LONGEST_PORT - 3].rstrip('-')}-{number}"
    return found


def _is_key(key: str) -> bool:
    """``[PREFIX/]NAME``: the prefix a subdomain of DNS, the name as a label's value, not empty."""
    prefix, slash, name = key.rpartition("/")
    is_prefixed = len(prefix) <= _LONGEST_PREFIX and _SUBDOMAIN.fullmatch(prefix) is not None
    return bool(name) and _VALUE.fullmatch(name) is not None and (not slash or is_prefixed)
