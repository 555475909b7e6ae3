"""supervisord's programs mean here what supervisord's own parser makes of them."""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.convert.errors import ImportFault
from reconciler.convert.host import Host
from reconciler.convert.manifests.draft import Draft, Fate
from reconciler.convert.manifests.finalise import bundle
from reconciler.convert.supervisor.files import drafts_of_files
from reconciler.convert.supervisor.options import OPTIONS, environment
from reconciler.desired.manifest.merge import spec_of
from tests.convert.conftest import manifests, problems, told

Write = Callable[[str, str], str]

CONFIG = """\
[supervisord]
environment=GLOBAL="yes",OWN="no"

[program:web]
command=/bin/cat %(here)s/x -n %(ENV_HOME)s 'a b' ; a comment
process_name=%(program_name)s_%(process_num)02d
numprocs=3
numprocs_start=1
environment=PORT="80%(process_num)02d",OWN="b,c %%",E="%(ENV_HOME)s/x"
stopsignal=INT
stopwaitsecs=3
autorestart=true
startsecs=5
umask=027
directory=/tmp

[program:once]
command=sh -c "echo hi"
autorestart=false
autostart=false

[program:quit]
command=sleep 1
exitcodes=0,2
stopsignal=QUIT

[program:many]
command=node %(process_num)d.js
process_name=%(program_name)s-%(process_num)d
numprocs=2

[group:crm]
programs=web,once
"""


def host() -> Host:
    return Host(2, "::", {**os.environ, "HOME": "/home/crm"})


def imported(file: str) -> dict[str, Any]:
    drafts, _ = drafts_of_files([file], host())
    found = bundle(drafts, os.path.dirname(file) + "/manifests")
    assert not problems(found)
    return manifests(found)


def draft_of(write: Write, options: str, name: str = "x") -> Draft:
    file = write("s.conf", f"[program:{name}]\n{options}\n")
    drafts, _ = drafts_of_files([file], host())
    return drafts[0]


def oracle(file: str, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The processes, as supervisord itself has them."""
    module = pytest.importorskip("supervisor.options", reason="supervisor is not installed")
    monkeypatch.setenv("HOME", "/home/crm")
    options = module.ServerOptions()
    options.here = os.path.dirname(file)
    options.configfile = file
    options.environ_expansions = {f"ENV_{name}": value for name, value in os.environ.items()}
    options.read_config(file)
    section = options.configroot.supervisord
    common = section.environment
    return [
        (group.name, process, {**common, **process.environment})
        for group in section.process_group_configs
        for process in group.process_configs
    ]


def test_commands_environments_and_the_rest_are_supervisords(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write("supervisord.conf", CONFIG)
    ours = imported(file)
    assert set(ours) == {"web", "once", "quit", "many-0", "many-1"}
    for group, process, variables in oracle(file, monkeypatch):
        name = group if group in ours else process.name
        if group == "crm":
            name = process.name.partition("_")[0]
        document = ours[name]
        spec = spec_of(document["spec"], {}, None)
        number = int(process.name[-2:]) - 1 if name == "web" else 0
        assert spec["command"] == shlex.split(process.command), process.name
        mine = {
            key: str(value["perInstance"] + number) if isinstance(value, dict) else value
            for key, value in spec["env"].items()
        }
        assert mine == variables
        stop = spec.get("stop", {}).get("signal", "SIGTERM")
        assert signal.Signals(process.stopsignal).name == stop
        assert spec.get("suspend", False) is not process.autostart
        assert document["metadata"].get("labels", {}).get("group", name) in (group, name)
    assert ours["web"]["spec"]["instances"] == 3
    assert ours["web"]["spec"]["terminationGracePeriodSeconds"] == 3
    assert ours["web"]["spec"]["minReadySeconds"] == 5
    assert ours["web"]["spec"]["umask"] == "027"
    assert "restartPolicy" not in ours["web"]["spec"]
    assert ours["once"]["spec"]["restartPolicy"] == "Never"
    assert ours["quit"]["spec"]["restartPolicy"] == "OnFailure"


def test_every_option_that_supervisord_reads_is_in_the_table() -> None:
    module = pytest.importorskip("supervisor.options", reason="supervisor is not installed")
    names = {*module.ProcessConfig.req_param_names, *module.ProcessConfig.optional_param_names}
    names -= {"name", "uid"}  # process_name and user
    assert names <= {*OPTIONS, "command"}
    assert all(option.text for option in OPTIONS.values())


def test_includes_are_read_relative_to_the_file(write: Write) -> None:
    write("conf.d/a.conf", "[program:a]\ncommand=cat %(here)s/x\ndirectory=%(here)s\n")
    file = write("s.conf", "[include]\nfiles = conf.d/*.conf nowhere/*.conf\n")
    folder = os.path.dirname(file)
    found = imported(file)
    assert found["a"]["spec"]["command"] == ["cat", f"{folder}/conf.d/x"]
    _, notes = drafts_of_files([file], host())
    assert "nowhere/*.conf" in notes[file][0].text


def test_what_was_read_from_this_shell_is_told(write: Write) -> None:
    text = "[supervisord]\nenvironment=OWN=x\n[program:x]\ncommand=cat %(ENV_HOME)s %(ENV_OWN)s\n"
    file = write("s.conf", text)
    _, notes = drafts_of_files([file], host())
    (note,) = notes[file]
    assert (note.fate, note.key) == (Fate.CHANGED, "HOME")
    assert "read from the environment of this shell" in note.text


def test_what_cannot_be_mapped_is_named(write: Write) -> None:
    file = write(
        "s.conf",
        "[eventlistener:mail]\ncommand=x\n"
        "[unix_http_server]\nfile=/x\n[rpcinterface:supervisor]\na=b\n[odd]\na=b\n",
    )
    drafts, notes = drafts_of_files([file], host())
    assert drafts == []
    fates = {note.key: note.fate for note in notes[file]}
    assert fates == {
        "[eventlistener:mail]": Fate.TODO,
        "[unix_http_server]": Fate.UNNEEDED,
        "[rpcinterface:supervisor]": Fate.UNNEEDED,
        "[odd]": Fate.UNNEEDED,
    }


def test_keys_that_lose_something_say_what(write: Write) -> None:
    draft = draft_of(write, "command=x\npriority=1\nstdout_syslog=true\nwhat=1")
    assert "dependsOn" in told(draft, Fate.LOST)["priority"]
    assert "syslog" in told(draft, Fate.LOST)["stdout_syslog"]
    assert "does not know this option" in told(draft, Fate.UNNEEDED)["what"]
    kill = draft_of(write, "command=x\nstopsignal=KILL")
    assert kill.spec["terminationGracePeriodSeconds"] == 0


def test_of_a_log_that_is_no_file_rotation_is_not_told(write: Write) -> None:
    options = "command=x\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0"
    draft = draft_of(write, options)
    assert "stdout_logfile" in told(draft, Fate.LOST)
    assert "stdout_logfile_maxbytes" not in told(draft, Fate.CHANGED)


def test_rotation_is_carried_over(write: Write) -> None:
    options = "command=x\nstdout_logfile_maxbytes=5MB\nstdout_logfile_backups=3"
    assert draft_of(write, options).spec["logs"] == {"rotate": {"size": "5Mi", "keep": 3}}


@pytest.mark.parametrize(
    ("codes", "written"),
    [("0", None), ("0,2", [2]), ("78", [78]), ("2,0,3", [2, 3]), ("0, 255", [255])],
)
def test_expected_exit_codes_count_as_success(
    write: Write, codes: str, written: list[int] | None
) -> None:
    draft = draft_of(write, f"command=x\nexitcodes={codes}")
    assert draft.spec["restartPolicy"] == "OnFailure"
    assert draft.spec.get("successExitCodes") == written
    assert ("exitcodes" in told(draft, Fate.CHANGED)) == ("0" not in codes.split(","))
    always = draft_of(write, f"command=x\nexitcodes={codes}\nautorestart=true")
    assert "successExitCodes" not in always.spec


# -- Where it runs


def test_without_a_directory_it_runs_where_supervisord_was_started(write: Write) -> None:
    file = write("s.conf", "[program:x]\ncommand=a\nstdout_logfile=logs/x.log\n")
    (guessed,), _ = drafts_of_files([file], host())
    assert "--cwd DIR" in told(guessed, Fate.TODO)["directory"]
    (asked,), _ = drafts_of_files([file], host(), cwd="/srv/crm")
    assert asked.spec["cwd"] == "/srv/crm" and not told(asked, Fate.TODO)
    assert asked.spec["logs"]["stdout"] == "/srv/crm/logs/x.log"


def test_a_directory_that_is_written_is_no_question(write: Write) -> None:
    for text in (
        "[supervisord]\ndirectory=/srv/crm\n[program:x]\ncommand=a\n",
        "[program:x]\ncommand=a\ndirectory=/srv/crm\n",
    ):
        (draft,), _ = drafts_of_files([write("s.conf", text)], host())
        assert draft.spec["cwd"] == "/srv/crm" and not told(draft, Fate.TODO)
    relative = write("s.conf", "[program:x]\ncommand=a\ndirectory=api\n")
    (draft,), _ = drafts_of_files([relative], host(), cwd="/srv/crm")
    assert draft.spec["cwd"] == "/srv/crm/api"


# -- Logs


def test_a_log_file_holds_what_the_program_wrote_and_no_times(write: Write) -> None:
    draft = draft_of(write, "command=x\nstdout_logfile=/srv/x.log\nredirect_stderr=true")
    assert draft.spec["logs"] == {"stdout": "/srv/x.log", "merge": True, "timestamps": False}
    for nothing in ("AUTO", "NONE", "none", "off", "syslog", "/dev/null", "/dev/stdout"):
        draft = draft_of(write, f"command=x\nstdout_logfile={nothing}\nredirect_stderr=true")
        assert draft.spec["logs"] == {"merge": True}


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/proc/1/fd/2"])
def test_a_log_that_is_no_file_is_told_and_left_out(write: Write, name: str) -> None:
    draft = draft_of(write, f"command=x\nstdout_logfile={name}\nstdout_logfile_maxbytes=0")
    assert "logs" not in draft.spec
    assert "not a file" in told(draft, Fate.LOST)["stdout_logfile"]


@pytest.mark.parametrize("place", ["%(process_num)d", "%(process_num)02d", "%(process_num)s"])
def test_processes_that_differ_in_the_name_of_their_log_are_one_app(
    write: Write, place: str
) -> None:
    draft = draft_of(
        write,
        "command=worker --queue a\nnumprocs=3\nprocess_name=%(program_name)s_%(process_num)d\n"
        f"stdout_logfile=/srv/logs/x-{place}.log\nstderr_logfile=/srv/logs/e-{place}.log",
    )
    assert draft.spec["instances"] == 3
    logs = {"stdout": "/srv/logs/x-<instance>.log", "stderr": "/srv/logs/e-<instance>.log"}
    assert draft.spec["logs"] == {**logs, "timestamps": False}
    assert not problems(bundle([draft], "/srv/manifests"))


# -- FastCGI


@pytest.mark.parametrize(
    ("options", "socket"),
    [
        ("socket=tcp://localhost:9002", {"port": 9002, "host": "127.0.0.1"}),
        ("socket=tcp://:9002", {"port": 9002, "host": "0.0.0.0"}),
        ("socket=tcp://10.0.0.7:9002", {"port": 9002, "host": "10.0.0.7"}),
        ("socket=unix:///run/x.sock", {"path": "/run/x.sock", "mode": "700"}),
        (
            "socket=unix:///run/x.sock\nsocket_owner=www:crm\nsocket_mode=0770",
            {"path": "/run/x.sock", "mode": "0770", "owner": "www", "group": "crm"},
        ),
    ],
)
def test_a_fastcgi_program_gets_its_socket_as_standard_input(
    write: Write, options: str, socket: dict[str, Any]
) -> None:
    text = f"[fcgi-program:php]\ncommand=php-cgi 'a b'\ndirectory=/srv\nnumprocs=2\n{options}\n"
    (draft,), _ = drafts_of_files([write("s.conf", text)], host())
    assert draft.spec["sockets"] == [{"name": "fcgi", **socket}]
    assert draft.spec["command"] == ["/bin/sh", "-c", "exec php-cgi 'a b' <&3 3<&-"]
    assert draft.spec["instances"] == 2 and "strategy" not in draft.spec
    assert not draft.notes and not problems(bundle([draft], "/srv/manifests"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[fcgi-program:x]\ncommand=a\n", "socket: must be tcp://"),
        ("[fcgi-program:x]\ncommand=a\nsocket=x\n", "s.conf:3: socket: must be tcp://"),
        ("[program:x]\ncommand=a\nexitcodes=0,x\n", "s.conf:3: exitcodes: must be numbers"),
        ("[program:x]\n", "command: is missing"),
        (
            "[program:x]\ncommand=a %(ENV_NOT_THERE_X)s\n",
            "s.conf:2: command: NOT_THERE_X is not in",
        ),
        ("[program:x]\ncommand=a 100%\n", "write %%"),
        ("[program:x]\ncommand=a\nnumprocs=x\n", "s.conf:3: numprocs: must be a whole number"),
        ("[program:x]\ncommand=a\nautorestart=perhaps\n", "true, false or unexpected"),
        ("[program:x]\ncommand=a\nstopsignal=STOP\n", "s.conf:3: stopsignal"),
        ("[program:x]\ncommand=a\nenvironment=A\n", "environment: is not a list of pairs"),
        ("[program:x]\ncommand='a\n", "command: no closing quotation"),
        ("a=b\n", "s.conf:1: a line before the first [section]"),
        ("[program:x]\nnonsense\n", "s.conf:2: neither option=value nor a [section]"),
        ("[include]\n", "[include] has no files"),
    ],
)
def test_mistakes_have_a_place(write: Write, text: str, message: str) -> None:
    with pytest.raises(ImportFault) as caught:
        drafts_of_files([write("s.conf", text)], host())
    assert message in str(caught.value)


@settings(max_examples=300, deadline=None)
@given(st.text("AB=,\"' /.x-%\\", max_size=15))
def test_environments_are_split_as_supervisord_does(text: str) -> None:
    module = pytest.importorskip("supervisor.datatypes", reason="supervisor is not installed")
    try:
        theirs = module.dict_of_key_value_pairs(text)
    except ValueError:
        theirs = None
    assert environment(text) == theirs


_WORD = st.sampled_from(
    ["%(process_num)d", "%(ENV_HOME)s", "%", "%%", "%(x", "a", "'", ";", "5", "true", "A=1,B=2"]
) | st.text("[]:=\n %x#\t", max_size=3)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(st.sampled_from(sorted(OPTIONS)), st.lists(_WORD, max_size=4), max_size=8),
    st.text(max_size=10),
)
def test_any_text_is_a_sentence_or_valid(
    tmp_path_factory: Any, options: dict[str, list[str]], rest: str
) -> None:
    folder = tmp_path_factory.getbasetemp() / "inis"
    folder.mkdir(exist_ok=True)
    lines = [f"{name}={''.join(words)}" for name, words in options.items()]
    text = "\n".join(["[program:x]", "command=a", *lines, rest])
    (folder / "s.conf").write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        drafts, _ = drafts_of_files([str(folder / "s.conf")], host())
        assert not problems(bundle(drafts, str(folder)))
    except ImportFault as fault:
        assert str(fault)
