"""An earlier template goes back into the file: exactly it, by the smallest edit, or not at all."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.desired.manifest.manifest import Context, read
from reconciler.desired.manifest.surroundings import Surroundings
from reconciler.desired.text.edit import EditError
from reconciler.desired.text.undo import UndoError, differs, undone
from reconciler.model.spec.manifest import SettingsSpec
from reconciler.model.state.desired import Workload
from reconciler.model.state.revision import Revision

TOP = "# the shop\napiVersion: recon/v1\nkind: App\nmetadata: {name: web}\nspec:\n"
BODY = """\
  command: [sleep, 1000]   # without end
  # how loud
  env:
    LOG_LEVEL: info   # or debug
    PORT: {perInstance: 3000}
  instances: 2   # two for now
"""


class Shop:
    """One manifest, and what a recon reads in it."""

    def __init__(self, root: Path, settings: SettingsSpec | None = None, profile: str = "") -> None:
        self.file = str(root / "manifests" / "web.yaml")
        os.makedirs(root / "manifests" / "sub", exist_ok=True)
        os.makedirs(root / "backend", exist_ok=True)
        around = Surroundings({"PATH": os.environ["PATH"]}, b"key", False)
        self.context = Context(around, settings or SettingsSpec(), profile or None)

    def app(self, text: str) -> Workload:
        contents = read(self.file, text.encode(), self.context)
        assert not contents.problems, contents.problems
        return contents.apps[0]

    def revision(self, text: str) -> Revision:
        app = self.app(text)
        spec = app.spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return Revision(1, app.hash, spec, app.marks or {})

    def undo(self, now: str, then: str) -> str:
        return undone(now.encode(), self.app(now), self.revision(then), self.context).decode()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


THEN = TOP + BODY


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("info", "debug"),
        ("sleep, 1000", "sleep, 2000"),
        ("    PORT: {perInstance: 3000}\n", "    PORT: {perInstance: 4000}\n"),
        ("  instances", "  cwd: sub\n  instances"),
        ("  instances", "  umask: 022\n  instances"),
        ("info   # or debug\n", "info   # or debug\n    EXTRA: 1   # more\n"),
    ],
)
def test_an_edit_is_undone_to_the_byte(shop: Shop, old: str, new: str) -> None:
    now = THEN.replace(old, new)
    assert now != THEN
    assert shop.undo(now, THEN) == THEN


def test_what_was_removed_is_added_and_comments_stay(shop: Shop) -> None:
    now = THEN.replace("    PORT: {perInstance: 3000}\n", "").replace("two for", "2 for")
    after = shop.undo(now, THEN)
    assert "    LOG_LEVEL: info   # or debug\n    PORT: {perInstance: 3000}\n" in after
    assert "# 2 for now" in after and "# how loud" in after


def test_fields_applied_in_place_stay_as_they_are(shop: Shop) -> None:
    now = THEN.replace("instances: 2", "instances: 5").replace("info", "debug")
    assert shop.undo(now, THEN) == THEN.replace("instances: 2", "instances: 5")


def test_paths_are_written_as_people_write_them(shop: Shop) -> None:
    secret = Path(shop.file).parent / "token"
    secret.write_text("x")
    env = "    T: {secretFile: token}\n"
    now = TOP + "  command: [sleep, 1]\n  cwd: sub\n  env:\n    A: b\n"
    then = TOP + f"  command: [sleep, 1]\n  cwd: ../backend\n  env:\n    A: b\n{env}"
    assert shop.undo(now, then) == then
    far = then.replace("../backend", "/usr")
    assert "  cwd: /usr\n" in shop.undo(now, far)


def test_a_path_that_is_the_same_is_not_touched_however_it_is_written(shop: Shop) -> None:
    now = TOP + "  command: [sleep, 1]\n  cwd: ./sub/../sub\n  env: {A: b}\n"
    then = TOP + "  command: [sleep, 1]\n  cwd: sub\n  env: {A: c}\n"
    assert shop.undo(now, then) == now.replace("A: b", "A: c")


def test_a_literal_takes_the_place_of_a_secret_and_back(shop: Shop) -> None:
    (Path(shop.file).parent / "s").write_text("x")
    now = TOP + "  command: [sleep, 1]\n  env:\n    A: {secretFile: s}  # a\n    B: c\n"
    then = TOP + "  command: [sleep, 1]\n  env:\n    A: plain  # a\n    B: c\n"
    assert shop.app(shop.undo(now, then)).spec.env == shop.app(then).spec.env
    assert shop.undo(then, now) == now


def test_a_field_of_the_profile_in_force_is_edited_in_the_profile(tmp_path: Path) -> None:
    shop = Shop(tmp_path, profile="dev")
    then = THEN + "  profiles:\n    dev:\n      env: {LOG_LEVEL: trace}  # dev\n"
    now = then.replace("trace", "silent")
    assert shop.undo(now, then) == then


def test_what_comes_from_the_defaults_is_refused_with_the_place(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    then = shop.revision(THEN)
    with_default = Shop(tmp_path, SettingsSpec(defaults={"env": {"NEW": "1"}}))
    app = with_default.app(THEN)
    with pytest.raises(UndoError, match=r"env\.NEW comes from the defaults in recon\.yaml"):
        undone(THEN.encode(), app, then, with_default.context)


def test_what_would_be_wrong_now_is_refused(shop: Shop) -> None:
    now, then = THEN, THEN.replace("  instances", "  cwd: sub\n  instances")
    revision = shop.revision(then)
    os.rmdir(Path(shop.file).parent / "sub")
    with pytest.raises(
        UndoError, match=r"would be an invalid manifest now: spec\.cwd: .* is not a directory"
    ):
        undone(now.encode(), shop.app(now), revision, shop.context)


def test_a_revision_that_this_release_cannot_read_is_refused(shop: Shop) -> None:
    revision = replace(shop.revision(THEN), hash="0123456789ab.-")
    with pytest.raises(UndoError, match="another release"):
        undone(THEN.encode(), shop.app(THEN), revision, shop.context)


# -- over generated pairs ------------------------------------------------------------------------

_VALUES = st.sampled_from(
    ["x", "'q'", '"d"', "12", "a b", "1.10", "yes", "{perInstance: 4000}", "{perInstance: 5}"]
)
_TAIL = st.sampled_from(["", "  # note"])


@st.composite
def _manifests(draw: st.DrawFn) -> str:
    words = draw(st.lists(st.sampled_from(["sleep", "'1'", '"a b"', "x,y"]), max_size=2))
    style = draw(st.sampled_from(["flow", "block"]))
    if style == "flow":
        text = f"  command: [sleep{''.join(f', {w}' for w in words if w != 'x,y')}]{draw(_TAIL)}\n"
    else:
        text = "  command:\n" + "".join(f"  - {w}{draw(_TAIL)}\n" for w in ["sleep", *words])
    env = draw(st.dictionaries(st.sampled_from(["A", "B", "C.D"]), _VALUES, max_size=3))
    in_block = draw(st.booleans())
    if env and in_block:
        text += "  env:  # vars\n" + "".join(
            f"    {key}: {value}{draw(_TAIL)}\n" for key, value in env.items()
        )
    elif env:
        text += f"  env: {{{', '.join(f'{k}: {v}' for k, v in env.items())}}}{draw(_TAIL)}\n"
    if draw(st.booleans()):
        text += f"  cwd: {draw(st.sampled_from(['sub', '../backend', '.', '/']))}{draw(_TAIL)}\n"
    if draw(st.booleans()):
        text += "  umask: '022'\n"
    text += f"  # stays\n  instances: {draw(st.integers(1, 3))}  # so many\n"
    return TOP + (text.replace("\n", "\r\n") if draw(st.booleans()) else text)


@settings(max_examples=300, deadline=None)
@given(now=_manifests(), then=_manifests())
def test_any_template_can_be_written_back_over_any_other(
    tmp_path_factory: pytest.TempPathFactory, now: str, then: str
) -> None:
    shop = Shop(tmp_path_factory.getbasetemp())
    try:
        after = shop.undo(now, then)
    except EditError as error:
        raise AssertionError(f"{error}\n{now}\n{then}") from error
    app = shop.app(after)
    assert not differs(app, shop.revision(then))
    assert app.hash == shop.app(then).hash
    assert app.spec.wanted == shop.app(now).spec.wanted
    assert "  # stays" in after and "# so many" in after


def test_the_path_of_a_socket_goes_back_as_it_is_written(shop: Shop) -> None:
    spec = TOP + "  command: [sleep, 1]\n  sockets:\n"
    then = spec + "  - {name: api, path: ../backend/a.sock}\n"
    now = spec + "  - {name: api, path: ../backend/b.sock}  # for nginx\n"
    assert "path: ../backend/a.sock" in shop.undo(now, then)
