"""The review kit on a scratch repository: the action's steps, GitLab's job, pre-commit."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.forges import OTHER, OWN, TOKEN, Forge, forge
from e2e.harness import manifest

ROOT = Path(__file__).parents[1]
ACTION = ROOT / ".github/actions/review/action.yml"
SNIPPET = ROOT / "docs/examples/gitlab-review.yml"
WRONG = """\
apiVersion: recon/v1
kind: App
metadata: {name: web}
spec: {command: [x], instnces: 2}
"""
MARKER = "<!-- recon-review: manifests -->"


pytestmark = pytest.mark.xdist_group("review")
"""In one process: the action installs recon once for all of them."""


class Scratch:
    """A repository with manifests, on a branch that left main."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "crm"
        (self.folder / "manifests").mkdir(parents=True)
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("RECON_", "GIT_"))},
            "HOME": str(home),
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        self.git("init", "-q", "-b", "main")
        self.app(LEVEL="info")
        self.git("update-ref", "refs/remotes/origin/main", "main")
        self.git("switch", "-q", "-c", "feature")

    def git(self, *words: str) -> None:
        name = ["-c", "user.name=t", "-c", "user.email=t@example.test"]
        subprocess.run(["git", *name, *words], cwd=self.folder, env=self.environment, check=True)

    def app(self, **env: str) -> None:
        file = self.folder / "manifests/web.yaml"
        file.write_text(manifest("web", ["no-such-program"], env=env))
        self.git("add", "-A")
        self.git("commit", "-qm", "edit")


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    return Scratch(tmp_path)


@pytest.fixture
def hub() -> Iterator[Forge]:
    with forge() as made:
        yield made


def steps() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(ACTION.read_text())["runs"]["steps"]
    return found


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RUNNER_TEMP after the action's first step. Skips where no package index answers."""
    home = tmp_path_factory.mktemp("runner")
    tree, temporary = home / "action", home / "temp"
    temporary.mkdir()
    left_out = shutil.ignore_patterns(".venv", ".git", "*.egg-info", "build", "tests", "e2e")
    shutil.copytree(ROOT, tree, ignore=left_out)
    environment = {
        **{k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "GITHUB_ACTION_PATH": str(tree / ".github/actions/review"),
        "RUNNER_TEMP": str(temporary),
    }
    words = ["bash", "-c", steps()[0]["run"]]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    if "No matching distribution" in done.stderr or "Connection" in done.stderr:
        pytest.skip("SKIPPED: no package index answers, so the action installs nothing")
    assert done.returncode == 0, done.stdout + done.stderr
    return temporary


def act(
    scratch: Scratch, hub: Forge, installed: Path, inputs: dict[str, str] | None = None
) -> tuple[int, str, dict[str, str]]:
    """Run the action's second step as a runner does; exit code, log, what it wrote to files."""
    defaults = yaml.safe_load(ACTION.read_text())["inputs"]
    given = {name: one["default"] for name, one in defaults.items()} | (inputs or {})
    given["token"] = (inputs or {}).get("token", TOKEN)
    step = steps()[1]
    env = {
        name: given[text.removeprefix("${{ inputs.").removesuffix(" }}")]
        for name, text in step["env"].items()
    }
    home = scratch.folder.parent
    (home / "event.json").write_text(json.dumps({"pull_request": {"number": 7}}))
    files = {"GITHUB_STEP_SUMMARY": "summary", "GITHUB_OUTPUT": "output"}
    for name in files.values():
        (home / name).write_text("")
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
        cwd=scratch.folder,
        env={
            **scratch.environment,
            **env,
            **{name: str(home / file) for name, file in files.items()},
            "RUNNER_TEMP": str(installed),
            "GITHUB_ACTIONS": "true",
            "GITHUB_BASE_REF": "main",
            "GITHUB_REPOSITORY": "acme/crm",
            "GITHUB_API_URL": hub.url,
            "GITHUB_GRAPHQL_URL": f"{hub.url}/graphql",
            "GITHUB_EVENT_PATH": str(home / "event.json"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    text = done.stdout + done.stderr
    assert TOKEN not in text and "Traceback" not in text, text
    return done.returncode, text, {name: (home / name).read_text() for name in files.values()}


def test_the_action_keeps_one_comment_up_to_date(
    scratch: Scratch, hub: Forge, installed: Path
) -> None:
    for number in range(120):  # more than a page, and one of them with the marker
        hub.add(OTHER, MARKER if number == 3 else f"remark {number}")
    code, log, files = act(scratch, hub, installed)
    assert code == 0 and hub.of(OWN) == [] and files["output"] == "result=none\n", log

    scratch.app(LEVEL="debug")
    code, log, files = act(scratch, hub, installed)
    assert code == 0, log
    (comment,) = hub.of(OWN)
    assert comment.startswith(MARKER) and "`env.LEVEL`: `info` → `debug`" in comment
    assert files["output"] == "result=changes\n" and "1 to replace" in files["summary"]

    scratch.app(LEVEL="trace")
    act(scratch, hub, installed)
    (comment,) = hub.of(OWN)
    assert "`trace`" in comment and "debug" not in comment
    act(scratch, hub, installed)
    assert sum(call.startswith("PATCH") for call in hub.calls) == 1, "nothing changed"

    scratch.app(LEVEL="info")
    act(scratch, hub, installed)
    (comment,) = hub.of(OWN)
    assert "0 to replace" in comment
    assert len(hub.of(OTHER)) == 120 and hub.of(OTHER)[3] == MARKER


def test_a_mistake_is_shown_and_fails_the_job(
    scratch: Scratch, hub: Forge, installed: Path
) -> None:
    (scratch.folder / "manifests/web.yaml").write_text(WRONG)
    code, _, files = act(scratch, hub, installed)
    assert code == 1 and files["output"] == "result=errors\n"
    (comment,) = hub.of(OWN)
    assert "did you mean instances?" in comment


def test_a_fork_gets_the_summary_and_no_failure(
    scratch: Scratch, hub: Forge, installed: Path
) -> None:
    scratch.app(LEVEL="debug")
    hub.refuses = True
    code, log, files = act(scratch, hub, installed)
    assert code == 0 and "may not comment" in log and "1 to replace" in files["summary"]


def test_without_a_common_history_nothing_is_posted(
    scratch: Scratch, hub: Forge, installed: Path
) -> None:
    code, log, _ = act(scratch, hub, installed, {"base": "origin/gone"})
    assert code == 1 and "origin/gone" in log and hub.calls == []


def test_nothing_of_a_pull_request_is_run_or_leaves_its_cell(
    scratch: Scratch, hub: Forge, installed: Path
) -> None:
    planted = scratch.folder.parent / "planted"
    code = f"open({str(planted)!r}, 'w')\n"
    for name in ("json.py", "reconciler/__init__.py", "sitecustomize.py", "yaml/__init__.py"):
        (scratch.folder / name).parent.mkdir(exist_ok=True)
        (scratch.folder / name).write_text(code)
    words = f"$(touch {planted}) `touch {planted}` '\"; touch {planted} #"
    hostile = "--> @mallory <img src=x> ``` | [x](http://x) \n::warning::x"
    scratch.app(LEVEL=hostile, OTHER=words)
    branch = f"--output=x;touch${{IFS}}{planted}"
    for inputs in ({}, {"base": branch}, {"manifests": words}, {"profile": words}, {"key": words}):
        _, log, _ = act(scratch, hub, installed, inputs)
        assert not planted.exists()
        assert not any(line.startswith("::") for line in log.splitlines())
    (comment,) = hub.of(OWN)
    rows = [line for line in comment.splitlines() if "env." in line]
    assert len(rows) == 2 and comment.count(MARKER) == 1
    assert "`` --> @mallory" in comment or "```` --> @mallory" in comment


def test_no_word_of_others_is_put_into_a_script() -> None:
    for step in steps():
        assert "${{" not in step["run"] and step["shell"] == "bash"
    assert "uses:" not in ACTION.read_text()


def test_the_job_for_gitlab_keeps_one_note(scratch: Scratch, hub: Forge, tmp_path: Path) -> None:
    (job,) = yaml.safe_load(SNIPPET.read_text()).values()
    program = f"{sys.executable} -I -m reconciler.cli.review"
    script = "\n".join(job["script"]).replace(
        "/tmp/recon-review/bin/python -I -m reconciler.cli.review", program
    )
    assert program in script
    origin = tmp_path / "origin"
    scratch.git("clone", "-q", "--bare", ".", str(origin))
    scratch.git("remote", "add", "origin", str(origin))
    environment = {
        **scratch.environment,
        "RECON_REVIEW_MANIFESTS": job["variables"]["RECON_REVIEW_MANIFESTS"],
        "RECON_REVIEW_TOKEN": TOKEN,
        "CI_API_V4_URL": f"{hub.url}/api/v4",
        "CI_PROJECT_ID": "42",
        "CI_MERGE_REQUEST_IID": "7",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
    }
    hub.add(OTHER, MARKER)
    for level in ("debug", "trace"):
        scratch.app(LEVEL=level)
        done = subprocess.run(
            ["sh", "-ec", script],
            cwd=scratch.folder,
            env=environment,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        (note,) = hub.of(OWN)
        assert note.startswith(MARKER) and f"`{level}`" in note


def test_precommit_looks_for_mistakes(scratch: Scratch, tmp_path: Path) -> None:
    if "RECON_RELEASE_CHECK" not in os.environ:
        pytest.skip("SKIPPED: RECON_RELEASE_CHECK=1 has pre-commit install recon (a minute)")
    if importlib.util.find_spec("pre_commit") is None:
        pytest.skip("SKIPPED: pre-commit is not installed")
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    tree = tmp_path / "recon"
    left_out = shutil.ignore_patterns(".venv", ".git", "*.egg-info", "build", "tests", "e2e")
    shutil.copytree(ROOT, tree, ignore=left_out)
    home = Scratch.__new__(Scratch)
    home.folder, home.environment = tree, scratch.environment
    home.git("init", "-q")
    home.git("add", "-A")
    home.git("commit", "-qm", "release")
    home.git("tag", "v1")
    config = {"repos": [{"repo": str(tree), "rev": "v1", "hooks": [{"id": hook["id"]}]}]}
    (scratch.folder / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    scratch.app(LEVEL="info", MORE="x")

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pre_commit", "run", "--all-files"],
            cwd=scratch.folder,
            env={**scratch.environment, "PRE_COMMIT_HOME": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=False,
        )

    done = run()
    if "No matching distribution" in done.stdout:
        pytest.skip("SKIPPED: no package index answers, so pre-commit installs nothing")
    assert done.returncode == 0 and "Passed" in done.stdout, done.stdout + done.stderr
    (scratch.folder / "manifests/web.yaml").write_text(WRONG)
    scratch.git("add", "-A")
    done = run()
    assert done.returncode == 1 and "did you mean instances?" in done.stdout
