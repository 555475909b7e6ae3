"""Runs a config's engine with less than its user's rights. A program of its own, by its path.

    python -I sandbox.py '{"engine": "node", "argv": [...], "folder": ..., "file": ..., ...}'

What is taken away, each where the kernel lets it:

- network: a namespace of its own without a device (root, or where users may make namespaces);
- as root: the user; ``nobody`` where that can read the config and run the engine, else the owner
  of the config, else root without a single capability;
- new privileges by set-uid programs (``no_new_privs``);
- memory, CPU time, files written (none), descriptors, core dumps, by rlimits.

Only the standard library, and nothing of recon: it runs as soon as Python can read this file.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import resource
import sys
from typing import Any

_NOBODY = 65534
_CLONE_NEWUSER, _CLONE_NEWNET = 0x1000_0000, 0x4000_0000
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 24, 38, 47, 4
_LAST_CAPABILITY = 63
_CAPABILITY_VERSION_3 = 0x2008_0522

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    request: dict[str, Any] = json.loads(sys.argv[1])
    os.chdir(request["cwd"])
    if request["engine"] == "quickjs":
        sys.path[:0] = request["path"]
        # Beside this file; loaded while it can still be read.
        quick = importlib.import_module("quick")
    _leave_network()
    _limit(request)
    if os.geteuid() == 0:
        _leave_root(request)
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if request["engine"] == "quickjs":
        quick.main(request)
    else:
        os.execve(request["argv"][0], request["argv"], request["environ"])


def _leave_network() -> None:
    if _libc.unshare(_CLONE_NEWNET) != 0:
        _libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def _limit(request: dict[str, Any]) -> None:
    for kind, most in (
        (resource.RLIMIT_DATA, request["memory"]),
        (resource.RLIMIT_CPU, request["seconds"]),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 256),
    ):
        hard = resource.getrlimit(kind)[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (least, least))


def _leave_root(request: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):
        os.setgroups([])
    owner = os.stat(request["file"])
    for uid, gid in ((_NOBODY, _NOBODY), (owner.st_uid, owner.st_gid)):
        if uid != 0 and _become(uid, gid, request):
            return
    _leave_capabilities()


def _become(uid: int, gid: int, request: dict[str, Any]) -> bool:
    """Whether we are that user now; root still where it could not read what has to be read."""
    try:
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, 0)
        os.close(os.open(request["file"], os.O_RDONLY))
        os.listdir(request["folders"][0])
        may = not request["argv"] or os.access(request["argv"][0], os.X_OK)
        if may:
            os.setresuid(uid, uid, uid)
            return True
    except OSError:
        pass
    with contextlib.suppress(OSError):
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)
    return False


def _leave_capabilities() -> None:
    """None, and none to gain by an exec: a root with no capability owns root's files, no more."""
    for capability in range(_LAST_CAPABILITY + 1):
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    _libc.capset(header, (ctypes.c_uint32 * 6)())


if __name__ == "__main__":
    main()
