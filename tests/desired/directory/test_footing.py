"""A mistake in what all manifests are read with keeps all as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.desired.directory.footing import Footing, InForce, Judge
from reconciler.desired.directory.last_read import ManifestFile
from reconciler.desired.directory.store import ManifestStore
from reconciler.model.spec.manifest import SettingsSpec
from reconciler.model.state.desired import Problem
from tests.desired.conftest import Folder, manifest

SETTINGS = "apiVersion: recon/v1\nkind: Settings\nspec:\n  profile: {}\n"
PROFILES = "  profiles: {prod: {instances: 3}, dev: {instances: 2}}\n"
Accept = Callable[[ManifestStore, Path], frozenset[str]]


@pytest.fixture
def store(folder: Folder) -> ManifestStore:
    """Two apps, one of which has profiles; `prod` is in force."""
    folder.write("recon.yaml", SETTINGS.format("prod"))
    folder.app("web", PROFILES)
    folder.app("plain")
    return folder.scanned()


def settled(store: ManifestStore, *paths: Path) -> None:
    """As the controller looks: at what changed, twice, then at all."""
    store.refresh(paths)
    store.refresh(store.unstable)
    for _ in range(3):
        store.scan(believe=False)


def state(store: ManifestStore) -> tuple[int, str]:
    app = store.apps["web"]
    return app.spec.wanted, str(app.problem or "")


def test_a_profile_that_nobody_has_leaves_the_last_good_one_in_force(
    folder: Folder, store: ManifestStore
) -> None:
    before = dict(store.apps)
    path = folder.write("recon.yaml", SETTINGS.format("prdo"))
    settled(store, path)
    instances, problem = state(store)
    assert instances == 3 and store.apps["web"].hash == before["web"].hash
    assert f"{path}:4:12: spec.profile: no manifest has a profile named prdo, did you" in problem
    assert (
        "did you mean prod; the manifests have dev, prod; the last good profile (prod)" in problem
    )
    assert store.apps["plain"] == before["plain"]  # no profile concerns it
    # An edit meanwhile is followed, with the last good profile.
    settled(store, folder.app("web", PROFILES.replace("3", "4")))
    assert state(store)[0] == 4
    settled(store, folder.write("recon.yaml", SETTINGS.format("dev")))
    assert state(store) == (2, "") and not store.problems


def test_the_next_controller_stays_with_the_last_good_profile(
    folder: Folder, store: ManifestStore
) -> None:
    assert store.footing is not None
    footing = Footing.from_text(store.footing.to_text())
    folder.write("recon.yaml", SETTINGS.format("prdo"))
    for options in ({}, {"profile": "prodd"}):
        after = folder.store(**options)
        after.footing = footing
        after.scan()
        assert state(after)[0] == 3 and "no manifest has a profile" in state(after)[1]
        assert after.footing == footing


def test_settings_that_are_corrected_in_the_middle_of_a_look_leave_no_doubt_behind(
    folder: Folder, store: ManifestStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look reads all files once more with the last good profile: the second time it is right."""
    after = folder.store()
    after.footing = store.footing
    folder.write("recon.yaml", SETTINGS.format("prdo"))
    reconsider = after._reconsider

    def corrected(*arguments: Any) -> bool:
        folder.write("recon.yaml", SETTINGS.format("prod"))
        return reconsider(*arguments)

    monkeypatch.setattr(after, "_reconsider", corrected)
    after.scan()
    monkeypatch.setattr(after, "_reconsider", reconsider)
    assert after.needs_scan
    after.scan(believe=False)
    assert state(after) == (3, "") and not after.problems


@pytest.mark.parametrize("gone", ["profile", "file"])
def test_the_last_manifest_with_the_profile_is_gone_and_nothing_is_replaced(
    folder: Folder, store: ManifestStore, gone: str
) -> None:
    before = dict(store.apps)
    if gone == "profile":
        settled(store, folder.app("web", PROFILES.replace("prod", "test")))
        assert store.apps["web"].hash == before["web"].hash and state(store)[0] == 3
    else:
        (folder.root / "web.yaml").unlink()
        settled(store, folder.root / "web.yaml")
        assert "web" not in store.apps
    assert store.apps["plain"].hash == before["plain"].hash
    assert "all apps stay as they were" in str(store.problems)
    assert store.snapshot().held is not None
    settled(store, folder.write("recon.yaml", SETTINGS.format("~")))
    assert not store.problems and store.snapshot().held is None


@pytest.mark.parametrize("option", ["prod", None])
def test_a_first_start_with_an_unknown_profile_starts_nothing(
    folder: Folder, option: str | None
) -> None:
    folder.app("web")
    if option is None:
        folder.write("recon.yaml", SETTINGS.format("prod"))
    store = folder.scanned(profile=option)
    assert not store.apps and "nothing new is started" in str(store.problems)
    settled(store, folder.app("api", "  profiles: {prod: {instances: 2}}\n"))
    assert sorted(store.apps) == ["api", "web"] and not store.problems


@pytest.mark.parametrize(
    "wrong", ["spec: {profil: dev}", "spec: [", "nonsense", "spec: {maxPrune: many}", "spec: {"]
)
def test_settings_that_are_wrong_leave_all_as_it_was(
    folder: Folder, store: ManifestStore, wrong: str
) -> None:
    footing, before = store.footing, dict(store.apps)
    path = folder.write("recon.yaml", f"apiVersion: recon/v1\nkind: Settings\n{wrong}\n")
    settled(store, path)
    assert state(store)[0] == 3 and store.problems
    after = folder.store()
    after.footing = footing
    after.scan()
    assert state(after)[0] == 3 and after.apps["web"].hash == before["web"].hash
    first = folder.scanned()
    assert not first.apps and first.problems
    settled(first, folder.write("recon.yaml", SETTINGS.format("dev")))
    assert state(first) == (2, "")


def test_a_file_in_error_may_have_the_profile(folder: Folder, store: ManifestStore) -> None:
    path = folder.write("web.yaml", manifest("web", "  nonsense: 1\n"))
    settled(store, path)
    assert state(store)[0] == 3 and "nonsense" in state(store)[1]
    assert "no manifest has" not in str(store.problems)
    after = folder.store()
    after.footing = store.footing
    after.scan()
    assert "no manifest has" not in str(after.problems) and "plain" in after.apps


def test_what_is_remembered_is_read_back_or_forgotten() -> None:
    assert Footing.from_text(None) is None
    for text in ("", "{}", "[]", '{"profile": 1}', '{"profile": null, "settings": {"a": 1}}'):
        assert Footing.from_text(text) is None


def test_what_another_profile_was_good_for_holds_at_the_first_look_only() -> None:
    """The Settings are wrong: the last good ones count for a controller that has just begun, and
    what is in force for one that runs."""
    good = Footing(SettingsSpec.model_validate({"maxPrune": 3}), "prod")
    wrong = Problem("recon.yaml", 1, 1, "", "wrong")
    files = {"recon.yaml": ManifestFile(None, b"", problems=(wrong,))}
    judge, now = Judge("/m", "recon.yaml"), InForce(profile="dev")
    assert judge(now, good, files, is_first=True) == (InForce(good.settings, "prod"), good)
    assert judge(now, good, files, is_first=False) == (now, good)
    assert judge(now, None, files, is_first=True) == (InForce(profile="dev", held=wrong), None)


def test_a_profile_that_nobody_has_harms_nothing_where_nothing_runs() -> None:
    judge = Judge("/m", "/m/recon.yaml", requested="prod", is_host=False)
    found, good = judge(InForce(), None, {}, is_first=True)
    assert found.profile == "prod" and found.held is None and good is not None
    assert found.unknown_profile is not None and found.unknown_profile.path == "--profile"
