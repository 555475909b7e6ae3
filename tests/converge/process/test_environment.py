"""The environment comes from the manifest and a documented list, from nowhere else."""

from __future__ import annotations

import dataclasses
import os
import pwd

import pytest

from reconciler.converge.isolation.user_account import AccountError, account_of
from reconciler.converge.process.environment import DEFAULT_PATH, environment_of, inherited
from tests.converge.conftest import MakeApp, new_tag


def test_the_list_is_the_whole_of_it(make_app: MakeApp) -> None:
    tag = new_tag()
    found = environment_of(make_app(["true"]), tag)
    assert set(found) - {"TZ"} == {"PATH", "LANG", "HOME", "USER", "LOGNAME", "RECON_ID"}
    assert found["RECON_ID"] == str(tag)
    me = pwd.getpwuid(os.geteuid())
    assert (found["HOME"], found["USER"], found["LOGNAME"]) == (me.pw_dir, me.pw_name, me.pw_name)


def test_the_manifest_wins_over_the_list(make_app: MakeApp) -> None:
    app = make_app(["true"], env={"PATH": "/opt/bin", "HOME": "/srv"})
    found = environment_of(app, new_tag())
    assert (found["PATH"], found["HOME"]) == ("/opt/bin", "/srv")


def test_secrets_and_instance_numbers_are_in_it(make_app: MakeApp) -> None:
    app = make_app(["true"], env={"PORT": {"perInstance": 3000}})
    app = dataclasses.replace(app, secrets={"TOKEN": "s"})
    found = environment_of(app, new_tag(instance=2))
    assert (found["PORT"], found["TOKEN"]) == ("3002", "s")


def test_only_path_lang_and_tz_come_from_the_controller() -> None:
    assert inherited({"PATH": "/x", "LANG": "de_DE", "TZ": "UTC", "EDITOR": "vi"}) == {
        "PATH": "/x",
        "LANG": "de_DE",
        "TZ": "UTC",
    }
    assert inherited({}) == {"PATH": DEFAULT_PATH, "LANG": "C.UTF-8"}


@pytest.mark.parametrize("user", [None, str(os.geteuid())])
def test_passwd_is_read_once_for_a_thousand_instances(
    monkeypatch: pytest.MonkeyPatch, user: str | None
) -> None:
    account_of(user, None)
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: pytest.fail("looked up again"))
    for _ in range(1000):
        account_of(user, None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_a_number_without_a_passwd_entry_needs_a_group() -> None:
    with pytest.raises(AccountError, match="set `group` too"):
        account_of("4242424", None)
    account = account_of("4242424", "1")
    assert (account.uid, account.gid, account.groups) == (4242424, 1, (1,))


def test_who_is_not_root_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: pwd.getpwnam("nobody").pw_uid)
    with pytest.raises(AccountError, match="start recon as root"):
        account_of("daemon", None)


def test_a_group_that_does_not_exist_is_named() -> None:
    with pytest.raises(AccountError, match="no group 'nosuchgroup'"):
        account_of(None, "nosuchgroup")
