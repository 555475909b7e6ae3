"""A message by Apprise, which knows chat services, e-mail and many more: the extra ``notify``."""

from __future__ import annotations

import logging
from types import ModuleType
from typing import Any

from reconciler.notify.masking import masked
from reconciler.notify.outcome import Outcome, failed

INSTALL = "pip install 'recon-reconciler[notify]'"
_TYPES = {"problem": "failure", "recovery": "success"}


def send(url: str, message: dict[str, Any]) -> Outcome:
    """Send it to the one receiver that ``url`` names."""
    try:
        import apprise  # noqa: PLC0415  an extra
    except ImportError:
        return failed(f"Apprise is not installed; {INSTALL}")
    _refuse_redirects()
    with _Complaints() as complaints:
        asset = _asset(apprise)
        receiver = apprise.Apprise.instantiate(url, asset=asset)
        if receiver is None:
            return failed(masked(f"Apprise cannot read its URL: {complaints.last}", url))
        _add_id(receiver, str(message["id"]))
        every = apprise.Apprise(asset=asset)
        every.add(receiver)
        sent = every.notify(
            body=message["text"],
            title=message["subject"],
            notify_type=_TYPES.get(message["kind"], "info"),
            body_format="text",
        )
    if sent:
        return Outcome()
    why = complaints.last or "the service did not take it"
    return failed(masked(why, url))


def problem_of(url: str) -> str:
    """Why Apprise cannot use a URL, a sentence without secrets; empty where it can.

    ImportError where Apprise is not installed.
    """
    import apprise  # noqa: PLC0415  an extra

    with _Complaints() as complaints:
        if apprise.Apprise.instantiate(url, asset=_asset(apprise)) is not None:
            return ""
    scheme = url.partition("://")[0].lower()
    if not any(scheme in (one.get("protocols") or ()) for one in _services(apprise)):
        return f"Apprise knows no service {scheme}://"
    why = f": {complaints.last}" if complaints.last else ""
    return masked(f"Apprise cannot read this URL of {scheme}://{why}", url)


def _services(apprise: ModuleType) -> list[dict[str, Any]]:
    """Each service with the schemes of its URLs."""
    found = []
    for one in apprise.Apprise().details()["schemas"]:
        schemes = {*(one.get("protocols") or ()), *(one.get("secure_protocols") or ())}
        found.append({"protocols": schemes})
    return found


def _asset(apprise: ModuleType) -> Any:
    """Apprise's settings: in this process only, without code of others."""
    asset = apprise.AppriseAsset(
        app_id="recon",
        app_desc="recon",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        async_mode=False,
        plugin_paths=[],
    )
    asset.html_notify_map = {}
    return asset


def _add_id(receiver: Any, id: str) -> None:
    """The message's id as a header, where the service takes headers (json://, mailto://, …)."""
    headers = getattr(receiver, "headers", None)
    if isinstance(headers, dict):
        headers["Idempotency-Key"] = id


def _refuse_redirects() -> None:
    """A service's answer must not lead to another place: not in any release of Apprise."""
    import requests  # noqa: PLC0415  Apprise brings it

    def nowhere(self: Any, response: Any) -> None:
        return None

    setattr(requests.Session, "get_redirect_target", nowhere)  # noqa: B010  its type is another


class _Complaints(logging.Handler):
    """The last warning of Apprise, which returns only that it failed."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""
        self._logger = logging.getLogger("apprise")

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage()[:1000]

    def __enter__(self) -> _Complaints:
        self._logger.addHandler(self)
        self._propagates, self._logger.propagate = self._logger.propagate, False
        return self

    def __exit__(self, *of: object) -> None:
        self._logger.removeHandler(self)
        self._logger.propagate = self._propagates
