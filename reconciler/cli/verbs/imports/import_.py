"""`recon import pm2|procfile|supervisor`: what the three have in common.

An import writes new manifests and reports what changes in meaning. It
starts nothing: `recon apply --dry-run` comes next.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

from reconciler.cli.framework.declaration import Option
from reconciler.cli.framework.errors import ERROR, OK, CliError
from reconciler.cli.framework.options import one_of, where
from reconciler.cli.framework.output import print_json
from reconciler.render.formats import count, place
from reconciler.render.terminal import width

if TYPE_CHECKING:
    from reconciler.convert.manifests.draft import Draft
    from reconciler.convert.manifests.finalise import Bundle

Directory = Annotated[
    str,
    Option("--output", "-o", metavar="DIR", envvar="RECON_MANIFESTS", help="Write manifests here."),
]
Only = Annotated[
    list[str] | None, Option("--only", metavar="NAME", help="Only this app; repeatable.")
]
Prefix = Annotated[str, Option("--prefix", metavar="TEXT", help="Prefix of each name.")]
DryRun = Annotated[
    bool, Option("--dry-run", help="Show the manifests and the report, write nothing.")
]
Report = Annotated[str, Option("--report", metavar="text|json", help="Format of the report.")]


def import_() -> None:
    """Write manifests from the files of PM2, foreman or supervisord.

    Nothing is overwritten, nothing is started. A report says per app what means something else
    with recon, and what could not be carried over.
    """


def chosen(drafts: Sequence[Draft], only: Sequence[str] | None) -> list[Draft]:
    """Those named by --only, which takes several names in one, as PM2's does; all without."""
    known = {draft.name for draft in drafts}
    names = [
        name
        for text in only or ()
        for name in ([text] if text in known else text.replace(",", " ").split())
    ]
    for name in names:
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise CliError(f"--only {name}: there is no app with this name; there are {listed}")
    return [draft for draft in drafts if not names or draft.name in names]


def deliver(make: Callable[[], Bundle], report: str, dry_run: bool) -> int:
    """Write what ``make`` makes, or show it, and report. Exit code 1 where nothing could be."""
    from reconciler.convert.errors import ImportFault  # noqa: PLC0415
    from reconciler.convert.manifests.writing import check, write  # noqa: PLC0415

    one_of("--report", report, ("text", "json"))
    try:
        bundle = make()
        if dry_run:
            check(bundle)
        written = [] if dry_run else write(bundle)
    except ImportFault as fault:
        raise CliError(str(fault)) from None
    _print(bundle, written, report)
    return OK if bundle.drafts else ERROR


def _print(bundle: Bundle, written: Sequence[str], report: str) -> None:
    from reconciler.convert.manifests import report as reports  # noqa: PLC0415

    problems = _problems(bundle) if written else []
    if report == "json":
        document = reports.document(bundle, written, problems)
        document["manifests"] = dict(bundle.manifests) if not written else {}
        print_json(document)
        return
    if not bundle.drafts:
        for line in reports.text(bundle, place, width()):
            print(line)
        print("no apps found; nothing was written")
        return
    if not written:
        for path, text in bundle.manifests.items():
            print(f"--- {place(path)}\n{text}")
    for line in reports.text(bundle, place, width()):
        print(line)
    print()
    for problem in problems:
        print(problem)
    if not written:
        print(f"{count(len(bundle.manifests), 'manifest')}; nothing was written (--dry-run)")
        return
    directory = bundle.vault.directory
    secrets = len(bundle.vault.files)
    more = f", {count(secrets, 'secret')} (0600)" if secrets else ""
    print(f"wrote {count(len(bundle.manifests), 'manifest')}{more} to {place(directory)}")
    option = "" if place(directory) == "manifests" else f" -m {place(directory)}"
    what = "Fix the problems above, then" if problems else "Check them, then"
    print(f"{what} `recon apply --dry-run{option}`.")


def _problems(bundle: Bundle) -> list[str]:
    """What `recon validate` would say of the manifests just written, here on this host."""
    from reconciler.cli.framework.offline import scan  # noqa: PLC0415

    problems = scan(where(bundle.vault.directory, None, new=True)).problems
    return [
        f"{place(problem.file)}{str(problem).removeprefix(problem.file)}"
        for problem in problems
        if problem.file in bundle.manifests
    ]


def directory_of(text: str) -> str:
    return os.path.abspath(text)
