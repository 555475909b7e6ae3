"""Each key of PM2 means the same in a manifest, or is told."""

from __future__ import annotations

import random
import string
from typing import Any

import pytest

from reconciler.convert.errors import ImportFault
from reconciler.convert.manifests.draft import Fate
from reconciler.convert.manifests.finalise import bundle
from reconciler.model.spec.manifest import AppSpec
from tests.convert.conftest import HOST, MANIFESTS, manifests, one, pm2_draft, problems, told

APP: dict[str, Any] = {"name": "backend", "script": "dist/main.js", "exec_mode": "fork"}


def spec(**keys: Any) -> dict[str, Any]:
    return one({**APP, **keys})


@pytest.mark.parametrize(
    ("app", "command"),
    [
        ({"script": "dist/main.js"}, ["node", "dist/main.js"]),
        (
            {"script": "x.js", "args": "preview --port 4173 --host"},
            ["node", "x.js", "preview", "--port", "4173", "--host"],
        ),
        (
            {"script": "npm", "args": "run dev -- --port 5173"},
            ["npm", "run", "dev", "--", "--port", "5173"],
        ),
        ({"script": "npm run start"}, ["npm", "run", "start"]),
        ({"script": "cd x && npm start"}, ["bash", "-c", "cd x && npm start"]),
        ({"script": "A=1 npm start"}, ["bash", "-c", "A=1 npm start"]),
        ({"script": "main.py"}, ["python3", "main.py"]),
        ({"script": "run.sh", "args": ["a b", ""]}, ["bash", "run.sh", "a b", ""]),
        ({"script": "app", "interpreter": "none"}, ["app"]),
        ({"script": "./app", "interpreter": "none"}, ["./app"]),
        (
            {"script": "x.js", "node_args": "--inspect --x='a b'"},
            ["node", "--inspect", "--x='a b'", "x.js"],
        ),
        ({"script": "x.ts", "interpreter": "bun"}, ["bun", "x.ts"]),
        ({"script": "x.ts", "interpreter": "deno run -A"}, ["deno", "run", "-A", "x.ts"]),
        (
            {"script": "x.ts", "interpreter": "deno", "interpreter_args": "run -A", "args": "a"},
            ["deno", "run", "-A", "x.ts", "a"],
        ),
        (
            {"script": "x.ts", "interpreter": "bun run --hot", "node_args": "--smol"},
            ["bun", "run", "--hot", "--smol", "x.ts"],
        ),
        (
            {"script": "x.ts", "interpreter": "~/.bun/bin/bun"},
            [f"{HOST.environ['HOME']}/.bun/bin/bun", "x.ts"],
        ),
        ({"script": "x.ts", "interpreter": "ts-node", "args": "1"}, ["ts-node", "x.ts", "1"]),
        ({"script": "x.js", "args": [1, True, {"a": 1}]}, ["node", "x.js", "1", "true", '{"a":1}']),
        ({"cmd": "x.js"}, ["node", "x.js"]),
        ({"script": "x.js", "source_map_support": True}, ["node", "--enable-source-maps", "x.js"]),
        ({"script": "htop", "nodeArgs": "--x"}, ["node", "--x", "/usr/bin/htop"]),
    ],
)
def test_the_command_is_what_pm2_would_run(app: dict[str, Any], command: list[str]) -> None:
    assert one({"name": "a", "exec_mode": "fork", **app})["command"] == command


@pytest.mark.parametrize("script", ["npm", "npm run start", "cd x && node y.js"])
def test_what_keeps_a_sigint_from_its_program_is_asked_by_sigterm(script: str) -> None:
    draft = pm2_draft({"name": "a", "script": script})
    assert "stop" not in draft.spec
    assert "SIGTERM" in told(draft, Fate.CHANGED)[draft.spec["command"][0]]
    assert spec()["stop"] == {"signal": "SIGINT"}


def test_a_limit_that_pm2_held_against_npm_alone_is_told_to_be_another() -> None:
    draft = pm2_draft({"name": "a", "script": "npm start", "max_memory_restart": "200M"})
    assert draft.spec["limits"] == {"memory": "200M"}
    assert "npm alone" in told(draft, Fate.CHANGED)["max_memory_restart"]
    alone = pm2_draft({**APP, "max_memory_restart": "200M"})
    assert "max_memory_restart" not in told(alone, Fate.CHANGED)


def test_variables_are_the_text_that_pm2_would_set() -> None:
    env = {"A": 1, "B": 1.5, "C": True, "D": {"a": [1, None]}, "E": None, "F": 1e21, "G": 1e-7}
    found = spec(env={**env, "H": {"$": "undefined"}})["env"]
    assert found == {
        "A": "1",
        "B": "1.5",
        "C": "true",
        "D": '{"a":[1,null]}',
        "E": "null",
        "F": "1e+21",
        "G": "1e-7",
    }


def test_what_cannot_be_a_variable_is_told_by_its_name_only() -> None:
    env = {"RECON_ID": "x", "A B": "hush-hush", "N": "hush\0", "OK": "1"}
    draft = pm2_draft({**APP, "env": env})
    assert set(draft.spec["env"]) == {"OK"}
    lost = told(draft, Fate.LOST)
    assert set(lost) == {"env.RECON_ID", "env.A B", "env.N"}
    assert "hush" not in str(lost)


def test_an_environment_is_the_profile_of_its_name_and_holds_what_differs() -> None:
    env = {"PORT": 3000, "NODE_ENV": "development"}
    found = spec(env=env, env_production={"NODE_ENV": "production", "PORT": 3000}, env_same=env)
    assert found["profiles"] == {"production": {"env": {"NODE_ENV": "production"}}, "same": {}}


def test_a_profile_gives_the_environment_that_pm2_gives() -> None:
    from reconciler.desired.manifest.merge import spec_of

    found = spec(env={"A": 1, "B": 2}, env_x={"B": 3, "C": 4})
    assert spec_of(found, {}, "x")["env"] == {
        "A": "1",
        "B": "3",
        "C": "4",
    }


def test_env_file_is_read_by_recon_and_never_was_by_pm2() -> None:
    draft = pm2_draft({**APP, "env_file": ".env", "cwd": "./backend"})
    (document,) = manifests(bundle([draft], MANIFESTS)).values()
    assert document["spec"]["envFrom"] == [{"file": "../backend/.env", "optional": True}]
    assert "PM2 does not read" in told(draft, Fate.CHANGED)["env_file"]
    assert "file" not in draft.profiles


def test_paths_are_relative_to_the_manifest_where_they_were_relative() -> None:
    assert spec(cwd="./backend")["cwd"] == "../backend"
    assert spec(cwd="/opt/x")["cwd"] == "/opt/x"
    assert spec()["cwd"] == ".."


@pytest.mark.parametrize(
    ("value", "instances"),
    [(3, 3), ("2", 2), (0, "max"), ("max", "max"), (-1, "max-1"), (-2, 2), (-9, 1), ("x", "max")],
)
def test_instances(value: Any, instances: int | str) -> None:
    found = spec(exec_mode="cluster", instances=value, env={"PORT": 3000})
    assert found["instances"] == instances


def test_a_cluster_shares_the_port_that_it_is_told() -> None:
    found = spec(exec_mode="cluster", instances=2, env={"PORT": 3000}, env_x={"PORT": "4000"})
    assert found["sockets"] == [{"name": "http", "port": 3000, "host": "::"}]
    assert found["profiles"]["x"]["sockets"] == [{"name": "http", "port": 4000, "host": "::"}]
    assert "strategy" not in found
    by_argument = spec(exec_mode="cluster", instances=2, args="serve --port=4173")
    assert by_argument["sockets"][0]["port"] == 4173
    draft = pm2_draft({**APP, "exec_mode": "cluster", "instances": 2})
    assert "does not name it" in told(draft, Fate.TODO)["exec_mode: cluster"]


def test_in_fork_mode_the_old_process_ends_first_since_the_port_is_its_own() -> None:
    assert spec(env={"PORT": 3000})["strategy"] == {"maxSurge": 0}


def test_pm2_takes_an_app_of_node_with_instances_for_a_cluster() -> None:
    assert "sockets" in one({"script": "a.js", "instances": 1, "port": 3000, "env": {}})
    assert "sockets" not in one({"script": "a.js", "port": 3000, "env": {}})
    assert "sockets" not in one({"script": "a.py", "instances": 1, "port": 3000, "env": {}})


def test_two_apps_with_one_port_share_no_socket() -> None:
    cluster = {"script": "a.js", "exec_mode": "cluster", "instances": 2, "env": {"PORT": 3000}}
    drafts = [pm2_draft({**cluster, "name": name}) for name in ("one", "two")]
    found = bundle(drafts, MANIFESTS)
    assert not problems(found)
    assert "one has the same port" in told(drafts[1], Fate.TODO)["sockets"]
    assert "sockets" in drafts[0].spec
    assert drafts[1].spec["strategy"] == {"maxSurge": 0}


def test_increment_var_counts_from_what_env_says() -> None:
    assert spec(increment_var="PORT", instances=2, env={"PORT": 3000})["env"]["PORT"] == {
        "perInstance": 3000
    }
    own = spec(increment_var="PORT", exec_mode="cluster", instances=2, env={"PORT": 3000})
    assert "sockets" not in own and own["strategy"] == {"maxSurge": 0}


@pytest.mark.parametrize(
    ("keys", "fields"),
    [
        ({"autorestart": False}, {"restartPolicy": "Never"}),
        ({"stop_exit_codes": [0]}, {"restartPolicy": "OnFailure"}),
        ({"stop_exit_codes": 0}, {"restartPolicy": "OnFailure"}),
        ({"autostart": False}, {"suspend": True}),
        ({"kill_timeout": 3000}, {"terminationGracePeriodSeconds": 3}),
        ({"kill_timeout": "1600"}, {"terminationGracePeriodSeconds": 1.6}),
        ({"restart_delay": 4000}, {"backoff": {"initialSeconds": 4, "maxSeconds": 4}}),
        (
            {"exp_backoff_restart_delay": 100},
            {"backoff": {"initialSeconds": 0.1, "maxSeconds": 15, "resetSeconds": 30}},
        ),
        ({"uid": "crm", "gid": "web"}, {"user": "crm", "group": "web"}),
        ({"user": "crm"}, {"user": "crm"}),
        ({}, {"stop": {"signal": "SIGINT"}}),
    ],
)
def test_keys_of_the_life_cycle(keys: dict[str, Any], fields: dict[str, Any]) -> None:
    found = spec(**keys)
    assert {name: found[name] for name in fields} == fields


@pytest.mark.parametrize(
    "keys",
    [
        {"exec_mode": "cluster", "instances": 2, "env": {"PORT": 3000}},
        {"exec_mode": "cluster", "instances": 2},
        {},
        {"script": "npm", "args": "start"},
        {"script": "a.ts", "interpreter": "tsx"},
    ],
)
def test_wait_ready_is_a_notification_and_listen_timeout_its_bound(keys: dict[str, Any]) -> None:
    found = spec(**keys, wait_ready=True, listen_timeout="20000")
    assert found["readinessProbe"] == {"notify": True}
    assert found["progressDeadlineSeconds"] == 20
    assert "progressDeadlineSeconds" not in spec(**keys, wait_ready=True)


@pytest.mark.parametrize("interpreter", ["bun", "deno", "python3", "php", "none"])
def test_what_is_not_node_cannot_send_ready(interpreter: str) -> None:
    keys = {"script": "a", "interpreter": interpreter, "wait_ready": True, "listen_timeout": 9000}
    draft = pm2_draft({**APP, **keys})
    assert "readinessProbe" not in draft.spec and "progressDeadlineSeconds" not in draft.spec
    assert "httpGet" in told(draft, Fate.TODO)["wait_ready"]


@pytest.mark.parametrize(("script", "signal"), [("a.js", "SIGINT"), ("npm run start", "SIGTERM")])
def test_what_makes_a_message_of_the_stop_signal_is_told(script: str, signal: str) -> None:
    keys = {"name": "a", "script": script, "shutdown_with_message": True}
    todo = told(pm2_draft(keys), Fate.TODO)["shutdown_with_message"]
    line = f"process.on('{signal}', () => process.emit('message', 'shutdown'))"
    assert (
        todo == f"recon sends {signal} and no message; add this line to the program, which turns"
        f" one into the other: {line}"
    )


def test_namespaces_are_labels() -> None:
    draft = pm2_draft({**APP, "namespace": "crm"})
    assert draft.labels == {"namespace": "crm"}
    assert not pm2_draft({**APP, "namespace": "default"}).labels


def test_what_is_not_carried_over_is_told_once_asked_for() -> None:
    draft = pm2_draft({**APP, "disable_logs": True, "max_restarts": 5, "sript": "x"})
    assert "logs.rotate" in told(draft, Fate.LOST)["disable_logs"]
    assert "backoff" in told(draft, Fate.UNNEEDED)["max_restarts"]
    assert "does not know this key" in told(draft, Fate.UNNEEDED)["sript"]
    assert not told(pm2_draft({**APP, "cron_restart": "0", "disable_logs": False}), Fate.LOST)


def test_an_app_without_a_script_is_an_error_that_names_it() -> None:
    with pytest.raises(ImportFault, match=r"ecosystem\.config\.js: app 1 \(x\) has no script"):
        pm2_draft({"name": "x"})


def test_names_become_recons_and_stay_apart() -> None:
    names = ["API Server", "api.server", "Überweisung", "后端", "x" * 80]
    drafts = [pm2_draft({**APP, "name": name}) for name in names]
    found = bundle(drafts, MANIFESTS)
    assert not problems(found)
    titles = [draft.title for draft in drafts]
    assert titles == ["api-server", "api-server-2", "u-berweisung", "app", "x" * 63]
    assert "API Server is now api-server" in told(drafts[0], Fate.CHANGED)["name"]


def test_one_name_twice_is_told_with_both_places_and_a_way_out() -> None:
    drafts = [pm2_draft(APP), pm2_draft(APP, folder="/srv/other")]
    with pytest.raises(ImportFault) as caught:
        bundle(drafts, MANIFESTS)
    for word in ("/srv/crm/ecosystem", "/srv/other/ecosystem", "--only", "--prefix"):
        assert word in str(caught.value)
    for draft in drafts[:1]:
        assert bundle([draft], MANIFESTS, prefix="old-").drafts[0].title == "old-backend"


def test_a_key_pasted_four_times_is_one_file_and_shown_nowhere() -> None:
    key = "MIIE" + "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=600))
    env = {"ESIGN_PRIVATE_KEY": key, "PUBLIC": "yes"}
    apps = [
        {**APP, "name": name, "env": env, "env_production": {**env, "PUBLIC": "no"}}
        for name in ("one", "two")
    ]
    drafts = [pm2_draft(app) for app in apps]
    found = bundle(drafts, MANIFESTS)
    assert found.vault.files == {f"{MANIFESTS}/secrets/one/ESIGN_PRIVATE_KEY": key}
    for text in found.manifests.values():
        assert key not in text
        assert "ESIGN_PRIVATE_KEY: {secretFile: secrets/one/ESIGN_PRIVATE_KEY}" in text
    assert key not in repr(found)


def test_logs_go_where_pm2_wrote_them_with_the_time_as_it_was() -> None:
    app = {
        **APP,
        "out_file": "logs/out.log",
        "error_file": "logs/err.txt",
        "log_date_format": "YYYY-MM-DD HH:mm:ss.SSS Z",
        "merge_logs": True,
        "instances": 2,
    }
    draft = pm2_draft(app)
    assert draft.spec["logs"] == {
        "stdout": "/srv/crm/logs/out.log",
        "stderr": "/srv/crm/logs/err.txt",
        "timestamps": "%Y-%m-%d %H:%M:%S.%f %z",
    }
    apart = pm2_draft({**app, "merge_logs": False, "time": True, "log_type": "json"})
    assert apart.spec["logs"] == {
        "stdout": "/srv/crm/logs/out-<instance>.log",
        "stderr": "/srv/crm/logs/err.txt-<instance>",
        "timestamps": "%Y-%m-%dT%H:%M:%S",
        "format": "json",
    }
    assert "a file of its own" in told(apart, Fate.CHANGED)["merge_logs"]
    odd = pm2_draft({**APP, "out_file": "logs/<name>.log", "log_date_format": "[at] Q"})
    assert "logs" not in odd.spec
    assert told(odd, Fate.LOST).keys() == {"out_file"}


def test_apps_that_wrote_to_one_file_have_one_each() -> None:
    apps = [
        {**APP, "name": "a", "out_file": "all.log", "error_file": "all.log"},
        {**APP, "name": "b", "out_file": "all.log", "error_file": "err.log"},
        {**APP, "name": "c", "out_file": "all.log", "time": False},
    ]
    drafts = [pm2_draft(app) for app in apps]
    bundle(drafts, MANIFESTS)
    assert drafts[0].spec["logs"]["stdout"] == drafts[0].spec["logs"]["stderr"]
    assert "stdout" not in drafts[1].spec["logs"] and "stderr" in drafts[1].spec["logs"]
    assert "stdout" not in drafts[2].spec["logs"]
    assert "a writes there" in told(drafts[1], Fate.CHANGED)["logs.stdout"]


def test_watch_is_relative_to_cwd_and_true_means_all_of_it() -> None:
    assert "watch" in AppSpec.model_fields
    app = {"watch": ["dist"], "ignore_watch": ["node_modules", "*.log"], "watch_delay": 200}
    assert spec(**app)["watch"] == {
        "paths": ["dist"],
        "ignore": ["node_modules", "*.log"],
        "settleSeconds": 0.2,
    }
    assert spec(watch=True)["watch"] == {"paths": ["."]}
    assert "watch" not in spec(watch=False)


def test_patterns_to_watch_become_the_folders_above_them() -> None:
    watched = ["src/**/*.js", "src/*.json", "*.env", "/etc/crm/*", "pages/[id].js"]
    draft = pm2_draft({**APP, "watch": watched})
    assert draft.spec["watch"] == {"paths": ["src", ".", "/etc/crm", "pages/[id].js"]}
    said = [note.text for note in draft.notes if note.key == "watch"]
    assert len(said) == 4 and said[0].startswith("src/**/*.js becomes all of src")


def test_an_interpreter_of_nvm_that_is_not_there_is_told() -> None:
    draft = pm2_draft({**APP, "interpreter": "node@18.0.0"}, HOST)
    assert draft.spec["command"][0] == "node"
    assert "nvm" in told(draft, Fate.TODO)["interpreter: node@18.0.0"]


def test_python_is_unbuffered_as_pm2_has_it() -> None:
    assert one({"script": "w.py"})["env"]["PYTHONUNBUFFERED"] == "1"


def test_what_the_model_refuses_is_taken_out_and_told_in_spec_and_profiles() -> None:
    draft = pm2_draft({**APP, "env_x": {"A": "1"}})
    draft.spec["instances"] = -1
    draft.profiles["x"]["umask"] = "rwx"
    found = bundle([draft], MANIFESTS)
    assert not problems(found) and not problems(found, "x")
    assert told(draft, Fate.LOST) == {
        "instances": "must be at least 0",
        "umask": "'rwx' is not a umask; write it in octal, e.g. '022'",
    }
    draft.spec["command"] = []
    with pytest.raises(ImportFault, match=r"backend: spec\.command"):
        bundle([draft], MANIFESTS)
