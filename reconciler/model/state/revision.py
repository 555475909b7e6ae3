"""A revision of an app's template, and the hash by which a process is compared with it.

A hash reads ``<public>.<secret>``. The public part covers, under a version tag, the canonical
form of the template's fields that the user set: a release of recon with new fields changes no
hash and so restarts nothing (golden hashes are tested; the lesson is Kubernetes #53644). The
secret part is keyed with a random key kept in the state directory, because a bare hash of a
secret can be guessed; it names its key, so that a lost key is told from a changed secret.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from reconciler.model.spec.base import Manifest
from reconciler.model.spec.job import JobSpec
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.words.fields import Effect, effects
from reconciler.model.words.nothing import NOTHING, nothing

_VERSION = "recon/v1"
NO_SECRETS = "-"
UNKNOWN_SECRETS = "?"

M = TypeVar("M", bound=Manifest)
Template = Mapping[str, Any]
_TEMPLATE_FIELDS = {
    "kind",
    *(name for name, effect in effects(AppSpec).items() if effect is Effect.REPLACES),
}


@dataclass(frozen=True, slots=True)
class Revision:
    """One template that an app has had, and the spec it was last applied with."""

    number: int
    hash: str
    spec: Mapping[str, Any]
    """The merged spec less secrets: JSON data that ``AppSpec`` or ``JobSpec`` validates."""
    marks: Mapping[str, str] = field(default_factory=nothing)
    """Keyed marks of the secrets' values (``marks_of``): tells which changed, not what it is."""
    created_at: float = 0.0
    """Wall time, seconds since the epoch."""
    good: bool = False
    """It has been fully rolled out and available once."""
    failed: str | None = None
    """Why it was given up, a sentence; None while it was not."""


def spec_of(revision: Revision) -> AppSpec | JobSpec:
    """The spec a revision was last applied with, as far as this release knows its fields."""
    if is_job(revision.spec):
        return _as_far_as_valid(JobSpec, revision.spec, {"command": ("unknown",)})
    return _as_far_as_valid(AppSpec, revision.spec, {"command": ("unknown",)})


def document_of(spec: ProgramSpec) -> dict[str, Any]:
    """All that the user set, as a revision remembers it. ``kind`` is there for a Job only."""
    written = spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {**written, "kind": "Job"} if isinstance(spec, JobSpec) else written


def is_job(spec: Mapping[str, Any]) -> bool:
    """Whether a spec that is remembered is a Job's."""
    return spec.get("kind") == "Job"


def _as_far_as_valid(model: type[M], spec: Mapping[str, Any], needed: Mapping[str, Any]) -> M:
    """What another release wrote may hold values, or fields, that this one does not know."""
    names = {field.alias or name for name, field in model.model_fields.items()}
    data = {name: value for name, value in spec.items() if name in names}
    try:
        return model.model_validate(data)
    except ValidationError as error:
        wrong = {part["loc"][0] for part in error.errors() if part["loc"]}
    rest = {name: value for name, value in data.items() if name not in wrong}
    try:
        return model.model_validate({**needed, **rest})
    except ValidationError:  # fields that are wrong beside each other
        return model.model_validate(needed)


def template_of(spec: ProgramSpec) -> Template:
    """The public template: the fields the user set whose change replaces processes.

    Secrets appear as the reference that the manifest holds, never as a value. ``cwd`` is always
    there, since where a program runs is part of what it is.
    """
    written = document_of(spec)
    # An empty value says no more than silence does: `env: {}` is not a change that could be shown.
    template = {name: written[name] for name in written if name in _TEMPLATE_FIELDS}
    template = {name: value for name, value in template.items() if value not in (None, {}, [])}
    template.setdefault("cwd", spec.cwd)
    return template


def marks_of(
    secrets: Mapping[str, str | bytes] | None, key: bytes | None
) -> Mapping[str, str] | None:
    """``<key name>-<mac>`` of each secret by variable name; None where it cannot be told.

    ``secrets`` None means that they cannot be read from here, ``key`` None that the key cannot.
    """
    if not secrets:
        return None if secrets is None else NOTHING
    if key is None:
        return None
    key_name = hashlib.sha256(b"recon key name" + key).hexdigest()[:4]

    def mark(name: str, value: str | bytes) -> str:
        mac = hmac.new(key, _bytes(f"{name}=") + _bytes(value), "sha256").hexdigest()
        return f"{key_name}-{mac[:12]}"

    return {name: mark(name, value) for name, value in secrets.items()}


def _bytes(value: str | bytes) -> bytes:
    """Text of the environment may be no UTF-8: Python holds such bytes as surrogates."""
    return value if isinstance(value, bytes) else value.encode(errors="surrogateescape")


def hash_of(template: Template, marks: Mapping[str, str] | None) -> str:
    """The hash of a template whose secrets have these marks."""
    return f"{_digest(template)}.{_secret_part(marks)}"


def same_revision(left: str, right: str) -> bool:
    """Whether two hashes may stand for the same template (unknown or lost secrets: they may)."""
    if left == right:
        return True
    left_public, _, left_secret = left.partition(".")
    right_public, _, right_secret = right.partition(".")
    if left_public != right_public:
        return False
    if left_secret == right_secret or UNKNOWN_SECRETS in (left_secret, right_secret):
        return True
    if NO_SECRETS in (left_secret, right_secret):
        return False
    return left_secret.partition("-")[0] != right_secret.partition("-")[0]


def _secret_part(marks: Mapping[str, str] | None) -> str:
    if marks is None:
        return UNKNOWN_SECRETS
    if not marks:
        return NO_SECRETS
    key_name = next(iter(marks.values())).partition("-")[0]
    return f"{key_name}-{_digest(marks)}"


def _digest(data: Mapping[str, Any]) -> str:
    canonical = json.dumps([_VERSION, dict(data)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]
