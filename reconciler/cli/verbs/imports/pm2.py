"""`recon import pm2`: ecosystem files, or what PM2 itself remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from reconciler.cli.framework.declaration import Argument, Option
from reconciler.cli.framework.errors import usage
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


def pm2(
    files: Annotated[list[str] | None, Argument(metavar="FILE", show_default=False)] = None,
    *,
    directory: Directory = "manifests",
    only: Only = None,
    prefix: Prefix = "",
    from_running: Annotated[
        bool,
        Option(
            "--from-running",
            help="Read what PM2 runs now, or what it saved; FILE: `pm2 jlist`'s output, a dump.",
        ),
    ] = False,
    cwd: Annotated[
        str | None,
        Option("--cwd", metavar="DIR", help="Where `pm2 start` is typed [FILE's folder]."),
    ] = None,
    allow_read: Annotated[
        list[str] | None,
        Option("--allow-read", metavar="DIR", help="The config may also read here; repeatable."),
    ] = None,
    dry_run: DryRun = False,
    report: Report = "text",
) -> int:
    """Write manifests from PM2's ecosystem files: JavaScript, JSON or YAML.

    A JavaScript file is evaluated without network, children or files outside of its folder, for
    ten seconds at most.
    """
    if not files and not from_running:
        raise usage(
            "no file is given; write `recon import pm2 ecosystem.config.js`, or --from-running"
        )

    def make() -> Bundle:
        from reconciler.convert.host import this_host  # noqa: PLC0415
        from reconciler.convert.manifests.finalise import bundle  # noqa: PLC0415
        from reconciler.convert.pm2.app import GENERAL  # noqa: PLC0415
        from reconciler.convert.pm2.files import drafts_of  # noqa: PLC0415
        from reconciler.convert.pm2.running import running  # noqa: PLC0415

        root = directory_of(directory)
        host = this_host(root)
        if from_running:
            drafts, notes = running(files or [], host)
        else:
            drafts, notes = drafts_of(files or [], host, cwd=cwd, also=allow_read or [])
        return bundle(chosen(drafts, only), root, prefix=prefix, general=GENERAL, notes=notes)

    return deliver(make, report, dry_run)
