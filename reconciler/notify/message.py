"""A message as the notifier gets it, and webhooks and commands after it."""

from __future__ import annotations

import secrets
import time
from typing import Any

from reconciler.model.state.notice import Kind, Notice

FORMAT_VERSION = 1


def message_document(notice: Notice, host: str) -> dict[str, Any]:
    """A contract (docs/notifications.md)."""
    return {
        "formatVersion": FORMAT_VERSION,
        "id": notice.id,
        "target": notice.target,
        "createdAt": notice.created_at,
        "host": host,
        "kind": notice.kind.value,
        "subject": notice.subject,
        "text": notice.text,
        "items": [dict(item) for item in notice.items],
    }


def for_test(target: str, host: str) -> Notice:
    """A message that says that it is a test."""
    id = f"test-{secrets.token_hex(8)}"
    subject = f"[recon] test message from {host}"
    text = f"This is a test of recon's notifications to {target}. Nothing has happened."
    foot = f"\n\nrecon on {host}, message {id}"
    return Notice(id, target, time.time(), Kind.TEST, subject, text + foot)
