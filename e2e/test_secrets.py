"""A whole life of recon, and every byte that it wrote or answered searched for the secrets.

Exceptions, and no others: the files that the user keeps secrets in, what a program writes to its
own log, and a credential's copy while its instance runs. In answers about logs all values are
masked that the controller has known; one that was replaced before it started it cannot know.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import socket
import stat
import urllib.parse
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from e2e.harness import Recon, replace
from e2e.programs import SLEEP, notifier, python
from reconciler.api.server.routes import application
from reconciler.converge.isolation import credentials
from reconciler.state.paths import StatePaths, store_id
from tests.waiting import until


def drawn() -> str:
    """Random, with all that is escaped somewhere: no part of it comes about by chance."""
    return f"{secrets.token_urlsafe(9)}'\"\\ä/+& %{secrets.token_urlsafe(9)}"


class Planted:
    """The secrets, one of each source, and everything that recon said."""

    def __init__(self, recon: Recon) -> None:
        self.recon = recon
        self.said: dict[str, bytes] = {}
        self.forgotten = ""
        """The value that the controller which runs now has never known."""
        self.values = {
            "file": f"{drawn()}\n{drawn()}\n{drawn()}",
            "file2": drawn(),
            "dotenv": drawn().replace("'", "").replace('"', "").replace("\\", ""),
            "environment": drawn(),
            "credential": f"{drawn()}\n{drawn()}",
            "literal": secrets.token_urlsafe(30),
            "slip": secrets.token_urlsafe(30),
        }
        self.folder = recon.manifests.parent / "keys"
        self.folder.mkdir(mode=0o700)
        for name in ("file", "credential"):
            (self.folder / name).write_text(self.values[name] + "\n")
        (self.folder / "x.env").write_text(f"DOTENV_VALUE='{self.values['dotenv']}'\n")
        recon.environment["PLANTED"] = self.values["environment"]

    def cli(self, *words: str | Path, code: int | None = None) -> str:
        """A verb, from a shell that knows nothing; what it said is kept."""
        mine = self.recon.environment
        self.recon.environment = {k: v for k, v in mine.items() if k != "PLANTED"}
        try:
            text = self.recon.cli(*words, code=code)
        finally:
            self.recon.environment = mine
        self.keep(" ".join(map(str, words)), text.encode())
        return text

    def keep(self, what: str, text: bytes) -> None:
        if self.forgotten and "/v1/logs/" in what:
            what = f"{what} without {self.forgotten}"
        self.said[f"{len(self.said)} {what}"] = text

    def look(self, app: str) -> None:
        """Everything that recon tells without changing anything."""
        for words, forms in (
            (["status"], ["wide", "json", "yaml"]),
            (["describe", app], ["json"]),
            (["apply", "--dry-run"], ["json", "markdown"]),
            (["events"], ["json"]),
            (["rollout", "history", app], ["json"]),
            (["validate"], ["json"]),
        ):
            self.cli(*words)
            for form in forms:
                self.cli(*words, "-o", form)
        self.cli("apply", "--dry-run", "--debug")
        self.processes()

    def processes(self) -> None:
        """The command lines of recon itself and of all that it started."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            if int(pid) != os.getpid() and self.recon._is_ours(int(pid)):
                for name in ("cmdline", "comm"):
                    try:
                        self.keep(f"{name} of {pid}", Path(f"/proc/{pid}/{name}").read_bytes())
                    except OSError:
                        continue

    def answers(self, app: str) -> None:
        """Of every route of the API, as they come over the socket."""
        routes = application(None).routes  # type: ignore[arg-type]  # only their names are read
        paths = [route.path for route in routes]
        assert "/v1/status" in paths and len(paths) > 5
        for path in (*paths, "/v1/describe/none", "/v1/events?limit=100000"):
            if path == "/v1/down":
                continue
            for method in ("GET", "POST"):
                self.keep(f"{method} {path}", self.ask(method, path.replace("{app}", app)))

    def ask(self, method: str, path: str) -> bytes:
        body = json.dumps({"apps": ["web"], "app": "web"})
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(120)
            client.connect(str(self.recon.state / "recon.sock"))
            head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            client.sendall((head + body).encode())
            return b"".join(iter(lambda: client.recv(65536), b""))

    # -- the search ----------------------------------------------------------------------------

    def forms(self) -> Iterator[tuple[str, bytes]]:
        """Each secret, and each line of it, in every form that a program might give it."""
        for name, value in self.values.items():
            for text in {value, *value.splitlines()}:
                raw = text.encode()
                yield from ((name, form) for form in _coded(raw))
                for coded in (json.dumps(text), json.dumps(text, ensure_ascii=False), repr(text)):
                    yield name, coded[1:-1].encode()
                yield name, repr(raw)[2:-1].encode()

    def found(self) -> list[str]:
        """Where recon told, or keeps, a secret."""
        forms = set(self.forms())
        places = dict(self.said)
        places["the controller's output"] = self.recon.output.read_bytes()
        for folder in (self.recon.state, self.recon.manifests):
            for path in sorted(folder.rglob("*")):
                places[f"the name of {path}"] = os.fsencode(path)
                if stat.S_ISREG(path.lstat().st_mode):
                    places[str(path)] = path.read_bytes()
        logs, moved = self.recon.state / "logs", self.recon.manifests / "secrets"
        own = (f"{logs}/", f"{moved}/")
        return [
            f"{name} in {place}: …{text[max(0, at - 60) : at + 20]!r}"
            for place, text in places.items()
            if not place.startswith(own)
            for name, form in forms
            if not place.endswith(f" without {name}")
            if (at := text.find(form)) >= 0
        ]


def _coded(raw: bytes) -> Iterator[bytes]:
    yield raw
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for shift in range(3):  # within other text it may begin at any of three places
        whole = base64.b64encode(b"\0" * shift + raw)
        for coded in (whole, whole.translate(bytes.maketrans(b"+/", b"-_"))):
            yield coded[4 if shift else 0 : -4]
    yield urllib.parse.quote(raw).encode()
    yield urllib.parse.quote(raw, safe="").encode()
    yield urllib.parse.quote_plus(raw).encode()


@pytest.fixture
def planted(recon: Recon) -> Iterator[Planted]:
    yield Planted(recon)
    if recon.controller is not None:
        recon.close()  # a test that failed leaves what no controller was there to remove
    store = store_id(StatePaths(recon.state))
    for place in credentials._places(store):
        shutil.rmtree(place, ignore_errors=True)


ENV = {
    "FILE_KEY": {"secretFile": "../keys/file"},
    "OWN": {"fromEnv": "PLANTED"},
    "HANDED": {"credential": "../keys/credential"},
}
TELL = (
    "import os\n"
    "key = open(os.environ['HANDED']).read()\n"
    "every = [os.environ[n] for n in ('FILE_KEY', 'OWN', 'DOTENV_VALUE')] + [key]\n"
)


def garbage(port: int) -> list[str]:
    """Answers HTTP with one secret after the other, in place of a status line."""
    code = TELL + (
        "import itertools, socket\n"
        "for text in every: print(text, flush=True)\n"
        "lines = itertools.cycle([t.encode().splitlines()[0] for t in every])\n"
        f"with socket.create_server(('127.0.0.1', {port})) as listener:\n"
        "    while True:\n"
        "        client, _ = listener.accept(); client.recv(4096)\n"
        "        client.sendall(next(lines) + b'\\r\\n\\r\\n'); client.close()\n"
    )
    return python(code)


def talker() -> list[str]:
    """Says all of them in its status."""
    return notifier(
        TELL + "tell('STATUS=' + ' | '.join(every).replace('\\n', ' ') + '\\nREADY=1')\nrest()\n"
    )


def write_apps(planted: Planted, port: int) -> None:
    recon = planted.recon
    fails = python(TELL + "import sys\nprint(*every); sys.exit(' '.join(every))\n")
    common = {"env": ENV, "envFrom": ["../keys/x.env"], "terminationGracePeriodSeconds": 2}
    quick = {"periodSeconds": 1, "failureThreshold": 1}
    http = {"httpGet": {"port": port}, **quick}
    recon.app("web", garbage(port), **common, readinessProbe=http, stop={"preStop": fails})
    recon.app("talker", talker(), **common, readinessProbe={"notify": True})
    recon.app("prober", SLEEP, **common, livenessProbe={"exec": {"command": fails}, **quick})
    recon.app("crasher", fails, **common, backoff={"initialSeconds": 1})
    recon.app("nothere", ["./no-such"], **{**common, "cwd": "."})
    recon.app("fixed", SLEEP, env={"API_TOKEN": planted.values["literal"]})


SLIPS = (
    "env: {{K: {{{slip}}}}}",
    "env: {{K: [{slip}]}}",
    "env: {{K: {{value: {slip}}}}}",
    "env: {{K: {{secretFile: [{slip}]}}}}",
    "env: {{K={slip}: x}}",
    "env: {{K: *{slip}}}",
    "env: {{K: !{slip} }}",
    "env: {{K: '{slip}}}",
    "env: {{K: {slip}: x}}",
    "envFrom: [../keys/bad.env]",
    "env: {{K: {{secretFile: ../keys}}}}",
    "env: {{K: {{secretFile: ../keys/nul}}}}",
    "env: {{K: {{secretFile: ../keys/file, mode: x}}}}",
    "env: {{K: {{credential: ../keys/gone}}}}",
)


def make_slips(planted: Planted) -> None:
    """Mistakes at and around secrets, one after the other, in a manifest and in a dotenv file."""
    slip = planted.values["slip"]
    (planted.folder / "bad.env").write_text(f"A=1\n{slip}\nB={slip}\n")
    (planted.folder / "nul").write_text(f"{slip}\0")
    head = (
        "apiVersion: recon/v1\nkind: App\nmetadata: {name: slip}\nspec:\n  command: [sleep, '9']\n"
    )
    for line in SLIPS:
        file = planted.recon.write("slip.yaml", f"{head}  {line.format(slip=slip)}\n")
        assert "problem" in planted.cli("validate", code=1), line
        for route in (("POST", "/v1/apply"), ("GET", "/v1/status"), ("GET", "/v1/describe/slip")):
            planted.keep(f"{route} {line}", planted.ask(*route))
        file.unlink()
    planted.cli("status")
    planted.cli("apply", "--dry-run", "-o", "json")


def test_no_secret_in_anything_that_recon_wrote_or_answered(
    planted: Planted, unused_port: int
) -> None:
    recon = planted.recon
    write_apps(planted, unused_port)
    assert "API_TOKEN now in" in planted.cli("validate", "--fix")
    planted.look("web")
    recon.run()
    recon.wait("talker", health="Healthy")

    def told(reason: str) -> bool:
        return any(reason in line for line in planted.cli("events").splitlines())

    for reason in ("Unhealthy", "BackOff"):
        until(partial(told, reason), what=reason)
    until(lambda: "it begins with" in planted.cli("describe", "web"), what="the probe's answer")
    planted.look("web")
    planted.look("talker")
    planted.answers("web")
    make_slips(planted)

    # Another value: another revision, told as changed and nothing else.
    replace(planted.folder / "file", planted.values["file2"])
    planted.cli("apply", "--dry-run")
    recon.wait("talker", revision=2)
    assert "FILE_KEY" in planted.cli("rollout", "history", "talker", "--revision", "2")
    planted.look("talker")

    recon.kill_controller()
    planted.look("web")
    recon.run()
    planted.forgotten = "file"
    recon.wait("talker", health="Healthy")
    (planted.folder / "file").unlink()
    (planted.folder / "file").mkdir()  # not to be read any more, by root either
    planted.cli("restart", "talker")
    planted.look("talker")
    (planted.folder / "file").rmdir()
    (planted.folder / "file").write_text(planted.values["file2"])
    text = json.loads((recon.manifests / "talker.yaml").read_text())
    text["spec"]["env"]["FILE_KEY"] = "plain"
    recon.write("talker.yaml", json.dumps(text, indent=1))
    recon.wait("talker", revision=3)
    planted.cli("rollout", "undo", "talker")
    planted.cli("rollout", "history", "talker", "--revision", "2")
    planted.look("talker")
    planted.cli("suspend", "web")  # whose preStop fails, and prints them
    until(lambda: told("FailedPreStopHook"), what="the preStop has failed")
    planted.look("web")
    planted.answers("web")
    planted.cli("down")
    planted.look("web")

    assert "***" in "".join(text.decode(errors="replace") for text in planted.said.values())
    log = "\n".join(recon.log("crasher", stream="err") + recon.log("web"))
    for name in ("file2", "dotenv", "environment", "credential"):
        for line in planted.values[name].splitlines():
            assert line in log, f"{name}: the programs had it, and the search can find it"
    assert planted.found() == []


def test_a_credential_lives_as_long_as_its_instance(planted: Planted) -> None:
    recon = planted.recon
    show = "echo $HANDED; ls -ln $CREDENTIALS_DIRECTORY; cat $HANDED; exec sleep 100000"
    recon.app("web", ["sh", "-c", show], env={"HANDED": ENV["HANDED"]}, instances=2)
    recon.run()
    recon.healthy("web", ready=2)
    until(lambda: all(len(recon.log("web", n)) >= 5 for n in (0, 1)), what="their output")
    files = [Path(recon.log("web", number)[0]) for number in (0, 1)]
    assert len({file.parent for file in files}) == 2, "each instance has its own"
    for file in files:
        assert file.name == "HANDED" and file.read_text() == planted.values["credential"] + "\n"
        assert stat.S_IMODE(file.stat().st_mode) == 0o400
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o500
    for pid in recon.pids("web").values():
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert b"CREDENTIALS_DIRECTORY=" in environment
        for line in planted.values["credential"].splitlines():
            assert line.encode() not in environment

    recon.kill_controller()
    assert all(file.exists() for file in files)
    recon.run()
    recon.healthy("web", ready=2, revision=1)
    assert all(file.exists() for file in files)

    replace(planted.folder / "credential", "another\n")
    recon.healthy("web", ready=2, revision=2)
    until(lambda: not any(file.parent.exists() for file in files), what="the old ones are gone")
    until(lambda: recon.log("web")[-1] == "another", what="the new content")
    last = [Path(line) for line in recon.log("web") if line.endswith("/HANDED")][-1]

    recon.kill_controller()
    os.kill(recon.pids("web")["web-0"], 9)
    until(lambda: "web-0" not in recon.pids("web"), what="it ended while nobody looked")
    recon.run()
    until(lambda: not last.parent.exists(), what="what it left behind is removed")
    recon.cli("down")
    assert not last.parent.parent.exists(), "the place went with the last of them"
