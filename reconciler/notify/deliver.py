"""One try to send one message, in a process that may be killed at any time."""

from __future__ import annotations

from typing import Any

from reconciler.desired.files import read_regular
from reconciler.model.words.mask import MASK
from reconciler.notify.masking import masked
from reconciler.notify.outcome import Outcome, failed
from reconciler.notify.target import Target
from reconciler.system.files.trust import trusting

FILE_LIMIT = 1 << 16
"""Bytes of a file with an address."""


def deliver(target: Target, message: dict[str, Any]) -> Outcome:
    """Send it once. Never raises; no secret is in the outcome."""
    if target.command:
        from reconciler.notify import by_command  # noqa: PLC0415  each try loads what it needs

        return by_command.run(target, message)
    file = target.url_file or target.webhook_file
    address = target.url or target.webhook or ""
    if file is not None:
        try:
            address = first_line(read_regular(file, FILE_LIMIT, trusting()))
        except (OSError, UnicodeDecodeError) as error:
            why = (error.strerror if isinstance(error, OSError) else None) or "it is no text"
            return failed(f"{file} cannot be read: {why}")
        if not address:
            return failed(f"{file} is empty; write the address in its first line")
    if MASK in address:
        return failed("its address is unknown; fix the mistake in recon.yaml")
    try:
        return _send(target, address, message)
    except Exception as error:  # whatever a service's code raises
        return failed(masked(f"{type(error).__name__}: {error}", address))


def _send(target: Target, address: str, message: dict[str, Any]) -> Outcome:
    if target.url is not None or target.url_file is not None:
        from reconciler.notify import by_apprise  # noqa: PLC0415  the extra, 0.1 s

        return by_apprise.send(address, message)
    from reconciler.notify import by_webhook  # noqa: PLC0415

    return by_webhook.post(address, message, target.timeout)


def first_line(content: bytes) -> str:
    """The address in a file. UnicodeDecodeError."""
    lines = content.decode("utf-8-sig").splitlines()
    return lines[0].strip() if lines else ""
