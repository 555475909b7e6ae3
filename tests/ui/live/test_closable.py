from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from reconciler.api.client import Client
from reconciler.api.errors import ControllerLeftError
from reconciler.ui.live.closable import ClosableClient


def test_a_request_that_waits_without_end_is_ended_by_another_thread(tmp_path: Path) -> None:
    path = tmp_path / "x.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        client = ClosableClient(Client(path))
        held: list[socket.socket] = []

        def answer_nothing() -> None:
            held.append(listener.accept()[0])
            held[0].recv(65536)
            client.close()

        thread = threading.Thread(target=answer_nothing)
        thread.start()
        with pytest.raises(ControllerLeftError):
            list(client.events(follow=True))
        with pytest.raises(ControllerLeftError):
            list(client.events(follow=True))
        thread.join()
        held[0].close()
