"""Where a server of Nomad is, and how this user comes in: an address and Nomad's own variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

from reconciler.model.words.printable import plain

_USUAL = "http://127.0.0.1:4646"
_PORTS = {"http": 80, "https": 443}
_PORT = 4646
"""Of an address without a scheme."""
_TRUE = {"1", "t", "true"}


class InvalidAddress(ValueError):
    """An address that names no server: a sentence."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All that a client needs to know."""

    scheme: Literal["http", "https", "unix"]
    host: str = ""
    port: int = 0
    path: str = ""
    """What stands before ``/v1``; of ``unix`` the socket."""
    token: str = field(default="", repr=False)
    auth: str = field(default="", repr=False)
    """``user:password`` of a proxy before the server (NOMAD_HTTP_AUTH)."""
    namespace: str = ""
    region: str = ""
    ca_file: str = ""
    ca_folder: str = ""
    certificate: str = ""
    key: str = ""
    server_name: str = ""
    is_verified: bool = True

    def __str__(self) -> str:
        if self.scheme == "unix":
            return f"unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


def settings(address: str | None, environ: Mapping[str, str]) -> Settings:
    """Those for an address, or for that of NOMAD_ADDR. InvalidAddress."""
    text = address or environ.get("NOMAD_ADDR", "") or _USUAL
    scheme, host, port, path = _parts(text)
    return Settings(
        scheme,
        host,
        port,
        path,
        token=environ.get("NOMAD_TOKEN", ""),
        auth=environ.get("NOMAD_HTTP_AUTH", ""),
        namespace=environ.get("NOMAD_NAMESPACE", ""),
        region=environ.get("NOMAD_REGION", ""),
        ca_file=environ.get("NOMAD_CACERT", ""),
        ca_folder=environ.get("NOMAD_CAPATH", ""),
        certificate=environ.get("NOMAD_CLIENT_CERT", ""),
        key=environ.get("NOMAD_CLIENT_KEY", ""),
        server_name=environ.get("NOMAD_TLS_SERVER_NAME", ""),
        is_verified=environ.get("NOMAD_SKIP_VERIFY", "").lower() not in _TRUE,
    )


def _parts(text: str) -> tuple[Literal["http", "https", "unix"], str, int, str]:
    if text.startswith("/"):
        return "unix", "", 0, text
    has_scheme = "://" in text
    try:
        found = urlsplit(text if has_scheme else f"http://{text}")
        port = found.port
    except ValueError:
        raise _invalid(text) from None
    if found.scheme == "unix" and found.path:
        return "unix", "", 0, unquote(found.path)
    if found.username is not None or found.password is not None:
        message = "the address of Nomad holds a password; put user:password into NOMAD_HTTP_AUTH"
        raise InvalidAddress(message)
    is_known = found.scheme in ("http", "https") and found.hostname
    if not is_known or found.query or found.fragment or plain(text) != text or " " in text:
        raise _invalid(text)
    scheme: Literal["http", "https"] = "https" if found.scheme == "https" else "http"
    usual = _PORTS[scheme] if has_scheme else _PORT
    return scheme, found.hostname or "", usual if port is None else port, found.path.rstrip("/")


def _invalid(text: str) -> InvalidAddress:
    shown = plain(text)[:200]
    forms = "http://HOST:4646, https://HOST:4646, HOST or unix:///PATH"
    return InvalidAddress(f"'{shown}' is not a valid address of Nomad; write e.g. {forms}")
