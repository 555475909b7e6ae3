"""The client against a real HTTP server in this process, and against what is none of Nomad's."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.targets.engine import EngineError
from reconciler.targets.nomad.address import settings
from reconciler.targets.nomad.answers import JobStub, read
from reconciler.targets.nomad.client import Client, Limits, RefusedError
from tests.targets.nomad.played import Played, Reply, Request, served


def test_a_request_has_token_namespace_and_region(played: Played, address: str) -> None:
    environ = {
        "NOMAD_TOKEN": "t0ken",
        "NOMAD_NAMESPACE": "a&b",
        "NOMAD_REGION": "eu",
        "NOMAD_HTTP_AUTH": "me:pw",
    }
    played.answers["POST /v1/jobs"] = {}
    Client(settings(address, environ)).post("/v1/jobs", {"Job": {"ID": "web"}}, {"all": True})
    (request,) = played.requests
    assert request.query == {"all": "true", "namespace": "a&b", "region": "eu"}
    assert request.headers["X-Nomad-Token"] == "t0ken"
    assert request.headers["Authorization"] == "Basic bWU6cHc="
    assert request.document == {"Job": {"ID": "web"}}


def test_a_unix_socket_is_an_address(played: Played, tmp_path: Path) -> None:
    played.answers["GET /v1/jobs"] = [{"ID": "web"}]
    with served(played, tmp_path / "n.sock") as address:
        body = Client(settings(address, {})).get("/v1/jobs")
    assert [one.id for one in read(list[JobStub], body, "jobs")] == ["web"]


def test_a_prefix_of_a_proxy_stands_before_each_path(played: Played, address: str) -> None:
    played.answers["GET /engine/v1/jobs"] = []
    assert Client(settings(f"{address}/engine", {})).get("/v1/jobs") == b"[]"


def test_what_is_not_there_is_none(client: Client) -> None:
    assert client.find("/v1/job/none") is None


def test_questions_of_a_thread_share_a_connection(played: Played, client: Client) -> None:
    played.answers |= {"GET /v1/jobs": [], "GET /v1/nodes": lambda _: Reply(parts=iter([b"[]"]))}
    for path in ("/v1/jobs", "/v1/nodes", "/v1/jobs"):
        assert client.get(path) == b"[]"
    assert len(played.peers) == 1


def test_a_connection_that_the_server_closed_is_opened_again(
    played: Played, client: Client
) -> None:
    played.answers["GET /v1/jobs"] = Reply(b"[]", headers={"Connection": "close"})
    assert [client.get("/v1/jobs"), client.get("/v1/jobs")] == [b"[]", b"[]"]


def test_a_server_that_does_not_listen_is_a_sentence() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        with pytest.raises(EngineError, match="cannot be reached: Connection refused; start it"):
            Client(settings(f"127.0.0.1:{port}", {})).get("/v1/jobs")


def test_a_missing_socket_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot be reached: No such file"):
        Client(settings(f"{tmp_path}/none.sock", {})).get("/v1/jobs")


def test_a_name_that_nothing_resolves_is_a_sentence() -> None:
    with pytest.raises(EngineError, match="cannot be reached"):
        Client(settings("http://no-such-host.invalid:4646", {})).get("/v1/jobs")


def test_a_refusal_says_what_the_server_says(played: Played, client: Client) -> None:
    played.answers["POST /v1/jobs"] = Reply(b"job name is empty\n", 500)
    with pytest.raises(RefusedError, match=r"refused the request: job name is empty$") as found:
        client.post("/v1/jobs", {})
    assert found.value.status == 500


def test_a_denied_request_names_the_token(played: Played, address: str) -> None:
    played.answers["GET /v1/jobs"] = Reply(b"Permission denied", 403)
    with pytest.raises(
        RefusedError, match="denies access: Permission denied; set NOMAD_TOKEN"
    ) as e:
        Client(settings(address, {"NOMAD_TOKEN": "s3cret"})).get("/v1/jobs")
    assert "s3cret" not in str(e.value)


def test_control_characters_of_an_error_do_not_reach_the_terminal(
    played: Played, client: Client
) -> None:
    played.answers["GET /v1/jobs"] = Reply(
        b"\x1b]0;owned\x07 bad\r\n\xff\xe2\x80\xaework" * 99, 500
    )
    with pytest.raises(RefusedError) as found:
        client.get("/v1/jobs")
    text = str(found.value)
    assert not any(ord(char) < 32 or ord(char) == 0x202E for char in text)
    assert len(text) < 500


def test_a_page_of_a_proxy_is_no_answer(played: Played, client: Client) -> None:
    page = b"<html><script>alert(1)</script>login</html>"
    played.answers["GET /v1/jobs"] = Reply(page, headers={"Content-Type": "text/html"})
    with pytest.raises(EngineError, match="is no API of Nomad: an HTML page came instead of JSON"):
        client.get("/v1/jobs")
    played.answers["GET /v1/jobs"] = Reply(page, 502, {"Content-Type": "text/html; charset=x"})
    with pytest.raises(EngineError, match="is unavailable: an HTML page, as a proxy writes") as e:
        client.get("/v1/jobs")
    assert "script" not in str(e.value)


def test_a_redirect_is_not_followed_and_gets_no_token(played: Played, address: str) -> None:
    other = Played()
    with served(other) as elsewhere:
        moved = Reply(b"", 307, {"Location": f"{elsewhere}/v1/jobs"})
        played.answers["GET /v1/jobs"] = moved
        with pytest.raises(
            EngineError, match=f"redirects to {elsewhere}/v1/jobs; give the address"
        ):
            Client(settings(address, {"NOMAD_TOKEN": "t"})).get("/v1/jobs")
    assert other.requests == []


def test_a_huge_answer_is_not_kept(played: Played, address: str) -> None:
    sent = []

    def endless() -> Iterator[bytes]:
        while True:
            sent.append(1)
            yield b"[" + b" " * 65536

    played.answers["GET /v1/jobs"] = lambda _: Reply(parts=endless())
    client = Client(settings(address, {}), Limits(size=2**20))
    with pytest.raises(EngineError, match="an answer has more than 1 MiB; name fewer apps"):
        client.get("/v1/jobs")
    assert len(sent) < 1000


def test_a_server_that_says_nothing_is_left(played: Played, address: str) -> None:
    def hang(_: Request) -> Reply:
        played.over.wait()
        return Reply()

    played.answers["GET /v1/jobs"] = hang
    with pytest.raises(EngineError, match="cannot be reached: no answer in time"):
        Client(settings(address, {}), Limits(silence=0.05)).get("/v1/jobs")


def test_a_server_that_sends_byte_by_byte_is_left(played: Played, address: str) -> None:
    def drip() -> Iterator[bytes]:
        while not played.over.wait(0.01):
            yield b" "

    played.answers["GET /v1/jobs"] = lambda _: Reply(parts=drip())
    with pytest.raises(EngineError, match=r"is too slow: an answer did not end within 0.1 s"):
        Client(settings(address, {}), Limits(whole=0.1)).get("/v1/jobs")


@pytest.mark.parametrize(
    "said", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\x15\x03\x01\x00\x02", b"", b"HTTP/1.1 200 OK\r\nA:" * 9]
)
def test_what_speaks_no_http_is_a_sentence(said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            peer, _ = server.accept()
            with peer:
                peer.sendall(said)
                peer.shutdown(socket.SHUT_WR)
                while peer.recv(4096):
                    pass

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        with pytest.raises(EngineError, match=r"cannot be reached|damaged"):
            client = Client(settings(f"127.0.0.1:{server.getsockname()[1]}", {}))
            try:
                read(list[JobStub], client.get("/v1/jobs"), "jobs")
            finally:
                client.close()
        thread.join()


def test_a_stream_that_the_server_closes_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = Client(settings(f"127.0.0.1:{server.getsockname()[1]}", {}))

        def hang_up() -> None:
            server.accept()[0].close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        with pytest.raises(EngineError, match="cannot be reached"):
            [*client.stream("/v1/client/fs/logs/a")]
        thread.join()


@pytest.mark.parametrize(
    "body", [b"", b"[", b"null", b'{"ID": 5}', b'[{"ID": 5}]', b"[" * 100_000, b'["\xff"]']
)
def test_a_damaged_answer_is_a_sentence(body: bytes) -> None:
    with pytest.raises(EngineError, match="Nomad's answer is damaged: the jobs"):
        read(list[JobStub], body, "the jobs")


def test_null_and_unknown_fields_are_no_damage() -> None:
    (found,) = read(list[JobStub], b'[{"ID":"a","Stop":null,"Meta":null,"New":{}}]', "jobs")
    assert (found.id, found.stop, found.meta) == ("a", False, None)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    path = tmp_path / "server.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1"
    names = [
        "-subj",
        "/CN=server.global.nomad",
        "-addext",
        "subjectAltName=DNS:server.global.nomad",
    ]
    files = ["-keyout", str(path), "-out", f"{path}.crt"]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


def test_a_certificate_is_checked(certificate: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            for _ in range(3):
                peer, _ = server.accept()
                try:
                    with context.wrap_socket(peer, server_side=True) as secured:
                        secured.recv(65536)
                        secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")
                except OSError:
                    pass  # a client that does not trust it
                finally:
                    peer.close()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        address = f"https://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(EngineError, match="its certificate is not trusted"):
            Client(settings(address, {})).get("/v1/jobs")
        known = {"NOMAD_CACERT": str(certificate), "NOMAD_TLS_SERVER_NAME": "server.global.nomad"}
        for environ in (known, {"NOMAD_SKIP_VERIFY": "1"}):
            client = Client(settings(address, environ))
            assert client.get("/v1/jobs") == b"[]"
            client.close()
        thread.join()


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    for text in ("", "no certificate"):
        (tmp_path / "ca.pem").write_text(text)
        environ = {"NOMAD_CACERT": str(tmp_path / "ca.pem")}
        with pytest.raises(EngineError, match="certificates for Nomad cannot be read"):
            Client(settings("https://127.0.0.1:1", environ)).get("/v1/jobs")
