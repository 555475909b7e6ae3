"""Sizes, durations and shares as people write them in manifests."""

from __future__ import annotations

import re

from reconciler.model.words.sentence import InvalidValue

# `300M` means what PM2 means by it (MiB); `300Mi` what Kubernetes does. Both are binary.
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
# Digits are counted, so that no number of them can overflow what is computed with it.
_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?)\s*(?:([KMGT])i?)?B?", re.IGNORECASE)
_PERCENT = re.compile(r"([0-9]{1,9})%")
_DURATION = re.compile(
    r"(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9}(?:\.[0-9]{1,9})?)s?)?"
)


def parse_size(text: str | int) -> int:
    """Bytes in ``"10Mi"``, ``"300M"``, ``"1.5Gi"`` or ``4096``. ValueError says what is allowed."""
    match = _SIZE.fullmatch(str(text).strip())
    if match is None:
        raise InvalidValue(f"{text!r} is not a size", "write e.g. 1048576, 10Mi or 1.5Gi")
    return int(float(match[1]) * _UNITS[(match[2] or "").upper()])


def format_size(count: int) -> str:
    """``10485760`` as ``10Mi``: the largest unit that keeps at most one decimal."""
    for unit, size in (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if count >= size:
            return f"{count / size:.1f}".removesuffix(".0") + unit
    return str(count)


def parse_duration(text: str) -> float:
    """Seconds in ``90``, ``30s``, ``10m``, ``1h30m`` or ``2d``; ValueError says what is allowed."""
    match = _DURATION.fullmatch(text.strip())
    if not match or not any(match.groups()):
        raise InvalidValue(f"{text!r} is not a duration", "write e.g. 30s, 10m, 1h30m or 2d")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + seconds


def parse_share(text: str | int) -> str | int:
    """An absolute number (0 or more) or a percentage ``"25%"`` (Kubernetes' IntOrString)."""
    if isinstance(text, int) and not isinstance(text, bool) and text >= 0:
        return text
    if isinstance(text, str) and _PERCENT.fullmatch(text):
        return text
    raise ValueError(
        f"{text!r} is not a valid number of instances or percentage; write e.g. 2 or 25%"
    )


def resolve_share(share: str | int, total: int, *, round_up: bool) -> int:
    """Instances in ``share`` of ``total``. Surge rounds up, unavailable rounds down.

    Source of the rule: Kubernetes, ``intstr.GetScaledValueFromIntOrPercent``.
    """
    if isinstance(share, int):
        return share
    scaled = int(share.removesuffix("%")) * total
    return -(-scaled // 100) if round_up else scaled // 100
