"""Unchanged Node programs take over the sockets of recon, and lose no request when replaced.

Real ``node``, started as the controller does it. Skipped by name where there is none.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.converge.inherited import PRELOAD, Program, Shared, tcp, unix
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

# -- The descriptor


@pytest.mark.parametrize(
    "listen",
    [
        "server.listen(PORT, up)",
        "server.listen(String(PORT), up)",
        "server.listen(PORT, '127.0.0.1', up)",
        "server.listen(PORT, '::1', up)",
        "server.listen(PORT, 'localhost', up)",
        "server.listen(PORT, '0.0.0.0', 100, up)",
        "server.listen(PORT, '::', 100, up)",
        "server.listen(PORT, '0000:0000:0000:0000:0000:0000:0000:0000', up)",  # Vite looks there
        "server.listen({port: PORT}, up)",
        "server.listen({port: String(PORT), host: 'localhost', exclusive: true}, up)",
        "server.once('listening', up).listen(PORT)",
        "server.listen({fd: 3}, up)",
    ],
)
@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "0.0.0.0", "::"])
def test_a_listen_on_a_declared_port_gets_the_shared_socket(
    start: Start, listen: str, host: str
) -> None:
    shared = tcp(host=host)
    program = start(f"const PORT = {shared.port}; {HTTP} const up = {UP}; {listen}", [shared])
    program.says(f'"port":{shared.port}')
    with socket.create_connection(shared.socket.getsockname()[:2], timeout=60) as sock:
        assert ask(sock).endswith(str(program.process.pid).encode())
    shared.socket.close()


@pytest.mark.parametrize(
    "listen",
    ["server.listen(PATH, up)", "server.listen({path: 'a.sock', readableAll: true}, 5, up)"],
)
def test_a_listen_on_a_declared_path_gets_the_shared_socket(
    start: Start, listen: str, tmp_path: Path
) -> None:
    shared = unix(tmp_path / "a.sock")
    # As many programs do before they listen: the path of a shared socket stays.
    clean = "const fs = require('fs'); fs.unlinkSync(PATH); fs.rmSync(PATH, {force: true});"
    source = f"const PATH = '{shared.path}'; {HTTP} const up = {UP}; {clean} {listen}"
    program = start(source, [shared], cwd=tmp_path)
    program.says("up")
    assert get(shared) == str(program.process.pid).encode()
    program.terminate()
    assert program.ended() == 0
    assert Path(shared.path).is_socket()
    shared.socket.close()


def test_another_port_is_listened_on_as_ever(start: Start, http: Shared) -> None:
    program = start(f"{HTTP} server.listen(0, '127.0.0.1', {UP})", [http])
    program.says("up")
    port = int(program.text.split('"port":')[1].split("}")[0])
    assert port != http.port
    assert get(port) == str(program.process.pid).encode()
    assert program.probe() is None


def test_a_second_server_on_the_port_fails_with_eaddrinuse(start: Start, http: Shared) -> None:
    second = "require('http').createServer().listen(Number(process.env.PORT))"
    program = start(
        f"{HTTP} server.listen(Number(process.env.PORT), () => {second}"
        ".on('error', (error) => console.log('second ' + error.code + ' ' + error.port)))",
        [http],
    )
    program.says(f"second EADDRINUSE {http.port}")
    assert get(http) == str(program.process.pid).encode()


def test_a_server_listens_again_after_close(start: Start, http: Shared) -> None:
    program = start(
        f"""{HTTP}
        const port = Number(process.env.PORT);
        let rounds = 0;
        const again = () => server.listen(port, () => {{
          console.log('round ' + ++rounds);
          if (rounds < 3) server.close(again);
          else if (rounds === 3) {{
            const other = require('http').createServer((q, r) => r.end('other'));
            server.close(() => other.listen(port, 'localhost', () => console.log('other')));
          }}
        }});
        again();""",
        [http],
    )
    program.says("other\n")
    assert get(http) == b"other"
    answered = program.probe()
    assert answered is not None and answered.endswith(b"other")


def test_a_closed_server_accepts_nothing_and_lets_the_process_end(
    start: Start, http: Shared
) -> None:
    program = start(f"{HTTP} server.listen(+process.env.PORT, () => server.close())", [http])
    assert program.ended() == 0
    with connection(http) as waiting:  # in the shared queue, for the next instance
        send(waiting)
        next_one = start(SERVE, [http])
        assert answer(waiting).endswith(str(next_one.process.pid).encode())


def test_a_server_for_all_addresses_serves_each_declared_one(start: Start) -> None:
    four = tcp("four")
    six = tcp("six", host="::1", port=four.port)
    program = start(SERVE, [four, six])
    program.says("up")
    for shared in (four, six):
        with socket.create_connection(shared.socket.getsockname()[:2], timeout=60) as sock:
            assert ask(sock).endswith(str(program.process.pid).encode())
        answered = program.probe(shared.name)
        assert answered is not None and answered.startswith(b"HTTP/1.1 200")
        shared.socket.close()


def test_a_probe_is_refused_before_listen_and_served_after(start: Start, http: Shared) -> None:
    program = start(
        f"""{HTTP}
        process.once('SIGUSR2', () => server.listen(Number(process.env.PORT), {UP}));
        setInterval(() => {{}}, 1000);
        console.log('waiting');""",
        [http],
    )
    program.says("waiting")
    assert program.probe() is None
    program.terminate(signal.SIGUSR2)
    until(lambda: program.probe() is not None, what="the probe is served")
    answered = program.probe()
    assert answered is not None and answered.endswith(str(program.process.pid).encode())


@pytest.mark.parametrize("other", ["3</dev/null", "3<&4", "3<&-"])
def test_a_descriptor_that_is_something_else_is_not_used(
    start: Start, http: Shared, other: str
) -> None:
    source = f"{SERVE} server.on('error', (error) => console.log(error.code));"
    program = start(["bash", "-c", f'exec {other}; exec node -e "$1"', "bash", source], [http])
    program.says("EADDRINUSE")


def test_a_program_that_unrefs_its_server_may_end(start: Start, http: Shared) -> None:
    program = start(f"{HTTP} server.listen(+process.env.PORT, () => server.unref())", [http])
    assert program.ended() == 0


def test_without_sockets_nothing_is_touched_and_nothing_printed() -> None:
    source = (
        "const n = require('net').Server.prototype._listen2.name;"
        "const c = require('child_process').ChildProcess.prototype.spawn.toString().length;"
        "console.log(n, c, process.listenerCount('SIGTERM'))"
    )
    plain = {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}
    outputs = {
        subprocess.run(
            ["node", "-e", source],
            env={**plain, **more},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for more in (
            {},
            {"NODE_OPTIONS": f"--require={PRELOAD}"},
            {"NODE_OPTIONS": f"--require={PRELOAD}", "RECON_SOCKETS": "{broken"},
            {"NODE_OPTIONS": f"--require={PRELOAD}", "RECON_SOCKETS": '[{"fd":77}]'},
        )
    }
    assert len(outputs) == 1


def test_a_path_with_spaces_can_be_preloaded(start: Start, http: Shared, tmp_path: Path) -> None:
    copy = tmp_path / 'a "b" c' / "preload.cjs"
    copy.parent.mkdir()
    shutil.copy(PRELOAD, copy)
    quoted = str(copy).replace("\\", "\\\\").replace('"', '\\"')
    program = start(SERVE, [http], env={"NODE_OPTIONS": f'--require="{quoted}"'})
    program.says("up")
    assert get(http) == str(program.process.pid).encode()


# -- Programs between


def npm_project(folder: Path, start_script: str) -> None:
    (folder / "server.js").write_text(SERVE)
    (folder / "package.json").write_text(f'{{"scripts": {{"start": "{start_script}"}}}}')


@pytest.mark.parametrize(
    "script",
    ["node server.js", "true && sh -c 'node server.js; true'", "node middle.js"],
)
def test_npm_run_hands_the_sockets_to_the_program(
    start: Start, http: Shared, tmp_path: Path, script: str
) -> None:
    npm_project(tmp_path, script)
    # As tsx and node --watch do: a message channel takes the number 3.
    (tmp_path / "middle.js").write_text(
        "require('child_process').fork('server.js').on('message', () => {})"
    )
    program = start(["npm", "run", "start"], [http], cwd=tmp_path)
    program.says(f'"port":{http.port}')
    assert get(http).isdigit()
    answered = program.probe()
    assert answered is not None and answered.startswith(b"HTTP/1.1 200")


def test_npm_run_drains_on_sigterm(start: Start, http: Shared, tmp_path: Path) -> None:
    npm_project(tmp_path, "node server.js")
    program = start(["npm", "run", "start"], [http], cwd=tmp_path)
    program.says("up")
    with connection(http) as sock:
        send(sock, "/slow")
        pid = int(get(http))
        program.terminate()
        assert answer(sock).endswith(str(pid).encode())
    program.ended()


def test_a_program_that_has_claimed_a_socket_hands_nothing_on(start: Start, http: Shared) -> None:
    child = (
        "const fs = require('fs');"
        "const is = (fd) => { try { return fs.fstatSync(fd).isSocket() } catch { return false } };"
        "const names = Object.keys(process.env).filter((n) => /^(RECON_S|LISTEN_)/.test(n));"
        "console.log('child', JSON.stringify([names, [3, 4].map(is)]))"
    )
    program = start(
        f"""{HTTP}
        const {{spawn}} = require('child_process');
        const child = () => spawn('node', ['-e', {child!r}], {{stdio: 'inherit'}});
        child().on('exit', () => server.listen(+process.env.PORT, child));""",
        [http],
    )
    program.says("[true,true]")  # before the claim
    program.says("child [[],[false,false]]")


def test_the_programs_own_stdio_keeps_its_meaning(start: Start, http: Shared) -> None:
    program = start(
        """
        const {spawn} = require('child_process');
        const child = spawn('sh', ['-c', 'echo one; echo three >&3; echo four >&4'],
                            {stdio: ['ignore', 'pipe', 'inherit', 'pipe', 'pipe']});
        const got = {};
        [1, 3, 4].forEach((n) => child.stdio[n].on('data', (data) => got[n] = String(data)));
        child.on('close', () => console.log('got ' + JSON.stringify(got)));""",
        [http],
    )
    program.says(r'got {"1":"one\n","3":"three\n","4":"four\n"}')


# -- Drain


def test_a_request_in_flight_is_answered_before_the_exit(start: Start, http: Shared) -> None:
    program = start(SERVE, [http])
    program.says("up")
    with connection(http) as sock:
        send(sock, "/slow")
        get(http)
        program.terminate()
        program.terminate()  # a second one changes nothing
        head = answer(sock).lower()
        assert b"connection: close" in head
    assert program.ended() == 0


def test_a_kept_connection_has_one_more_request_answered(start: Start, http: Shared) -> None:
    program = start(SERVE, [http])
    program.says("up")
    with connection(http) as kept, connection(http) as idle:
        assert b"keep-alive" in ask(kept)
        ask(idle)
        program.terminate()
        until(lambda: program.probe() is None, what="the probe is refused: it drains")
        assert b"connection: close" in ask(kept).lower()
        assert idle.recv(1) == b""  # in its time, which is short
    assert program.ended() == 0


def test_a_large_answer_is_flushed_before_the_exit(start: Start, http: Shared) -> None:
    size = 30_000_000
    program = start(
        f"require('http').createServer((q, r) => r.end(Buffer.alloc({size})))"
        f".listen(+process.env.PORT, () => console.log('up'))",
        [http],
    )
    program.says("up")
    with connection(http) as sock:
        send(sock)
        got = sock.recv(1)
        program.terminate()
        until(lambda: program.probe() is None, what="it drains")
        total = len(got)
        while part := sock.recv(1 << 20):
            total += len(part)
    assert total > size
    assert program.ended() == 0


def test_upgraded_connections_are_ended_after_the_requests(start: Start, http: Shared) -> None:
    program = start(
        f"""{HTTP}
        server.on('upgrade', (request, socket) => {{
          socket.write('HTTP/1.1 101 Switching\\r\\n'
                       + 'Upgrade: x\\r\\nConnection: upgrade\\r\\n\\r\\n');
          socket.on('data', (data) => socket.write(data));
        }});
        server.listen(+process.env.PORT, {UP});""",
        [http],
    )
    program.says("up")
    with connection(http) as upgraded, connection(http) as slow:
        upgraded.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
        assert b" 101 " in upgraded.recv(65536)
        send(slow, "/slow")
        get(http)
        program.terminate()
        until(lambda: program.probe() is None, what="it drains")
        upgraded.sendall(b"still here")
        assert upgraded.recv(100) == b"still here"
        answer(slow)
        assert upgraded.recv(1) == b""
    assert program.ended() == 0


def test_a_program_without_a_claim_dies_of_sigterm_as_ever(start: Start, http: Shared) -> None:
    program = start("setInterval(() => {}, 1000); console.log('up')", [http])
    program.says("up")
    program.terminate()
    assert program.ended() == -signal.SIGTERM


def test_the_declared_stop_signal_drains_as_well(start: Start, http: Shared) -> None:
    program = start(SERVE, [http], env={"RECON_STOP_SIGNAL": "SIGUSR2"})
    program.says("up")
    program.terminate(signal.SIGUSR2)
    assert program.ended() == 0


def test_a_plain_tcp_server_ends_its_connections_when_they_are_quiet(
    start: Start, http: Shared
) -> None:
    program = start(
        "require('net').createServer((s) => s.pipe(s))"
        ".listen(+process.env.PORT, () => console.log('up'))",
        [http],
    )
    program.says("up")
    with connection(http) as sock:
        sock.sendall(b"a")
        assert sock.recv(1) == b"a"
        program.terminate()
        sock.sendall(b"b")
        assert sock.recv(1) == b"b"
        assert sock.recv(1) == b""
    assert program.ended() == 0


# -- Under load


def spread(load: Load, programs: list[Program]) -> list[int]:
    return [load.answers[str(program.process.pid).encode()] for program in programs]


def test_three_instances_share_the_requests_of_one_socket(start: Start, http: Shared) -> None:
    programs = [start(SERVE, [http]) for _ in range(3)]
    for program in programs:
        program.says("up")
    with Load(port=http.port, clients=12, keep_alive=False) as load:
        until(lambda: load.ok >= 1500, what="1500 answers")
    assert not load.failures
    # Each has its part; how even the parts are is the kernel's affair, and the load's.
    assert min(spread(load, programs)) > load.ok / 100
    assert sum(spread(load, programs)) == load.ok


VITE_STYLE = f"""{HTTP}
const open = new Set();
server.on('connection', (socket) => open.add(socket));
process.once('SIGTERM', () => {{
  open.forEach((socket) => socket.destroy());
  server.close((error) => process.exit(error ? 8 : 0));
}});
server.listen(Number(process.env.PORT), {UP});"""
NEST_STYLE = f"{SERVE} process.on('SIGTERM', () => server.close(() => process.exit(0)));"


@pytest.mark.parametrize("keep_alive", [True, False], ids=["keep-alive", "one connection each"])
@pytest.mark.parametrize(
    "source",
    [SERVE, NEST_STYLE, VITE_STYLE],
    ids=["no handler", "own handler", "own handler that cuts"],
)
def test_no_request_is_lost_while_instances_are_replaced(
    start: Start, http: Shared, source: str, keep_alive: bool
) -> None:
    programs = [start(source, [http]) for _ in range(3)]
    with Load(port=http.port, clients=15, keep_alive=keep_alive) as load:
        replace_each(lambda: start(source, [http]), programs, load, rounds=6)
    assert not load.failures, load.failures[:5]
    assert load.ok > 2000


def replace_each(
    begin: Callable[[], Program], programs: list[Program], load: Load, rounds: int
) -> None:
    """One after the other, the new one ready before the old one is told to go."""
    for program in programs:
        ready(program)
    for n in range(rounds):
        more(load, 300)
        new = begin()
        ready(new)
        old, programs[n % len(programs)] = programs[n % len(programs)], new
        old.terminate()
        assert old.ended() == 0


def ready(program: Program) -> None:
    until(lambda: program.probe() is not None, what="ready")


def more(load: Load, answers: int) -> None:
    """Wait for so many more answers."""
    goal = load.ok + answers
    until(lambda: load.ok >= goal, what=f"{answers} more answers")


def test_slow_clients_of_kept_connections_lose_nothing(start: Start, http: Shared) -> None:
    programs = [start(SERVE, [http]) for _ in range(2)]
    with Load(port=http.port, clients=60, pause=0.4) as load:
        replace_each(lambda: start(SERVE, [http]), programs, load, rounds=2)
    assert not load.failures


def test_no_request_is_lost_on_a_unix_socket(start: Start, tmp_path: Path) -> None:
    shared = unix(tmp_path / "x.sock")
    source = f"{HTTP} server.listen('{shared.path}', () => console.log('up'))"
    programs = [start(source, [shared], probed=False) for _ in range(2)]
    for program in programs:
        program.says("up")
    with Load(path=shared.path, clients=10, keep_alive=False) as load:
        for old in programs:
            more(load, 500)
            start(source, [shared], probed=False).says("up")
            old.terminate()
            assert old.ended() == 0
    assert not load.failures
    shared.socket.close()


# -- cluster, threads, https, http2

CLUSTER = f"""
const cluster = require('cluster');
if (cluster.isPrimary) {{ cluster.fork(); cluster.fork(); }} else {{ {SERVE} }}
"""


def test_a_cluster_shares_the_socket_among_its_workers_and_drains(
    start: Start, http: Shared
) -> None:
    program = start(CLUSTER, [http])
    until(lambda: program.text.count("up") == 2, what="two workers")
    with Load(port=http.port, clients=10) as load:
        until(lambda: load.ok > 500, what="500 answers")
        other = start(CLUSTER, [http])
        until(lambda: other.text.count("up") == 2, what="two more workers")
        assert other.probe() is not None
        program.terminate()
        assert program.ended() == 0
        more(load, 100)
    assert not load.failures, load.failures[:5]
    assert len(load.answers) == 4


def test_a_worker_thread_gets_the_socket(start: Start, http: Shared) -> None:
    program = start(
        f"""const {{Worker, isMainThread}} = require('worker_threads');
        if (isMainThread) {{
          const worker = new Worker(__filename);
          worker.on('message', () => require('http').createServer()
            .listen(+process.env.PORT).on('error', (error) => console.log(error.code)));
        }} else {{
          {HTTP} server.listen(+process.env.PORT, () => {{
            require('worker_threads').parentPort.postMessage('up');
          }});
        }}""",
        [http],
    )
    program.says("EADDRINUSE")
    assert get(http) == str(program.process.pid).encode()


def test_https_drains_as_http_does(start: Start, http: Shared, tmp_path: Path) -> None:
    import ssl

    certificate(tmp_path)
    source = HTTP.replace("require('http').createServer(", f"require('https').createServer({TLS},")
    program = start(f"{source} server.listen(+process.env.PORT, {UP})", [http], cwd=tmp_path)
    program.says("up")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        context.wrap_socket(connection(http)) as kept,
        context.wrap_socket(connection(http)) as slow,
        context.wrap_socket(connection(http)) as idle,
    ):
        assert b"keep-alive" in ask(kept)
        ask(idle)
        send(slow, "/slow")
        program.terminate()
        assert b"connection: close" in answer(slow).lower()
        assert b"connection: close" in ask(kept).lower()
        assert idle.recv(1) == b""
    assert program.ended() == 0


@pytest.mark.parametrize("tls", [False, True], ids=["h2c", "h2"])
def test_http2_streams_in_flight_are_answered(
    start: Start, http: Shared, tmp_path: Path, tls: bool
) -> None:
    certificate(tmp_path)
    made = f"createSecureServer({TLS}," if tls else "createServer("
    source = HTTP.replace("require('http').createServer(", f"require('http2').{made}")
    program = start(f"{source} server.listen(+process.env.PORT, {UP})", [http], cwd=tmp_path)
    program.says("up")
    asking = http2_client(http.port, "/slower", tls=tls)
    program.terminate()
    assert is_answered(asking, program)
    assert program.ended() == 0


# -- Frameworks


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with frameworks from the registry."""
    folder = tmp_path_factory.mktemp("npm")
    (folder / "package.json").write_text("{}")
    packages = ["express@4", "signal-exit@3", "exit4@npm:signal-exit@4",
                "@nestjs/core@10", "@nestjs/common@10",
                "@nestjs/platform-express@10", "reflect-metadata@0.2", "rxjs@7"]  # fmt: skip
    got = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *packages],
        cwd=folder, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    if got.returncode != 0:
        pytest.skip(f"npm cannot install from its registry: {got.stderr[-200:]}")
    return folder


EXPRESS = """
const app = require('express')();
app.get('/', (request, response) => response.status(200).send(String(process.pid)));
app.listen(process.env.PORT, () => console.log('up'));
"""
NEST = """
require('reflect-metadata');
const {Module, Controller, Get} = require('@nestjs/common');
const {NestFactory} = require('@nestjs/core');
class Pid { pid() { return String(process.pid); } }
const method = Object.getOwnPropertyDescriptor(Pid.prototype, 'pid');
Get()(Pid.prototype, 'pid', method);
Controller()(Pid);
class App {}
Module({controllers: [Pid]})(App);
NestFactory.create(App, {logger: false}).then(async (app) => {
  if (process.env.HOOKS) app.enableShutdownHooks();
  await app.listen(process.env.PORT);
  console.log('up');
});
"""
# Loaded by many libraries: it kills the process where it is the only one to listen.
WATCHED = f"require('signal-exit')(() => console.log('hook')); {EXPRESS}"
WATCHED_4 = f"require('exit4').onExit(() => console.log('hook')); {EXPRESS}"
# The same, of a program that cuts.
CUTTING = """
process.on('SIGTERM', () => {
  server.closeAllConnections();
  server.close(() => process.exit(0));
});
"""
WATCHED_CUT = WATCHED_4.replace("app.listen", "const server = app.listen") + CUTTING


@pytest.mark.parametrize(
    ("source", "env"),
    [
        (EXPRESS, {}),
        (WATCHED, {}),
        (WATCHED_4, {}),
        (WATCHED_CUT, {}),
        (NEST, {}),
        (NEST, {"HOOKS": "1"}),
    ],
    ids=[
        "express",
        "express with signal-exit 3",
        "express with signal-exit 4",
        "express with signal-exit 4 and a handler that cuts",
        "nest",
        "nest with shutdown hooks",
    ],
)
def test_no_request_to_a_framework_is_lost(
    start: Start, http: Shared, modules: Path, source: str, env: dict[str, str]
) -> None:
    given = {"NODE_PATH": str(modules / "node_modules"), **env}
    programs = [start(source, [http], env=given) for _ in range(2)]
    with Load(port=http.port, clients=10) as load:
        replace_each(lambda: start(source, [http], env=given), programs, load, rounds=2)
    assert not load.failures, load.failures[:5]
