"""Actions of the API on a real controller: what they do, the edits they make, what they refuse."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.harness import Recon, manifest, replace
from e2e.programs import SLEEP
from reconciler.api.client import Client
from reconciler.api.errors import ApiError
from reconciler.state.paths import StatePaths
from tests.otheruser import as_user
from tests.waiting import until

WEB = """\
# the shop
apiVersion: recon/v1
kind: App
metadata: {name: web}
spec:
  command: [sleep, "100000"]   # without end
  instances: 2   # two for now
  env: {LEVEL: info, DB_PASSWORD: correct-horse-7}   # or debug
"""
JOB = json.dumps(
    {
        "apiVersion": "recon/v1",
        "kind": "Job",
        "metadata": {"name": "once"},
        "spec": {"command": ["true"], "suspend": True},
    }
)
ALL = ("restart", "suspend", "resume", "scale", "undo", "pause", "unpause", "run-job")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount, or be another user")


def client_of(recon: Recon) -> Client:
    return Client(StatePaths(recon.state.resolve()).socket)


def audit(recon: Recon) -> list[dict[str, Any]]:
    return [*client_of(recon).events(limit=1000, audit="1")]


@pytest.fixture
def shop(recon: Recon) -> Recon:
    """A controller that runs `web` and knows the Job `once`."""
    recon.write("web.yaml", WEB)
    recon.write("once.yaml", JOB)
    recon.run()
    recon.healthy("web", ready=2)
    return recon


def refusal(client: Client, action: str, app: str | None = None, **parameters: Any) -> ApiError:
    with pytest.raises(ApiError) as error:
        client.act(action, app, **parameters)
    return error.value


def test_scale_edits_one_value_and_the_next_reader_sees_it(shop: Recon) -> None:
    file = shop.manifests / "web.yaml"
    client = client_of(shop)
    planned = client.act("scale", "web", dry_run=True, instances=3)
    assert file.read_text() == WEB and planned["done"] is False
    done = client.act("scale", "web", instances=3)
    assert file.read_text() == WEB.replace("instances: 2 ", "instances: 3 ")
    assert shop.of("web")["desired"] == 3, "the answer comes after the file was read again"
    assert planned["edits"] == done["edits"] and done["done"] is True
    (edit,) = done["edits"]
    assert (edit["file"], edit["line"]) == (str(file), 7)
    assert edit["diff"].splitlines()[2:] == [
        "@@ -6,3 +6,3 @@",
        '   command: [sleep, "100000"]   # without end',
        "-  instances: 2   # two for now",
        "+  instances: 3   # two for now",
        "   env: {LEVEL: info, DB_PASSWORD: ***}   # or debug",
    ]
    again = client.act("scale", "web", instances=3)
    assert (again["done"], again["edits"]) == (False, []) and "already" in again["message"]
    assert client.act("scale", "web", instances="max-1")["done"] is True
    assert "instances: max-1 " in file.read_text()


def test_suspend_resume_and_undo_are_recorded_with_their_user(shop: Recon) -> None:
    file = shop.manifests / "web.yaml"
    client = client_of(shop)
    client.act("suspend", "web")
    assert shop.of("web")["desired"] == 0
    client.act("resume", "web")
    text = file.read_text()
    replace(file, text.replace("info", "debug"))
    shop.wait("web", revision=2)
    changed = file.read_text()
    assert client.act("undo", "web", dry_run=True)["edits"] and file.read_text() == changed
    undone = client.act("undo", "web", revision=1)
    assert undone["message"] == "app/web rolled back to revision 1"
    assert file.read_text() == text
    edits = [one for one in audit(shop) if one["reason"] == "ManifestChanged"]
    verbs = [(one["by"]["verb"], one["by"]["uid"]) for one in edits]
    uid = os.geteuid()
    assert verbs == [("suspend", uid), ("resume", uid), ("edit", None), ("rollout undo", uid)]
    assert all(one["by"]["user"] for one in edits if one["by"]["verb"] != "edit")


def test_the_command_line_leaves_its_edits_to_the_controller(shop: Recon) -> None:
    text = shop.cli("scale", "web=3")
    assert "+  instances: 3   # two for now" in text and "the controller applies it" in text
    shop.healthy("web", ready=3)
    text = shop.cli("suspend", "web", "once")
    assert "+  suspend: true" in text and "once: suspend is true already" in text
    text = shop.cli("events", "--audit", "-o", "json", code=None)
    verbs = [json.loads(line)["by"]["verb"] for line in text.splitlines() if line.startswith("{")]
    assert verbs == ["scale", "suspend"]
    before = (shop.manifests / "web.yaml").read_text()
    assert "no app named wbe; did you mean web?" in shop.cli("resume", "web", "wbe", code=1)
    assert (shop.manifests / "web.yaml").read_text() == before, "all or none"


def test_pauses_restarts_and_runs(shop: Recon) -> None:
    client = client_of(shop)
    pids = shop.pids("web")
    assert client.act("restart", "web", dry_run=True)["done"] is False
    assert shop.pids("web") == pids
    assert client.act("restart", "web")["message"] == "web: restarting"
    until(lambda: not set(pids.values()) & set(shop.pids("web").values()), what="both are new")
    assert client.act("pause", "web", dry_run=True)["done"] is False
    assert client.act("pause", "web")["message"] == "app/web paused"
    assert "already paused" in str(refusal(client, "pause", "web"))
    assert "resume web` first" in str(refusal(client, "restart", "web"))
    assert client.act("unpause", "web")["message"] == "app/web resumed"
    assert "not paused" in str(refusal(client, "unpause", "web"))
    assert "is suspended" in str(refusal(client, "run-job", "once"))
    client.act("resume", "once")
    first = client.act("run-job", "once", dry_run=True)
    assert "run" not in first
    number = client.act("run-job", "once")["run"]
    assert number in [run["number"] for run in client.runs("once")]


def test_removals_are_confirmed_after_they_were_shown(recon: Recon) -> None:
    recon.app("web", SLEEP)
    recon.run()
    recon.healthy("web")
    client = client_of(recon)
    assert client.act("confirm-prune")["done"] is False
    (recon.manifests / "web.yaml").unlink()
    until(lambda: "--confirm-prune" in recon.of("web")["message"], what="held back")
    planned = client.act("confirm-prune", dry_run=True)
    assert planned["message"] == "the removal of web would be confirmed" and recon.of("web")
    assert client.act("confirm-prune")["done"] is True
    until(lambda: not recon.of("web"), what="web is gone")
    assert "no rise waits" in client.act("confirm-load")["message"]


@pytest.mark.parametrize("action", ALL)
def test_an_unknown_app_is_a_404(shop: Recon, action: str) -> None:
    parameters = {"instances": 1} if action == "scale" else {}
    error = refusal(client_of(shop), action, "wbe", **parameters)
    assert error.status == 404 and "did you mean web?" in str(error)


def test_a_job_is_no_app_and_an_app_no_job(shop: Recon) -> None:
    client = client_of(shop)
    for action, parameters in (("restart", {}), ("scale", {"instances": 2})):
        error = refusal(client, action, "once", **parameters)
        assert error.status == 409 and "is a Job" in str(error)
    error = refusal(client, "run-job", "web")
    assert error.status == 409 and "is an App" in str(error)


def test_a_manifest_in_error_is_not_edited(shop: Recon) -> None:
    file = shop.write("web.yaml", WEB + "  nonsense: 1\n")
    until(lambda: shop.status()["errors"], what="the mistake is seen")
    client = client_of(shop)
    for action, parameters in (("scale", {"instances": 9}), ("suspend", {}), ("undo", {})):
        for dry_run in (True, False):
            error = refusal(client, action, "web", dry_run=dry_run, **parameters)
            assert error.status == 409 and "nonsense" in str(error), str(error)
    assert file.read_text() == WEB + "  nonsense: 1\n"
    file = shop.write("new.yaml", manifest("new", SLEEP, nonsense=1))
    until(lambda: len(shop.status()["errors"]) == 2, what="the second mistake is seen")
    error = refusal(client, "suspend", "new")
    assert error.status == 409 and "nonsense" in str(error)


@needs_root
def test_a_disk_that_is_full_or_read_only_leaves_the_file_as_it_was(recon: Recon) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", recon.manifests], check=True)
    try:
        file = recon.write("web.yaml", WEB)
        recon.run()
        recon.healthy("web", ready=2)
        client = client_of(recon)
        subprocess.run(["mount", "-o", "remount,ro", recon.manifests], check=True)
        error = refusal(client, "scale", "web", instances=4)
        assert error.status == 507 and "Read-only file system; nothing was written" in str(error)
        # It may be shown nevertheless: that needs no room.
        assert client.act("scale", "web", dry_run=True, instances=4)["edits"]
        subprocess.run(["mount", "-o", "remount,rw", recon.manifests], check=True)
        _fill(recon.manifests / "filler")
        error = refusal(client, "scale", "web", instances=4)
        assert error.status == 507 and "No space left" in str(error)
        assert file.read_text() == WEB
        assert sorted(os.listdir(recon.manifests)) == ["filler", "web.yaml"]
        text = recon.cli("scale", "web=4", code=1)
        assert "No space left" in text and "nothing was written" in text
    finally:
        recon.close()
        subprocess.run(["umount", "-l", recon.manifests], check=True)


def _fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 1024)
        except OSError:
            pass


@pytest.fixture
def shared(recon: Recon) -> Iterator[Path]:
    """A controller whose API is for group 12345, too; the socket of its members."""
    recon.app("web", SLEEP)
    recon.options = ["--api-group", "12345"]
    recon.run()
    recon.healthy("web")
    shared = StatePaths(recon.state.resolve()).shared_socket
    assert shared is not None
    yield shared


@needs_root
def test_members_of_the_group_may_look_and_not_act(recon: Recon, shared: Path) -> None:
    def attempts() -> str:
        client = Client(shared)
        found = [str(len(client.status()["apps"]))]
        for action in ALL:
            for dry_run in (True, False):
                try:
                    client.act(action, "web", dry_run=dry_run)
                except ApiError as error:
                    found.append(str(error.status))
        return " ".join(found)

    before = (recon.manifests / "web.yaml").read_text()
    assert as_user(attempts, 54321, groups=[12345]) == " ".join(["1", *["403"] * 2 * len(ALL)])
    assert (recon.manifests / "web.yaml").read_text() == before


def test_edits_of_one_file_at_the_same_time_lose_nothing(recon: Recon) -> None:
    names = [f"app-{number}" for number in range(8)]
    documents = [json.loads(manifest(name, SLEEP, suspend=True)) for name in names]
    recon.write("all.yaml", "---\n".join(json.dumps(one) + "\n" for one in documents))
    recon.run()
    programs = [
        subprocess.Popen([recon.program, "scale", f"{name}=3"], env=recon.environment)
        for name in names
    ]
    assert [program.wait(120) for program in programs] == [0] * len(names)
    assert (recon.manifests / "all.yaml").read_text().count('"instances": 3') == len(names)


def test_the_plan_is_that_of_a_dry_run_with_the_places_of_its_fields(shop: Recon) -> None:
    client = client_of(shop)
    assert client.plan() == {**shop.json("apply", "--dry-run"), "errors": []}
    client.act("pause", "web")
    shop.write("web.yaml", WEB.replace("info", "debug"))
    until(lambda: shop.of("web")["sync"] == "OutOfSync", what="the edit is seen")
    plan = client.plan(["web"])
    (change,) = plan["changes"]
    (field,) = change["fields"]
    assert (field["path"], field["line"]) == ("env.LEVEL", 8)
    assert field["file"] == str(shop.manifests / "web.yaml")
    assert plan == shop.json("apply", "--dry-run") | {"changes": [change]}
    assert client.plan(["none"])["changes"] == []
