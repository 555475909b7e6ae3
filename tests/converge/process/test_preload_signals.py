"""A Node program's own handlers of the stop signal run when what it was answering is answered.

Where a test says an hour, the drain would outlast the test if it waited for that.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.converge.inherited import PRELOAD, Program, Shared
from tests.converge.process.node import (
    HTTP,
    SERVE,
    TLS,
    UP,
    Start,
    answer,
    ask,
    certificate,
    connection,
    get,
    http2_client,
    is_answered,
    send,
)
from tests.load import Load
from tests.waiting import until

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="no node in PATH")

AT_ONCE = {"RECON_DRAIN_SECONDS": "0"}
BRIEF = {"RECON_DRAIN_SECONDS": "0.5"}
HOUR = {"RECON_DRAIN_SECONDS": "3600"}

# As Vite does it: what is open is cut, and an error of `close` is told.
CUT = """
const open = new Set();
server.on('connection', (socket) => open.add(socket));
const cut = () => {
  console.log('cut');
  open.forEach((socket) => socket.destroy());
  server.close((error) => process.exit(error ? 8 : 7));
};
"""
LISTEN = f"server.listen(Number(process.env.PORT), {UP});"
CUTS = f"{HTTP} {CUT} {LISTEN} process.once('SIGTERM', cut);"
SILENT = f"""
const server = require('http').createServer((request, response) => {{
  if (request.url === '/never') console.log('asked'); else response.end();
}});
{CUT} {LISTEN}"""


def drains(program: Program) -> None:
    until(lambda: program.probe() is None, what="the probe is refused: it drains")


def has_two_workers(program: Program) -> bool:
    return program.text.count("up") == 2


@contextmanager
def hanging(program: Program, http: Shared) -> Iterator[socket.socket]:
    """A connection whose request is never answered (``SILENT``)."""
    with connection(http) as connected:
        send(connected, "/never")
        program.says("asked")
        yield connected


def run_through(program: Program) -> None:
    """A slow request, and one on a kept connection, are answered although the handler cuts."""
    port = next(iter(program.text.split('"port":')[1:])).split("}")[0]
    with (
        connection(int(port)) as slow,
        connection(int(port)) as kept,
        connection(int(port)) as idle,
    ):
        ask(kept)
        ask(idle)
        send(slow, "/slow")
        get(int(port))
        program.terminate()
        drains(program)
        assert b"connection: close" in ask(kept).lower()
        assert "cut" not in program.text
        assert b"connection: close" in answer(slow).lower()
        assert idle.recv(1) == b""
    program.says("cut")
    assert program.ended() == 7


# -- What is answered first


@pytest.mark.parametrize(
    "how", ["on", "once", "addListener", "prependListener", "prependOnceListener"]
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_handler_that_cuts_connections_loses_no_request(
    start: Start, http: Shared, how: str, when: str
) -> None:
    own = f"process.{how}('SIGTERM', cut);"
    listen = (
        f"{own} {LISTEN}"
        if when == "before"
        else f"server.on('listening', () => {{ {own} }}); {LISTEN}"
    )
    program = start(f"{HTTP} {CUT} {listen}", [http])
    program.says("up")
    run_through(program)


def test_the_same_where_the_declared_signal_is_another(start: Start, http: Shared) -> None:
    source = f"{HTTP} {CUT} {LISTEN} process.on('SIGUSR2', cut);"
    program = start(source, [http], env={"RECON_STOP_SIGNAL": "SIGUSR2"})
    program.says("up")
    with connection(http) as slow:
        send(slow, "/slow")
        get(http)
        program.terminate(signal.SIGUSR2)
        answer(slow)
    assert program.ended() == 7


def test_the_handlers_of_an_earlier_preload_wait_as_well(
    start: Start, http: Shared, tmp_path: Path
) -> None:
    early = tmp_path / "early.cjs"
    early.write_text("process.once('SIGTERM', () => process.emit('cut'));")
    source = f"{HTTP} {CUT} {LISTEN} process.on('cut', cut);"
    both = f"--require={early} --require={PRELOAD}"
    program = start(source, [http], env={"NODE_OPTIONS": both})
    program.says("up")
    run_through(program)


@pytest.mark.parametrize("script", ["node server.js", "true && node server.js"])
def test_the_same_below_npm_run(start: Start, http: Shared, tmp_path: Path, script: str) -> None:
    (tmp_path / "server.js").write_text(CUTS)
    (tmp_path / "package.json").write_text(f'{{"scripts": {{"start": "{script}"}}}}')
    program = start(["npm", "run", "start"], [http], cwd=tmp_path)
    program.says('"port"')
    with connection(http) as slow:
        send(slow, "/slow")
        get(http)
        program.terminate()
        # A shell between dies of it: `recon` then asks what is left, as in
        # `converge/process/stop.py`.
        program.ended()
        os.killpg(program.process.pid, signal.SIGTERM)
        answer(slow)
    program.says("cut")


def test_https_is_answered_first(start: Start, http: Shared, tmp_path: Path) -> None:
    certificate(tmp_path)
    made = f"require('https').createServer({TLS},"
    source = CUTS.replace("require('http').createServer(", made)
    program = start(source, [http], cwd=tmp_path)
    program.says("up")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        context.wrap_socket(connection(http)) as kept,
        context.wrap_socket(connection(http)) as slow,
        connection(http) as shaking,
    ):
        ask(kept)
        send(slow, "/slow")
        ask(kept)
        program.terminate()
        drains(program)
        with context.wrap_socket(shaking) as late:
            assert b"connection: close" in ask(late).lower()
        assert b"connection: close" in answer(slow).lower()
    assert program.ended() == 7


def test_http2_streams_are_answered_first(start: Start, http: Shared) -> None:
    source = CUTS.replace("require('http').createServer(", "require('http2').createServer(")
    program = start(source, [http])
    program.says("up")
    asking = http2_client(http.port, "/slow")
    program.terminate()
    assert is_answered(asking, program)
    assert program.ended() == 7


def test_no_request_is_lost_while_a_cluster_whose_workers_cut_is_replaced(
    start: Start, http: Shared
) -> None:
    source = f"""
    const cluster = require('cluster');
    if (cluster.isPrimary) {{
      const workers = [cluster.fork(), cluster.fork()];
      let left = workers.length;
      process.on('SIGTERM', () => workers.forEach((worker) => worker.process.kill('SIGTERM')));
      cluster.on('exit', () => --left || process.exit(7));
    }} else {{ {CUTS} }}"""
    program, other = start(source, [http]), start(source, [http])
    for one in (program, other):
        until(partial(has_two_workers, one), what="two workers")
    kept = Load(port=http.port, clients=5)
    single = Load(port=http.port, clients=5, keep_alive=False)
    with kept, single:
        until(lambda: kept.ok > 200 and single.ok > 200, 60, "200 answers each")
        program.terminate()
        assert program.ended() == 7
    assert kept.failures == single.failures == []
    assert len(kept.answers | single.answers) == 4


# -- What it does not wait for


def test_where_there_is_no_connection_the_handler_runs_at_once(start: Start, http: Shared) -> None:
    program = start(CUTS, [http], env=HOUR)
    program.says("up")
    get(http)
    program.terminate()
    assert program.ended() == 7


def test_an_idle_connection_is_waited_for_no_longer_than_it_may_be_idle(
    start: Start, http: Shared
) -> None:
    program = start(CUTS, [http], env=HOUR)
    program.says("up")
    with connection(http) as idle:
        ask(idle)
        program.terminate()
        assert program.ended() == 7


def test_an_answer_that_never_comes_is_waited_for_no_longer_than_declared(
    start: Start, http: Shared
) -> None:
    program = start(f"{SILENT} process.on('SIGTERM', cut);", [http], env=BRIEF)
    program.says("up")
    with hanging(program, http) as connected:
        program.terminate()
        assert program.ended() == 7
        assert connected.recv(1) == b""


@pytest.mark.parametrize("own", ["process.on('SIGTERM', cut)", ""], ids=["own handler", "none"])
def test_server_sent_events_hold_nothing_up(start: Start, http: Shared, own: str) -> None:
    source = f"""
    const server = require('http').createServer((request, response) => {{
      if (request.url === '/slow') return setTimeout(() => response.end('slow'), 700);
      response.writeHead(200, {{'Content-Type': 'text/event-stream'}});
      setInterval(() => response.write('data: x\\n\\n'), 20);
    }}); {CUT} {LISTEN} {own}"""
    program = start(source, [http], env=HOUR)
    program.says("up")
    with connection(http) as events, connection(http) as slow:
        send(events)
        assert b"event-stream" in events.recv(65536)
        send(slow, "/slow")
        while b"data: x" not in events.recv(65536):
            pass
        program.terminate()
        assert answer(slow).endswith(b"slow")
        while events.recv(65536):  # on until all else is answered, then its end
            pass
    assert program.ended() == (7 if own else 0)


def test_an_upgraded_connection_holds_nothing_up_and_is_the_handlers_to_close(
    start: Start, http: Shared
) -> None:
    source = f"""{HTTP}
    let upgraded;
    server.on('upgrade', (request, socket) => {{
      upgraded = socket;
      socket.write('HTTP/1.1 101 Switching\\r\\nUpgrade: x\\r\\nConnection: upgrade\\r\\n\\r\\n');
      socket.on('data', (data) => socket.write(data));
    }});
    process.on('SIGTERM', () => {{
      upgraded.end('going away');
      server.close(() => process.exit(7));
    }});
    {LISTEN}"""
    program = start(source, [http], env=HOUR)
    program.says("up")
    with connection(http) as upgraded, connection(http) as slow:
        upgraded.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
        assert b" 101 " in upgraded.recv(65536)
        send(slow, "/slow")
        get(http)
        program.terminate()
        drains(program)
        upgraded.sendall(b"still here")
        assert upgraded.recv(100) == b"still here"
        answer(slow)
        assert upgraded.recv(100) == b"going away"
    assert program.ended() == 7


@pytest.mark.parametrize(
    "source",
    [
        "console.log('up'); setInterval(() => {}, 1000);",
        f"{SILENT.replace('process.env.PORT', '0')}",
        "require('net').createServer(() => console.log('asked'))"
        ".listen(+process.env.PORT, () => console.log('up'));",
    ],
    ids=["no server", "another port", "no http"],
)
def test_a_program_that_answers_nothing_here_has_its_handler_run_at_once(
    start: Start, http: Shared, source: str
) -> None:
    program = start(f"process.on('SIGTERM', () => process.exit(7)); {source}", [http], env=HOUR)
    program.says("up")
    port = http.port
    if '"port":' in program.text:
        port = int(program.text.split('"port":')[1].split("}")[0])
    with connection(port) as asking:
        send(asking, "/never")
        if "asked" in source:
            program.says("asked")
        program.terminate()
        assert program.ended() == 7


# -- What the program sees


def test_handlers_run_in_their_order_once_with_their_arguments(start: Start, http: Shared) -> None:
    """Those that there are by then; one that was removed meanwhile does not run."""
    source = f"""{HTTP}
    const says = (name) => (...args) => console.log(name + ' ' + JSON.stringify(args));
    const gone = says('gone');
    process.on('SIGTERM', says('first'));
    process.on('SIGTERM', gone);
    process.once('SIGTERM', says('once'));
    server.on('listening', () => process.prependListener('SIGTERM', says('prepended')));
    server.on('request', ({{url}}) => {{
      if (url === '/late') {{
        process.removeListener('SIGTERM', gone);
        process.on('SIGTERM', says('late'));
        process.on('SIGTERM', () => {{
          const left = process.rawListeners('SIGTERM').filter(({{listener}}) => listener).length;
          console.log('open ' + server.listening + ', once ' + left);
          server.close((error) => console.log('closed ' + error) || process.exit(7));
        }});
      }}
    }});
    {LISTEN}"""
    program = start(source, [http])
    program.says("up")
    with connection(http) as slow, connection(http) as kept:
        ask(kept)
        send(slow, "/slow")
        get(http)
        program.terminate()
        drains(program)
        ask(kept, "/late")
        answer(slow)
    assert program.ended() == 7
    names = ["prepended", "first", "once", "late"]
    said = [f'{name} ["SIGTERM",15]' for name in names]
    assert program.text.splitlines()[1:] == [*said, "open true, once 0", "closed undefined"]


def test_a_second_signal_counts_and_ends_the_drain_when_it_comes_late(
    start: Start, http: Shared
) -> None:
    counts = "let n = 0; process.on('SIGTERM', () => console.log('got ' + ++n) || n > 1 && cut());"
    program = start(f"{SILENT} {counts}", [http], env=HOUR)
    program.says("up")
    with hanging(program, http):
        program.terminate()
        drains(program)

        def again() -> bool:
            program.terminate()
            return "got 2" in program.text

        until(again, what="it is taken for: now")
        assert program.ended() == 7


@pytest.mark.parametrize("remaining", ["", "process.removeAllListeners('SIGTERM');"])
def test_a_handler_may_raise_the_signal_again(start: Start, http: Shared, remaining: str) -> None:
    """As shutdown hooks of NestJS do: none of the program's handlers is left then."""
    source = f"""{HTTP} {LISTEN}
    process.once('SIGTERM', () => {{
      console.log('mine');
      {remaining}
      process.kill(process.pid, 'SIGTERM');
    }});"""
    program = start(source, [http])
    program.says("up")
    with connection(http) as slow:
        send(slow, "/slow")
        get(http)
        program.terminate()
        answer(slow)
    assert program.ended() == (-signal.SIGTERM if remaining else 0)
    assert program.text.count("mine") == 1


def test_what_the_program_emits_itself_is_handled_at_once(start: Start, http: Shared) -> None:
    source = f"""{HTTP} {LISTEN}
    process.on('SIGTERM', (...args) => console.log('handled ' + args));
    server.on('request', () => {{
      console.log('emits');
      console.log(process.emit('SIGTERM', 'by hand'), process.emit('nothing'));
    }});"""
    program = start(source, [http], env=HOUR)
    program.says("up")
    get(http)
    program.says("emits\nhandled by hand\ntrue false\n")


# -- Without it


CLOSE = "server.close(() => setTimeout(() => process.exit(7), 300)); console.log('closing');"
OWN = {
    "on": f"process.on('SIGTERM', () => {{ {CLOSE} }});",
    "once": f"process.once('SIGTERM', () => {{ {CLOSE} }});",
    "cuts idle": f"process.on('SIGTERM', () => {{ {CLOSE} server.closeIdleConnections?.(); }});",
}


@pytest.mark.parametrize("own", OWN.values(), ids=OWN.keys())
def test_without_a_drain_a_handler_runs_at_once_and_gets_a_gentle_close(
    start: Start, http: Shared, own: str
) -> None:
    program = start(f"{own} {SERVE}", [http], env=AT_ONCE)
    program.says("up")
    with connection(http) as kept:
        ask(kept)
        program.terminate()
        program.says("closing")
        assert b"connection: close" in ask(kept).lower()
    assert program.ended() == 7


def test_without_a_drain_a_handler_that_exits_at_once_is_obeyed(start: Start, http: Shared) -> None:
    program = start(f"{SILENT} process.on('SIGTERM', () => process.exit(9));", [http], env=AT_ONCE)
    program.says("up")
    with hanging(program, http):
        program.terminate()
        assert program.ended() == 9
