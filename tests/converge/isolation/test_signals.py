"""No signal to the controller is lost, whichever of its threads the kernel gives it to."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import threading

COUNT = 50
CONTROLLER = """
import asyncio, json, os, signal, sys
sys.path[:0] = json.loads(sys.argv[1])
count = int(sys.argv[2])
from reconciler.converge.process import descriptors
from reconciler.converge.isolation import signals
from reconciler.converge.isolation.user_account import account_of
from reconciler.converge.process.spawn import Program, start
signals.prepare()
descriptors.prepare()
program = Program(("/bin/true",), "/", account_of(None, None), {})
arrived = {signal.SIGTERM: 0, signal.SIGHUP: 0}

async def main():
    loop = asyncio.get_running_loop()
    def heard(number):
        arrived[number] += 1
        if number == signal.SIGTERM:
            print("heard", flush=True)
            if arrived[number] == count:
                done.set()
    done = asyncio.Event()
    for number in arrived:
        loop.add_signal_handler(number, heard, number)
    begin()
    # The sender of a signal picks a thread; here it is the one that forks, the worst of all.
    print("ready", threads()["spawner"], os.getpid(), flush=True)
    while not done.is_set():
        begin()
        await asyncio.sleep(0.005)

def begin():
    started = start(program, -3, -3)
    assert started.report.settled, "the quick way, from a thread of ours"
    os.waitid(os.P_PIDFD, started.pidfd, os.WEXITED)
    os.close(started.pidfd)

def threads():
    import threading
    return {one.name: one.native_id for one in threading.enumerate()}

asyncio.run(main())
print("all", flush=True)
"""


def test_every_sigterm_arrives_right_after_a_hup_and_while_starts_go_on() -> None:
    command = [sys.executable, "-c", CONTROLLER, json.dumps(sys.path), str(COUNT)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as controller:
        late = threading.Timer(60, controller.kill)  # only where a signal is lost
        late.start()
        try:
            assert controller.stdout is not None
            _, thread, process = controller.stdout.readline().split()
            for _ in range(COUNT):
                _tgkill(int(process), int(thread), 1)
                _tgkill(int(process), int(thread), 15)
                assert controller.stdout.readline() == "heard\n"
            assert controller.stdout.readline() == "all\n"
        finally:
            late.cancel()
            controller.kill()


def _tgkill(process: int, thread: int, number: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    numbers = {"x86_64": 234, "aarch64": 131, "riscv64": 131}
    machine = os.uname().machine
    if machine in numbers:
        assert libc.syscall(numbers[machine], process, thread, number) == 0
    else:
        os.kill(process, number)


def test_programs_start_with_no_signal_blocked() -> None:
    script = CONTROLLER.partition("program =")[0] + (
        "near, far = os.pipe()\n"
        "for switch in (False, True):\n"
        "    program = Program(('/bin/grep', 'SigBlk', '/proc/self/status'), '/',\n"
        "                      account_of(None, None), {}, handed=(0,) if switch else ())\n"
        "    started = start(program, far, -3)\n"
        "    os.waitid(os.P_PIDFD, started.pidfd, os.WEXITED)\n"
        "    print(started.report.settled, os.read(near, 100).decode().split()[1])\n"
    )
    command = [sys.executable, "-c", script, json.dumps(sys.path), "0"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == ["True " + "0" * 16, "False " + "0" * 16]
