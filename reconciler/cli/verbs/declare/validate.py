"""`recon validate`: manifests looked at."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

from reconciler.cli.framework.declaration import Argument, Option
from reconciler.cli.framework.errors import ERROR, OK, CliError, usage
from reconciler.cli.framework.options import (
    Manifests,
    Profile,
    StateDir,
    TextOrJson,
    Where,
    one_of,
    where,
)
from reconciler.cli.framework.output import print_json
from reconciler.render.formats import count
from reconciler.render.terminal import colours, folded, paint

FORMAT_VERSION = 1


def validate(
    paths: Annotated[
        list[str] | None,
        Argument(metavar="FILE|DIR", help="Instead of --manifests.", show_default=False),
    ] = None,
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    profile: Profile = None,
    output: TextOrJson = "text",
    no_host: Annotated[
        bool, Option("--no-host", help="Skip checks of this host, e.g. in CI.")
    ] = False,
    fix: Annotated[
        bool, Option("--fix", help="Move values that look like keys into files.")
    ] = False,
    watch: Annotated[bool, Option("--watch", "-w", help="Look again at each save.")] = False,
) -> int:
    """Look for mistakes in manifests.

    Each mistake is shown with its file, line and column; then the exit code is 1. Advice is on
    valid manifests that may not work as meant; it leaves the exit code at 0. A field that this
    host cannot provide is a mistake, too. --no-host checks no programs, directories, users and
    limits of this machine. JSON with --watch is a document a line.
    """
    one_of("--output", output, ("text", "json"))
    if fix and watch:
        raise usage("--fix writes the files that --watch waits for; use one of them")
    place = where(manifests, state_dir, profile)
    if not watch:
        return _validate(place, paths, output, host=not no_host, fix=fix)
    from reconciler.cli.framework.offline import store_of  # noqa: PLC0415  heavy
    from reconciler.cli.framework.on_save import again_on_save  # noqa: PLC0415  only for --watch

    roots = {root for root, _ in _scopes(place, paths)}
    again_on_save(
        lambda: _validate(place, paths, output, host=not no_host, a_line=True),
        [store_of(Where(root, place.paths, profile), host=not no_host) for root in roots],
        headed=output == "text",
    )
    return OK


def _validate(
    place: Where,
    paths: list[str] | None,
    output: str,
    *,
    host: bool,
    fix: bool = False,
    a_line: bool = False,
) -> int:
    """Look once and print what was found; the exit code. ``a_line``: JSON on a line of its own."""
    moved = _fix(place, paths, host=host, quiet=output == "json") if fix else []
    apps, problems, advice = 0, [], []
    for root, only in _scopes(place, paths):
        found = _scan(Where(root, place.paths, place.profile), host=host)
        chosen = [app for app in found.apps.values() if _within(app.source.file, only)]
        apps += len(chosen)
        in_force = place.profile or found.settings.profile
        advice += [one for app in chosen for one in _advice_on(app, in_force)]
        if host and root == place.manifests:
            advice += _advice_on_load(place, found, chosen, in_force)
        problems += [problem for problem in found.problems if _within(problem.file, only)]
        settings_file = str(root / "recon.yaml")
        if found.settings.notify and _within(settings_file, only):
            from reconciler.cli.verbs.declare import notices  # noqa: PLC0415  only where declared

            of_file = (root, settings_file, found.settings.notify)
            problems += notices.faults(*of_file, host=host)
            advice += notices.advice(*of_file) if host else ()
    if output == "json":
        document = {**_document(apps, problems), "advice": advice}
        document |= {"fixed": moved} if fix else {}
        print_json(document, a_line=a_line)
        return ERROR if problems else OK
    from reconciler.render.status import problem  # noqa: PLC0415  only for text

    for one in _document(apps, problems)["errors"]:
        print(folded(problem(one).strip()))
    for one in sorted(advice, key=lambda one: (one["file"], one["line"], one["column"])):
        print(folded(problem({**one, "message": f"{one['message']} (advice)"}).strip()))
    files = len({one.file for one in problems})
    if problems:
        sys.stdout.flush()
        total = f"{count(len(problems), 'problem')} in {count(files, 'file')}"
        print(paint(total, "red", on=colours(sys.stderr)), file=sys.stderr)
        return ERROR
    print(paint(f"{count(apps, 'app')}, no problems", "green", on=colours()))
    return OK


def _scopes(place: Where, paths: list[str] | None) -> Iterator[tuple[Path, Path | None]]:
    """(directory to scan, the file in it that is meant: None for all)."""
    if not paths:
        yield place.manifests, None
    for text in paths or ():
        path = Path(text).absolute()
        if path.is_dir():
            yield path, None
        elif not path.exists():
            raise CliError(f"{text}: there is no such file or directory")
        elif path.is_relative_to(place.manifests):
            yield place.manifests, path  # its names have to be unique over the whole directory
        else:
            yield path.parent, path


def _fix(place: Where, paths: list[str] | None, *, host: bool, quiet: bool) -> list[dict[str, Any]]:
    """Move the literals that look like keys; what was moved, as JSON."""
    from reconciler.cli.verbs.declare.secrets import fix, report  # noqa: PLC0415  heavy

    moved = []
    for root, only in _scopes(place, paths):
        found = _scan(Where(root, place.paths, place.profile), host=host)
        done = fix((a for a in found.apps.values() if _within(a.source.file, only)), quiet=quiet)
        for line in () if quiet else report(done):
            print(line)
        for one in done:
            moved += [
                {"file": one.file, "path": ".".join(map(str, literal.path)), "to": str(home.file)}
                for literal, home in one.moves
            ]
    return moved


def _scan(place: Where, *, host: bool) -> Any:
    from reconciler.cli.framework.offline import scan  # noqa: PLC0415  heavy

    return scan(place, host=host)


def _advice_on(app: Any, profile: str | None) -> Iterator[dict[str, Any]]:
    """Advice in the form of a problem: with its place."""
    from reconciler.cli.verbs.declare.secrets import advice_on_secrets  # noqa: PLC0415
    from reconciler.desired.environment.dialects import advice_on_env_files  # noqa: PLC0415
    from reconciler.diff.lint.advice import advice_on  # noqa: PLC0415  heavy

    given = [(tuple(one.path.split(".")), one.message) for one in advice_on(app.spec, app.line)]
    for path, message in (*given, *advice_on_secrets(app), *advice_on_env_files(app.spec)):
        yield _advice(app, profile, path, message)


def _advice_on_load(
    place: Where, found: Any, chosen: Iterable[Any], profile: str | None
) -> Iterator[dict[str, Any]]:
    """What this host has no room for, as `recon apply` will say it."""
    from reconciler.cli.framework.offline import rises_that_wait  # noqa: PLC0415  heavy

    waits = rises_that_wait(place, found)
    for app in chosen:
        if app.name in waits:
            yield _advice(app, profile, ("instances",), waits[app.name])


def _advice(
    app: Any, profile: str | None, path: tuple[str | int, ...], message: str
) -> dict[str, Any]:
    from reconciler.desired.text.locate import place_of  # noqa: PLC0415  heavy

    line, column = place_of(app.source.file, app.name, path, profile)
    place = {"file": app.source.file, "line": line, "column": column}
    steps = path if path[0] == "metadata" else ("spec", *path)
    return {**place, "path": ".".join(map(str, steps)), "message": message}


def _within(file: str, only: Path | None) -> bool:
    return only is None or file == str(only)


def _document(apps: int, problems: Iterable[Any]) -> dict[str, Any]:
    keys = ("file", "line", "column", "path", "remedy")
    errors = [
        {**{key: getattr(problem, key) for key in keys}, "message": problem.text}
        for problem in problems
    ]
    return {"formatVersion": FORMAT_VERSION, "apps": apps, "errors": errors}
