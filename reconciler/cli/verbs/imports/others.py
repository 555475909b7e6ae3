"""`recon import procfile` and `recon import supervisor`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

from reconciler.cli.framework.declaration import Argument, Option
from reconciler.cli.framework.errors import usage
from reconciler.cli.framework.options import whole_number
from reconciler.cli.verbs.imports.import_ import (
    Directory,
    DryRun,
    Only,
    Prefix,
    Report,
    chosen,
    deliver,
    directory_of,
)

if TYPE_CHECKING:
    from reconciler.convert.manifests.finalise import Bundle


def procfile(
    file: Annotated[str, Argument(metavar="FILE")] = "Procfile",
    *,
    directory: Directory = "manifests",
    only: Only = None,
    prefix: Prefix = "",
    concurrency: Annotated[
        str, Option("--concurrency", "-c", metavar="LIST", help="Instances: web=2,worker=3.")
    ] = "",
    port: Annotated[
        str | None, Option("--port", "-p", metavar="N", help="The first PORT [5000].")
    ] = None,
    env: Annotated[
        str | None, Option("--env", "-e", metavar="FILE", help="Instead of .env.")
    ] = None,
    dry_run: DryRun = False,
    report: Report = "text",
) -> int:
    """Write manifests from a Procfile, as foreman and Heroku run it."""
    counts = _counts(concurrency)
    first = None if port is None else whole_number("--port", port, least=1)

    def make() -> Bundle:
        from reconciler.convert.manifests.finalise import bundle  # noqa: PLC0415
        from reconciler.convert.procfile import GENERAL, drafts_of  # noqa: PLC0415

        chosen_env = env and os.path.abspath(env)
        drafts, notes = drafts_of(os.path.abspath(file), counts, first, chosen_env)
        root = directory_of(directory)
        return bundle(chosen(drafts, only), root, prefix=prefix, general=GENERAL, notes=notes)

    return deliver(make, report, dry_run)


def supervisor(
    files: Annotated[list[str], Argument(metavar="FILE", show_default=False)],
    *,
    directory: Directory = "manifests",
    only: Only = None,
    prefix: Prefix = "",
    cwd: Annotated[
        str | None, Option("--cwd", metavar="DIR", help="Where supervisord is started from.")
    ] = None,
    dry_run: DryRun = False,
    report: Report = "text",
) -> int:
    """Write manifests from supervisord's configuration files, and what they include."""

    def make() -> Bundle:
        from reconciler.convert.host import this_host  # noqa: PLC0415
        from reconciler.convert.manifests.finalise import bundle  # noqa: PLC0415
        from reconciler.convert.supervisor.files import GENERAL, drafts_of_files  # noqa: PLC0415

        root = directory_of(directory)
        drafts, notes = drafts_of_files(files, this_host(root), cwd=cwd)
        return bundle(chosen(drafts, only), root, prefix=prefix, general=GENERAL, notes=notes)

    return deliver(make, report, dry_run)


def _counts(text: str) -> dict[str, int]:
    found = {}
    for entry in filter(None, text.replace(" ", "").split(",")):
        name, equals, number = entry.partition("=")
        if not name or not equals:
            raise usage(f"--concurrency {entry!r}: write NAME=N, e.g. web=2")
        found[name] = whole_number(f"--concurrency {name}=", number)
    return found
