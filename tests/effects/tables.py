"""All functions that ``reconciler`` uses of the modules that reach outside its own memory.

``test_effects.py`` beside this reads all of ``reconciler`` and fails for a function that is in none
of the tables, so an effect is covered from the day on which it is written.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


EFFECTS: dict[str, frozenset[str]] = {
    "os": _words(
        "chmod chown fchmod fchown fdatasync fork fsync ftruncate kill killpg link mkdir mkfifo"
        " open posix_spawn pwrite rename replace rmdir sched_setaffinity setpriority splice symlink"
        " truncate unlink utime write writev"
    ),
    "fcntl": frozenset({"fcntl", "flock"}),
    "io": frozenset({"open"}),
    "resource": frozenset({"prlimit"}),
    "signal": frozenset({"pidfd_send_signal"}),
    "socket": _words("bind connect listen send sendall sendmsg sendto shutdown"),
    "sqlite3": _words("close commit execute executemany executescript rollback"),
    "subprocess": frozenset({"Popen"}),
}
"""By module. Those of ``socket`` are methods of a socket, those of ``sqlite3`` of a connection."""

COMPOSED: dict[str, frozenset[str]] = {
    "os": frozenset({"fdopen", "makedirs"}),
    "pathlib": _words(
        "chmod mkdir open rename replace rmdir symlink_to touch unlink write_bytes write_text"
    ),
    "shutil": frozenset({"copyfile", "rmtree"}),
    "socket": frozenset({"send_fds"}),
    "subprocess": frozenset({"run"}),
    "tempfile": frozenset({"TemporaryDirectory", "TemporaryFile", "mkstemp"}),
}
"""What Python makes of the effects above: each of those is seen by itself."""

HARMLESS: dict[str, frozenset[str]] = {
    "os": _words(  # reads
        "access cpu_count fsdecode fsencode fspath fstat get_terminal_size getcwd getegid geteuid"
        " getgrouplist getpid getppid getpgid getpriority getsid getxattr listdir lseek lstat"
        " makedev pread read"
        " readlink scandir sched_getaffinity stat statvfs strerror sysconf uname urandom walk"
        # of this process alone, and over when it ends
        " _exit chdir close closerange dup dup2 execv execve memfd_create pidfd_open pipe pipe2"
        " set_blocking set_inheritable setgroups setresgid setresuid setsid umask waitid waitpid"
        # no functions
        " POSIX_SPAWN_DUP2 POSIX_SPAWN_OPEN DirEntry PathLike defpath devnull environ pardir path"
        " sep stat_result terminal_size"
    ),
    "fcntl": frozenset({"ioctl"}),  # FIONREAD and questions of pidfds and namespaces
    "io": frozenset({"BufferedWriter", "FileIO", "StringIO", "TextIOWrapper"}),
    "pathlib": _words(
        "absolute anchor as_uri cwd exists expanduser glob group home is_dir is_file is_relative_to"
        " is_symlink iterdir lstat match name owner parent parents read_bytes read_text readlink"
        " root stat stem suffix with_name with_suffix"
    ),
    "resource": frozenset({"getrlimit", "setrlimit"}),
    "shutil": frozenset({"copyfileobj", "which"}),
    "signal": _words(
        "Signals getsignal pthread_sigmask set_wakeup_fd setitimer signal valid_signals"
    ),
    "socket": _words(
        "AddressFamily accept close detach family fileno gaierror getaddrinfo gethostname"
        " getsockname getsockopt inet_ntop recv recvmsg setblocking setsockopt"
        " settimeout socket socketpair timeout type"
    ),
    "sqlite3": _words(
        "Connection DatabaseError Error OperationalError Row connect cursor description fetchone"
        " row_factory text_factory"
    ),
    "subprocess": frozenset({"CompletedProcess", "TimeoutExpired", "kill", "poll", "wait"}),
    "tempfile": frozenset(),
}
"""What reads, and what changes nothing that outlives the process."""

OTHERS = _words(
    "__future__ _signal _socket abc apprise argparse array asyncio base64 binascii bisect codecs"
    " collections compression concurrent configparser contextlib copy cronsim ctypes dataclasses"
    " datetime difflib dotenv email enum errno fnmatch functools gc getopt getpass glob grp gzip"
    " h11 hashlib heapq hmac http httpx2 importlib inotify_simple inspect ipaddress itertools"
    " jinja2 json logging lightkube markupsafe marshal math mmap operator pathspec pickle platform"
    " posixpath prometheus_client psutil pwd pydantic queue quickjs random re reconciler requests"
    " rich secrets select selectors shlex sse_starlette ssl starlette stat statistics struct sys"
    " tenacity termios textual textwrap threading time tomllib tty typer types typing unicodedata"
    " urllib uvicorn warnings watchfiles yaml zlib zoneinfo"
)
"""Modules and libraries that change nothing outside, or by what is above. ``ctypes`` is in
``LIBC``; what libraries do for a page is not the controller's."""

LIBC = {
    "reconciler/api/server/access.py": "asks a socket for its peer",
    "reconciler/converge/process/descriptors.py": "closes its own descriptors",
    "reconciler/converge/process/stub.py": "is the child that becomes the program",
    "reconciler/convert/pm2/ecosystem/sandbox.py": "gives up its own rights",
    "reconciler/observed/host/machine.py": "asks for the state of the clock",
    "reconciler/system/accounts.py": "asks for a user's groups",
    "reconciler/notify/__main__.py": "ends with its parent",
    "reconciler/notify/attempt.py": "ends with its parent",
    "reconciler/notify/by_command.py": "ends with its parent",
    "reconciler/system/files/filesystem.py": "asks for the type of a file system",
    "reconciler/system/files/statx.py": "asks for a file's state",
    "reconciler/system/getfd.py": "fetches descriptors",
    "reconciler/system/resident.py": "has its own allocator give back memory",
    "reconciler/system/syscalls.py": "rights and mounts of the calling thread",
    "reconciler/system/work/workerproc.py": "ends with its parent",
}
"""Files that call libc without Python, and for what: nothing that outlives the process."""
