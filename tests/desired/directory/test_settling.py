"""A file is believed when it reads the same twice."""

from __future__ import annotations

from pathlib import Path

from reconciler.desired.directory.last_read import ManifestFile, ManifestFiles
from reconciler.desired.directory.settling import Reading, Settling
from reconciler.desired.files import NEVER
from reconciler.model.state.desired import Problem
from reconciler.system.files.trust import Trust


def test_a_file_is_believed_at_its_second_reading_or_at_once_where_that_is_asked(
    tmp_path: Path,
) -> None:
    file, settling = tmp_path / "a.yaml", Settling()
    path = str(file)
    file.write_bytes(b"half")
    assert settling.read(path, None, Trust(), believe=False) is None
    assert settling.paths == {path} and settling.due_at
    file.write_bytes(b"whole")
    assert settling.read(path, None, Trust(), believe=False) is None
    copy = settling.copy()
    found = settling.read(path, None, Trust(), believe=False)
    assert isinstance(found, Reading) and found.content == b"whole" and not settling.paths
    assert copy.paths == {path}
    copy.forget(path)
    assert not copy.paths
    file.write_bytes(b"another")
    assert isinstance(settling.read(path, None, Trust(), believe=True), Reading)


def test_what_has_not_changed_is_not_read_and_what_cannot_be_read_is_a_problem(
    tmp_path: Path,
) -> None:
    file, settling = tmp_path / "a.yaml", Settling()
    file.write_bytes(b"content")
    first = settling.read(str(file), None, Trust(), believe=True)
    assert isinstance(first, Reading)
    known = ManifestFile(first.signature, first.digest)
    assert settling.read(str(file), known, Trust(), believe=False) is None and not settling.paths
    # The same content under another date is no change: nothing has to settle.
    known = ManifestFile(NEVER, first.digest)
    assert isinstance(settling.read(str(file), known, Trust(), believe=False), Reading)
    file.unlink()
    file.mkdir()
    assert isinstance(settling.read(str(file), known, Trust(), believe=False), Problem)


def test_it_is_known_which_manifests_refer_to_an_env_file() -> None:
    files = ManifestFiles()
    files.put("a.yaml", ManifestFile(None, b"", dependencies=((".env", None),)))
    copy = files.copy()
    files.put("b.yaml", ManifestFile(None, b"", dependencies=((".env", None), ("key", None))))
    assert files.referring_to(".env") == {"a.yaml", "b.yaml"} and set(files.dependencies) == {
        ".env",
        "key",
    }
    files.remove("b.yaml")
    files.put("a.yaml", ManifestFile(None, b""))
    assert not files.dependencies and set(copy.dependencies) == {".env"}
