"""Where no controller answers, the same is seen from here."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

from reconciler.cli.framework import controller
from reconciler.cli.framework.options import where


def test_status_of_a_controller_that_leaves_while_it_is_asked_is_seen_from_here(
    tmp_path: Path,
) -> None:
    manifests, state = tmp_path / "m", tmp_path / "s"
    manifests.mkdir()
    state.mkdir()
    place = where(str(manifests), str(state))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place.paths.socket))
        listener.listen(1)

        def leave() -> None:
            connection, _ = listener.accept()
            connection.recv(4096)
            listener.close()
            place.paths.socket.unlink()
            connection.close()

        leaving = threading.Thread(target=leave)
        leaving.start()
        document = controller.status(place)
        leaving.join()
    assert document["controller"]["running"] is False
    assert document["apps"] == []
