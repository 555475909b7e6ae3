"""The host finds what is ours, tells each end once, and signals nobody else."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from reconciler.model.host.lineage import limit_of
from reconciler.model.host.procstat import ProcStat
from reconciler.model.state.observed import Exit, Process, ProcessId, RunState, Tag
from reconciler.observed.processes import pidfds
from reconciler.observed.processes.host import Host
from reconciler.observed.processes.new_pids import TURNS
from reconciler.system import procfs
from reconciler.system.clock import boot_now, ticks_to_seconds
from tests.observed.conftest import SLEEP, Watched, Zoo, gone, nobody, tags
from tests.waiting import until

# A grandchild in a session of its own, whose parent has ended: nothing but its tag tells of it.
ESCAPE = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open('escaped.new', 'w').write(str(os.getpid()))
        os.rename('escaped.new', 'escaped')
        time.sleep(600)
    os._exit(0)
os.wait()
{then}
"""
ESCAPE_AGAIN = """
        if os.fork() == 0:
            open('second.new', 'w').write(str(os.getpid()))
            os.rename('second.new', 'second')
        time.sleep(600)
"""
# The same, with neither tag nor output: in the session of its parent, though.
WIPED_CHILD = """
import os, subprocess, time
null = subprocess.DEVNULL
child = subprocess.Popen(['sleep', '600'], env={}, stdout=null, stderr=null)
open('child.new', 'w').write(str(child.pid))
os.rename('child.new', 'child')
time.sleep(600)
"""
# A child in a session of its own, of a main process with this limit (``model.host.lineage``).
LED = """
import os, resource, time
resource.setrlimit(resource.RLIMIT_RTTIME, ({limit} | ({pid} & 0x3fff) << 48, -1))
if os.fork() == 0:
    os.setsid()
    open('led.new', 'w').write(str(os.getpid()))
    os.rename('led.new', 'led')
time.sleep(600)
"""


def seen(id: ProcessId) -> ProcStat:
    found = procfs.stat(id.pid)
    assert found is not None
    return found


def _register(zoo: Zoo, watched: Watched, tag: Tag, source: str = SLEEP) -> Process:
    id = zoo.start(tag, source)
    process = Process(tag, id, ticks_to_seconds(id.start))
    watched.host.register(process, os.pidfd_open(id.pid))
    return process


def test_a_process_of_an_earlier_controller_is_adopted(zoo: Zoo, watched: Watched) -> None:
    tag = zoo.tag()
    id = zoo.start_stranger(tag)
    found = watched.host.relist()
    assert [(p.tag, p.id, p.state) for p in found.adopted] == [(tag, id, RunState.RUNNING)]
    assert 0 < found.adopted[0].started_at <= boot_now()
    assert found.faults == ()
    assert watched.host.processes() == found.adopted == watched.host.processes("app")
    assert watched.host.apps() == {"app"} and watched.host.processes("other") == ()
    assert watched.host.relist().adopted == watched.host.relist(full=True).adopted == ()


def test_what_an_ended_main_process_of_an_earlier_controller_left_is_not_adopted(
    zoo: Zoo, watched: Watched
) -> None:
    tag = zoo.tag()
    child, ended = zoo.start_stranger(tag), zoo.start_stranger(zoo.tag())
    watched.mains[tag.nonce] = main = ended._replace(start=ended.start - 1)  # its pid is another's
    found = watched.host.relist()
    assert [process.tag.nonce for process in found.adopted] != [tag.nonce]
    assert [(process.tag, process.id) for process in found.ended] == [(tag, main)]
    assert watched.host.leftovers(tag.nonce) == (child,) and watched.host.get(tag.nonce) is None
    assert watched.host.relist(full=True).ended == ()
    assert watched.host.signal_all(tag.nonce, signal.SIGKILL) == 1
    watched.until(lambda: watched.gone == [tag.nonce], what="it is gone")


def test_a_main_process_of_an_earlier_controller_is_adopted_before_its_children(
    zoo: Zoo, watched: Watched
) -> None:
    tag = zoo.tag()
    child, main = zoo.start_stranger(tag), zoo.start_stranger(tag)
    watched.mains[tag.nonce] = main
    found = watched.host.relist()
    assert [process.id for process in found.adopted] == [main] and found.ended == ()
    assert watched.host.members(tag.nonce) == (main, child)


def test_a_child_of_a_main_process_that_nobody_wrote_down_is_not_taken_for_it(
    zoo: Zoo, watched: Watched
) -> None:
    tag = zoo.tag()
    main = zoo.start_stranger(tag, LED.format(limit=limit_of(tag.nonce), pid="os.getpid()"))
    child = zoo.stray(zoo.root / "led")
    zoo.kill(main)
    until(lambda: gone(main), what="the main process to end")
    found = watched.host.relist()
    assert found.adopted == () and [process.tag for process in found.ended] == [tag]
    assert watched.host.leftovers(tag.nonce) == (child,) and watched.host.get(tag.nonce) is None
    zoo.kill(child)
    watched.until(lambda: watched.gone == [tag.nonce], what="it is gone")


def test_a_main_process_that_nobody_wrote_down_is_told_from_its_child_by_its_lineage(
    zoo: Zoo, watched: Watched
) -> None:
    tag = zoo.tag()
    main = zoo.start_stranger(tag, LED.format(limit=limit_of(tag.nonce), pid="os.getpid()"))
    child = zoo.stray(zoo.root / "led")
    # As where pids have begun anew, or their times are one tick.
    assert watched.host._take_in(tag.nonce, [(seen(child), tag), (seen(main), tag)])
    assert watched.host.members(tag.nonce) == (main, child)


def test_a_child_that_is_seen_before_its_main_process_waits_for_it(
    zoo: Zoo, watched: Watched
) -> None:
    tag = zoo.tag()
    main = zoo.start_stranger(tag, LED.format(limit=limit_of(tag.nonce), pid="os.getpid()"))
    child = zoo.stray(zoo.root / "led")
    watched.host._new_pids.listing()
    assert watched.host._take_in(tag.nonce, [(seen(child), tag)]) == []
    found = watched.host.relist(full=True)
    assert [process.id for process in found.adopted] == [main] and found.ended == ()


def test_a_child_of_an_older_release_is_adopted_where_nothing_tells_it_from_the_main_process(
    zoo: Zoo, watched: Watched
) -> None:
    tag = zoo.tag()
    main = zoo.start_stranger(tag, LED.format(limit=limit_of(tag.nonce), pid="0"))
    child = zoo.stray(zoo.root / "led")
    zoo.kill(main)
    until(lambda: gone(main), what="the main process to end")
    assert [process.id for process in watched.host.relist().adopted] == [child]


def test_what_we_started_is_not_adopted_again(zoo: Zoo, watched: Watched) -> None:
    process = _register(zoo, watched, zoo.tag())
    assert watched.host.relist(full=True).adopted == ()
    assert watched.host.processes() == (process,)


def test_a_main_process_whose_pidfd_is_held_takes_no_turn(
    zoo: Zoo, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = _register(zoo, watched, zoo.tag())
    watched.host.relist()
    looked_at: set[int] = set()
    stat = procfs.stat

    def noted(pid: int, proc: str = procfs.PROC) -> ProcStat | None:
        looked_at.add(pid)
        return stat(pid, proc)

    monkeypatch.setattr(procfs, "stat", noted)
    for _ in range(TURNS):
        watched.host.relist(turn=True)
    assert process.id.pid not in looked_at
    assert os.getppid() in looked_at


def test_the_exit_of_a_child_is_told_once_and_then_it_is_forgotten(
    zoo: Zoo, watched: Watched
) -> None:
    process = _register(zoo, watched, zoo.tag(), "raise SystemExit(4)")
    watched.until(lambda: watched.gone, "the end")
    assert watched.exits == [(process, Exit(code=4), ())]
    assert watched.gone == [process.tag.nonce]
    assert watched.host.get(process.tag.nonce) is None and watched.host.apps() == set()
    watched.host.relist(full=True)
    assert len(watched.exits) == 1


def test_kill_9_of_an_adopted_process_is_told_with_its_signal(zoo: Zoo, watched: Watched) -> None:
    id = zoo.start_stranger(zoo.tag())
    watched.host.relist()
    zoo.kill(id)
    watched.until(lambda: watched.exits, "the end")
    assert watched.exits[0][1] == Exit(signal=signal.SIGKILL)


def test_a_zombie_is_not_adopted(zoo: Zoo, watched: Watched) -> None:
    id = zoo.start(zoo.tag())
    zoo.kill(id)
    os.waitid(os.P_PID, id.pid, os.WEXITED | os.WNOWAIT)
    assert watched.host.relist(full=True).adopted == ()


def test_an_escaped_grandchild_is_a_straggler_of_the_main_process(
    zoo: Zoo, watched: Watched
) -> None:
    tag = zoo.tag()
    main = zoo.start(tag, ESCAPE.format(then="time.sleep(600)"))
    escaped = zoo.stray(zoo.root / "escaped")
    watched.host.relist()
    (process,) = watched.host.processes()
    assert process.id == main and process.stragglers == (escaped,)
    assert watched.host.signal_all(tag.nonce, signal.SIGKILL) == 2
    watched.until(lambda: watched.gone == [tag.nonce], "all to be gone")
    assert gone(escaped)


def test_what_a_main_process_leaves_behind_is_known_when_its_exit_is_told(
    zoo: Zoo, watched: Watched
) -> None:
    watched.host.relist()
    process = _register(zoo, watched, zoo.tag(), ESCAPE.format(then="raise SystemExit(0)"))
    escaped = zoo.stray(zoo.root / "escaped")  # since the relist: nobody has told the host
    watched.until(lambda: watched.exits, "the exit")
    ended, exit, left = watched.exits[0]
    assert (ended.id, exit, left) == (process.id, Exit(code=0), (escaped,))
    assert ended.stragglers == (escaped,) and watched.gone == []
    nonce = process.tag.nonce
    watched.host.relist(full=True)
    assert watched.host.processes() == () and watched.host.get(nonce) is None
    assert not watched.host.signal(nonce, signal.SIGKILL)
    assert watched.host.leftovers(nonce) == (escaped,)
    assert watched.host.signal_all(nonce, signal.SIGKILL) == 1
    watched.until(lambda: watched.gone == [nonce], "the leftover to be gone")
    assert watched.host.leftovers(nonce) == ()


def test_a_signal_to_all_reaches_what_was_forked_a_moment_ago(zoo: Zoo, watched: Watched) -> None:
    watched.host.relist()
    source = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)\n"
    process = _register(zoo, watched, zoo.tag(), source + ESCAPE.format(then="time.sleep(600)"))
    watched.host.relist()
    (zoo.root / "go").touch()
    escaped = zoo.stray(zoo.root / "escaped")
    assert watched.host.signal_all(process.tag.nonce, signal.SIGKILL) == 2
    watched.until(lambda: watched.gone == [process.tag.nonce], "all to be gone")
    assert gone(escaped)


def test_what_a_leftover_forks_is_a_leftover_and_waited_for(zoo: Zoo, watched: Watched) -> None:
    fork = "        while not os.path.exists('go'): time.sleep(0.01)\n" + ESCAPE_AGAIN
    source = ESCAPE.format(then="raise SystemExit(0)").replace("        time.sleep(600)\n", fork)
    watched.host.relist()
    process = _register(zoo, watched, zoo.tag(), source)
    first = zoo.stray(zoo.root / "escaped")
    watched.until(lambda: watched.exits, "the exit")
    (zoo.root / "go").touch()
    second = zoo.stray(zoo.root / "second")
    assert watched.host.relist().adopted == ()
    nonce = process.tag.nonce
    assert set(watched.host.leftovers(nonce)) == {first, second}
    zoo.kill(first)
    watched.until(lambda: watched.host.leftovers(nonce) == (second,), "the first to go")
    assert watched.gone == []
    zoo.kill(second)
    watched.until(lambda: watched.gone == [nonce], "the second to go")


def test_a_child_without_tag_or_output_is_known_by_its_session(zoo: Zoo, watched: Watched) -> None:
    tag = zoo.tag()
    main = zoo.start(tag, WIPED_CHILD)
    child = zoo.stray(zoo.root / "child")
    until(lambda: tags(child.pid) == [], what="exec")
    watched.host.relist()
    assert [(p.id, p.stragglers) for p in watched.host.processes()] == [(main, (child,))]
    zoo.kill(main)
    watched.until(lambda: watched.exits, "the exit")
    assert watched.exits[0][2] == (child,)


def test_a_straggler_that_ends_is_forgotten_by_the_relist(zoo: Zoo, watched: Watched) -> None:
    zoo.start(zoo.tag(), ESCAPE.format(then="time.sleep(600)"))
    escaped = zoo.stray(zoo.root / "escaped")
    watched.host.relist()
    zoo.kill(escaped)
    until(lambda: procfs.stat(escaped.pid) is None, what="it to be reaped")
    watched.host.relist()
    assert watched.host.processes()[0].stragglers == ()
    assert watched.gone == []


def test_a_straggler_that_began_and_ended_between_two_listings_is_forgotten(
    zoo: Zoo, watched: Watched
) -> None:
    """As each child of a shell's loop: none may be kept as long as its main process lives."""
    watched.host.relist()
    _register(zoo, watched, zoo.tag(), ESCAPE.format(then="time.sleep(600)"))
    escaped = zoo.stray(zoo.root / "escaped")
    watched.host.look_for_children()
    assert watched.host.processes()[0].stragglers == (escaped,)
    zoo.kill(escaped)
    until(lambda: procfs.stat(escaped.pid) is None, what="it to be reaped")
    watched.host.relist()
    assert watched.host.processes()[0].stragglers == ()


def test_without_a_session_leader_the_earliest_is_the_main_process(
    zoo: Zoo, watched: Watched
) -> None:
    tag = zoo.tag()
    first = zoo.start(tag, session=False)
    until(lambda: boot_now() - ticks_to_seconds(first.start) > 0.05, what="a later tick")
    second = zoo.start(tag, session=False)
    watched.host.relist()
    assert [(p.id, p.stragglers) for p in watched.host.processes()] == [(first, (second,))]


def test_a_reused_pid_is_told_from_its_former_owner(zoo: Zoo, tmp_path: Path) -> None:
    proc = tmp_path / "proc"
    line = b"%d (x) S 1 %d %d " + b"0 " * 15 + b"%d 0"

    def become(pid: int, start: int, environ: bytes) -> None:
        (proc / str(pid)).mkdir(parents=True, exist_ok=True)
        (proc / str(pid) / "stat").write_bytes(line % (pid, pid, pid, start))
        (proc / str(pid) / "status").write_text(f"Name:\tx\nUid:\t{os.getuid()}\t0\t0\t0\n")
        (proc / str(pid) / "environ").write_bytes(environ)

    own, other = zoo.tag("own"), zoo.tag("other")
    become(70001, 100, f"RECON_ID={own}\0".encode())
    become(70002, 200, b"HOME=/\0")
    host = Host(zoo.store, zoo.root, None, journal=nobody, proc=str(proc))
    assert [p.id for p in host.relist().adopted] == [ProcessId(70001, 100)]
    become(70002, 300, f"RECON_ID={other}\0".encode())
    assert host.relist().adopted == ()  # the same pids: only a full look sees it
    (adopted,) = host.relist(full=True).adopted
    assert (adopted.id, adopted.tag) == (ProcessId(70002, 300), other)


def test_a_pid_that_became_another_process_is_never_signalled(zoo: Zoo) -> None:
    id = zoo.start(None)
    former = ProcessId(id.pid, id.start - 1)
    assert pidfds.hold(former) is None
    assert not pidfds.send_to(former, signal.SIGKILL)
    assert not gone(id)


def test_contradicting_witnesses_are_told_once_and_no_second_process_results(
    zoo: Zoo, watched: Watched
) -> None:
    stale, true = zoo.tag("old"), zoo.tag("new")
    id = zoo.start(stale, fifo=zoo.fifo(true))
    found = watched.host.relist()
    assert [(p.id, p.tag) for p in found.adopted] == [(id, true)]
    assert len(found.faults) == 1 and watched.host.faults == found.faults
    again = watched.host.relist(full=True)
    assert not again.faults and watched.host.faults == found.faults
    zoo.kill(id)
    watched.until(lambda: watched.gone, "the end")
    assert not watched.host.faults


def test_stopped_by_a_signal_is_frozen_and_continued_is_not(zoo: Zoo, watched: Watched) -> None:
    tag = zoo.tag("cold")
    id = zoo.start(tag)
    watched.host.relist()
    assert watched.host.sample_states() == set()
    assert watched.host.signal(tag.nonce, signal.SIGSTOP)
    until(lambda: (s := procfs.stat(id.pid)) and s.state == "T", what="SIGSTOP")
    assert watched.host.sample_states() == {"cold"}
    assert watched.host.processes()[0].state is RunState.FROZEN
    assert watched.host.sample_states() == set()
    watched.host.update(tag.nonce, state=RunState.STOPPING)
    assert watched.host.sample_states() == set()
    assert watched.host.processes()[0].state is RunState.STOPPING


def test_one_that_was_frozen_before_the_controller_came_is_adopted_as_frozen(
    zoo: Zoo, watched: Watched
) -> None:
    id = zoo.start(zoo.tag())
    zoo.kill(id, signal.SIGSTOP)
    until(lambda: (s := procfs.stat(id.pid)) and s.state == "T", what="SIGSTOP")
    assert watched.host.relist().adopted[0].state is RunState.FROZEN


def test_a_controller_started_by_one_of_its_programs_does_not_count_itself(
    zoo: Zoo, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = zoo.start(zoo.tag())
    monkeypatch.setattr(os, "getpid", lambda: id.pid)
    assert watched.host.relist().adopted == ()


def test_update_changes_the_record_and_an_unknown_nonce_nothing(zoo: Zoo, watched: Watched) -> None:
    process = _register(zoo, watched, zoo.tag())
    watched.host.update(process.tag.nonce, ready=False, stopping_at=1.0)
    found = watched.host.get(process.tag.nonce)
    assert found is not None and (found.ready, found.stopping_at) == (False, 1.0)
    watched.host.update("unknown", ready=False)
    assert watched.host.pidfd("unknown") is None
    assert not watched.host.signal("unknown", 0) and watched.host.signal_all("unknown", 0) == 0


def test_close_lets_the_processes_run_on_and_the_next_host_adopts_them(
    zoo: Zoo, watched: Watched
) -> None:
    process = _register(zoo, watched, zoo.tag())
    pidfd = watched.host.pidfd(process.tag.nonce)
    assert pidfd is not None
    watched.host.close()
    with pytest.raises(OSError):
        os.fstat(pidfd)
    assert not gone(process.id)
    following = Watched(zoo, nobody)
    try:
        assert [p.id for p in following.host.relist().adopted] == [process.id]
    finally:
        following.close()


def test_many_ends_at_once_are_all_told(zoo: Zoo, watched: Watched) -> None:
    tags = [zoo.tag("many", number) for number in range(20)]
    for tag in tags:
        _register(zoo, watched, tag)
    watched.host.relist()
    for tag in tags:
        watched.host.signal(tag.nonce, signal.SIGKILL)
    watched.until(lambda: len(watched.gone) == 20, "20 ends")
    assert sorted(watched.gone) == sorted(tag.nonce for tag in tags)
    assert {exit for _, exit, _ in watched.exits} == {Exit(signal=9)}


def test_out_of_files_forgets_nobody_and_the_next_relist_finds_all(
    zoo: Zoo, watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = _register(zoo, watched, zoo.tag())
    fresh = zoo.start_stranger(zoo.tag("fresh"))

    def refused(pid: int) -> int:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pidfd_open", refused)
        with pytest.raises(OSError, match="Too many"):
            watched.host.relist()
        assert [p.id for p in watched.host.processes()] == [known.id]
    assert [p.id for p in watched.host.relist().adopted] == [fresh]


def test_a_thousand_looks_cost_nothing_when_nothing_is_new(watched: Watched) -> None:
    """No absolute time: a quiet relist is at least not slower than a full one."""
    watched.host.relist()

    def best(full: bool) -> float:
        times = []
        for _ in range(10):
            began = time.perf_counter()
            watched.host.relist(full=full)
            times.append(time.perf_counter() - began)
        return min(times)

    assert best(full=False) < best(full=True)
