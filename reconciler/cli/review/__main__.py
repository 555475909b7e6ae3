"""``python -I -m reconciler.cli.review``: plan the manifests against a base, and post the plan.

What the GitHub action and the GitLab job run. It reads what the pull request holds and runs nothing
of it (-I: also no module that lies in its folder). Exit code: 1 where a manifest is wrong or there
is no plan, 0 otherwise.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from reconciler.cli.boot.program import program
from reconciler.cli.framework.errors import CHANGES, ERROR, OK
from reconciler.cli.review import github, gitlab
from reconciler.cli.review.body import body, marker
from reconciler.cli.review.forge import Forge, ForgeError, keep

_RESULTS = {OK: "none", CHANGES: "changes", ERROR: "errors"}


def main(words: list[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Plan, post, report."""
    given = _arguments(words)
    try:
        line = marker(given.key or given.manifests)
    except ValueError as error:
        return _failed(str(error))
    done = _plan(given)
    for note in done.stderr.splitlines():  # never at the begin of a line: that may be a command
        print(f"recon: {note}", flush=True)
    if done.returncode not in _RESULTS or not done.stdout:
        return _failed("there is no plan; the lines above say why")
    text = body(given.key or given.manifests, done.stdout, _run(environ))
    _append(environ.get("GITHUB_STEP_SUMMARY"), done.stdout)
    _append(environ.get("GITHUB_OUTPUT"), f"result={_RESULTS[done.returncode]}\n")
    forge = _forge(environ)
    if forge is None:
        print("no comment: there is no token, or no pull request")
        if "GITHUB_STEP_SUMMARY" not in environ:
            print(done.stdout)
    else:
        try:
            what = keep(forge, line, text, is_news=done.returncode != OK)
            print(f"comment: {what}")
        except ForgeError as error:
            if not error.refused:
                return _failed(str(error))
            print(f"recon: {error}")
            print("recon: the token may not comment, as for a fork; the plan is in the summary")
    return ERROR if done.returncode == ERROR else OK


def _arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m reconciler.cli.review", description=__doc__)
    parser.add_argument("--base", required=True, help="revision of git that is compared with")
    parser.add_argument("--manifests", default="manifests")
    parser.add_argument("--profile", default="")
    parser.add_argument("--key", default="", help="of the comment, where a review has several")
    return parser.parse_args(words)


def _plan(given: argparse.Namespace) -> subprocess.CompletedProcess[str]:
    words = ["apply", "--dry-run", "--detailed-exitcode", "--output=markdown"]
    words += [f"--base={given.base}", f"--manifests={given.manifests}"]
    words += [f"--profile={given.profile}"] if given.profile else []
    return subprocess.run([*program(), *words], capture_output=True, text=True, check=False)


def _forge(environ: Mapping[str, str]) -> Forge | None:
    if not environ.get("RECON_REVIEW_TOKEN"):
        return None
    for forge, number in (
        (github.GitHub, github.number_of(environ)),
        (gitlab.GitLab, gitlab.number_of(environ)),
    ):
        if number is not None:
            return forge(environ, number)
    return None


def _run(environ: Mapping[str, str]) -> str:
    """The address of this job."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    if all(environ.get(name) for name in names):
        server, repository, run = (environ[name] for name in names)
        return f"{server}/{repository}/actions/runs/{run}"
    return environ.get("CI_JOB_URL", "")


def _append(path: str | None, text: str) -> None:
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)


def _failed(message: str) -> int:
    print(f"recon: {message}")
    return ERROR


if __name__ == "__main__":
    sys.exit(main())
