"""A message as JSON by POST: to http and https only, and to no other place than is declared."""

from __future__ import annotations

import base64
import email.utils
import json
import ssl
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from reconciler import __version__
from reconciler.notify.masking import masked
from reconciler.notify.outcome import Outcome, failed

_LONGEST_WAIT = 3600.0


def post(address: str, message: dict[str, Any], timeout: float) -> Outcome:
    """Send it. Nothing is read of the answer but its first line and its headers."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return failed("its address must begin with https:// or http://")
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": f"recon/{__version__}",
        "Idempotency-Key": str(message["id"]),
    }
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"
        parts = parts._replace(netloc=parts.netloc.rpartition("@")[2])
    request = urllib.request.Request(
        urlunsplit(parts), json.dumps(message).encode(), headers, method="POST"
    )
    try:
        with _opener().open(request, timeout=timeout):
            return Outcome()
    except urllib.error.HTTPError as error:
        with error:
            return _refused(error, address)
    except urllib.error.URLError as error:
        return failed(masked(f"no connection: {_words(error.reason)}", address))
    except (OSError, HTTPException, ValueError) as error:
        return failed(masked(f"no answer: {_words(error)}", address))


def _opener() -> urllib.request.OpenerDirector:
    """Without the handlers of file:, ftp: and data:, and of redirects: an answer that names another
    place is an error, since that place was not declared."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _words(error: object) -> str:
    """The reason without Python's words around it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not valid: {error.verify_message}"
    text = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return text or type(error).__name__


def _refused(error: urllib.error.HTTPError, address: str) -> Outcome:
    answer = f"the server answered {error.code} {error.reason}"
    if 300 <= error.code < 400:
        answer += ", a redirect, which recon does not follow; write the address that it leads to"
    return failed(masked(answer, address), _retry_after(error.headers.get("Retry-After")))


def _retry_after(value: str | None) -> float:
    """Seconds, of a number or a date; no more than an hour."""
    if not value:
        return 0.0
    if value.strip().isdecimal():
        return min(_LONGEST_WAIT, float(value[:9]))
    try:
        until = email.utils.parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(_LONGEST_WAIT, max(0.0, until - time.time()))
