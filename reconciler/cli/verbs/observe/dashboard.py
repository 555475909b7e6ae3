"""`recon dashboard`: the page in a browser."""

from __future__ import annotations

import getpass
import os
import pwd
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from reconciler.cli.boot.program import program
from reconciler.cli.framework.declaration import Option
from reconciler.cli.framework.errors import OK, CliError, usage
from reconciler.cli.framework.listening import address_of, is_loopback, listen_on, place_of
from reconciler.cli.framework.options import Manifests, StateDir, where

if TYPE_CHECKING:
    from reconciler.ui.dashboard.security.password import Password

_USUAL = ("127.0.0.1", 7333)
_OPEN = "Open this link, once, within an hour (another one: `recon dashboard` again):"
_PUBLIC = (
    "recon: {place} can be reached from other hosts, without encryption: put a proxy with TLS"
    " before it (docs/dashboard.md)"
)


def dashboard(
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    listen: Annotated[
        str | None,
        Option("--listen", metavar="HOST:PORT", help="Instead of 127.0.0.1:7333; port 0: any."),
    ] = None,
    password_file: Annotated[
        str | None,
        Option("--password-file", metavar="FILE", help="Ask for this password."),
    ] = None,
    write_password: Annotated[
        str | None,
        Option("--write-password", metavar="FILE", help="Write such a file, and exit."),
    ] = None,
    public_url: Annotated[
        str | None,
        Option("--public-url", metavar="URL", help="Address of a proxy before the page."),
    ] = None,
    for_user: Annotated[
        list[str] | None,
        Option("--for-user", metavar="USER", help="May open the page, too; repeatable."),
    ] = None,
) -> int:
    """Serve a page that shows all apps, live.

    It listens on this host only, and prints a link that opens it once. Where the page runs
    already, that is a new link to it. Elsewhere than on loopback it needs --password-file. From
    another host: ssh -L 7333:127.0.0.1:7333 HOST. The page may do what the user may do who runs it.
    """
    if write_password is not None:
        return _write(Path(write_password))
    place = where(manifests, state_dir)
    password = _password(password_file)
    bell = place.paths.root / "dashboard.sock"
    if listen is None and password is None:
        from reconciler.ui.dashboard.server.doorbell import ring  # noqa: PLC0415  only here

        if link := ring(bell):
            _print("The page runs already.", link)
            return OK
    listener = _listener(listen, password is not None)
    from reconciler.ui.dashboard.server.serve import Settings, run  # noqa: PLC0415  heavy

    settings = Settings(
        (place.paths.socket, lambda: place.paths.shared_socket),
        password,
        _url(public_url),
        tuple(map(_uid, for_user or ())),
        bell if place.paths.root.is_dir() and os.access(place.paths.root, os.W_OK) else None,
        [
            *program(),
            "doctor",
            "-o",
            "json",
            "-m",
            str(place.manifests),
            "--state-dir",
            str(place.paths.root),
        ],
    )
    title = f"recon's page is at {place_of(listener)} (Ctrl-C ends it)."
    run(listener, settings, lambda link: _print(title, link, has_password=password is not None))
    return OK


def _print(title: str, link: str, *, has_password: bool = False) -> None:
    print(title)
    if "RECON_ID" in os.environ and not has_password:  # as an App: its log is read by others, too
        print("`recon dashboard` prints a link that opens it.", flush=True)
        return
    if not has_password:
        print(_OPEN)
    print(f"\n  {link}\n", flush=True)
    if "SSH_CONNECTION" in os.environ and not has_password:
        port = urlsplit(link).port
        print(
            f"This is an ssh session: on your own host, run\n"
            f"  ssh -L {port}:127.0.0.1:{port} {socket.gethostname()}",
            flush=True,
        )


def _listener(given: str | None, has_password: bool) -> socket.socket:
    """One socket. Without --listen any free port is as good as the usual one."""
    if given is not None:
        found = listen_on(*address_of(given))
    else:
        try:
            found = listen_on(*_USUAL)
        except CliError:
            found = listen_on(_USUAL[0], 0)
    public = [place_of(one) for one in found if not is_loopback(one)]
    if public and not has_password:
        for one in found:
            one.close()
        raise usage(
            f"--listen {given} can be reached from other hosts, so the page needs --password-file;"
            " write one with `recon dashboard --write-password FILE`"
        )
    if public:
        print(_PUBLIC.format(place=public[0]), file=sys.stderr, flush=True)
    for one in found[1:]:  # of `localhost` the first address is enough
        one.close()
    return found[0]


def _password(file: str | None) -> Password | None:
    if file is None:
        return None
    from reconciler.ui.dashboard.security.password import (  # noqa: PLC0415  only with a password
        PasswordError,
        read_password,
    )

    try:
        return read_password(Path(file))
    except PasswordError as error:
        raise CliError(f"--password-file: {error}") from None


def _write(file: Path) -> int:
    from reconciler.ui.dashboard.security.password import (  # noqa: PLC0415  only here
        PasswordError,
        write_password,
    )

    if sys.stdin.isatty():
        text = getpass.getpass("Password of the page: ")
        if getpass.getpass("The same again: ") != text:
            raise CliError("these are two different passwords; nothing was written")
    else:
        text = sys.stdin.readline().rstrip("\n")
    try:
        write_password(file, text)
    except PasswordError as error:
        raise CliError(str(error)) from None
    print(f"wrote {file}; use it with --password-file {file}")
    return OK


def _url(text: str | None) -> str:
    if text is None:
        return ""
    try:
        parts = urlsplit(text)
        is_valid = parts.scheme in ("http", "https") and parts.hostname and parts.path in ("", "/")
    except ValueError:
        is_valid = False
    if not is_valid:
        raise usage(f"--public-url {text!r} is not valid; write e.g. https://recon.example.com")
    return text


def _uid(name: str) -> int:
    if name.isascii() and name.isdecimal():
        return int(name)
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise usage(f"--for-user {name}: there is no such user on this host") from None
