"""`init`: first manifests that are right, with the line by which an editor finds their schema."""

from __future__ import annotations

import json
import os

from reconciler.cli.verbs.declare.init import MODELINE
from tests.cli.conftest import Cli


def test_init_writes_a_manifest_that_is_right_and_overwrites_nothing(cli: Cli) -> None:
    done = cli("init", "fresh")
    assert done.code == 0 and "recon apply -m fresh" in done.out
    assert cli("validate", "fresh").code == 0
    file = cli.manifests.parent / "fresh" / "hello.yaml"
    file.write_text("mine")
    done = cli("init", "fresh")
    assert done.code == 1 and "nothing was written" in done.err
    assert file.read_text() == "mine"
    cli.app("web")
    assert cli("init").code == 1
    assert len(list(cli.manifests.iterdir())) == 1


def test_the_first_line_leads_an_editor_to_the_schema(cli: Cli) -> None:
    assert cli("init", "fresh").code == 0
    root = cli.manifests.parent / "fresh"
    first = (root / "hello.yaml").read_text().splitlines()[0]
    prefix = "# yaml-language-server: $schema="
    assert first == MODELINE.rstrip() and first.startswith(prefix)
    schema = root / first.removeprefix(prefix)
    assert json.loads(schema.read_text()) == json.loads(cli("schema").out)
    schema.write_text("{}")
    assert cli("init", "fresh", "--", "sleep", "1").code == 0
    assert schema.read_text() == "{}"


def test_a_command_becomes_a_manifest_beside_others(cli: Cli) -> None:
    cli.app("web")
    (cli.manifests.parent / "worker.py").write_text("")
    for name in (os.path.basename(cli.manifests.parent).replace("_", "-"), "worker"):
        done = cli("init", "--", "python3", "-u", "worker.py")
        assert (done.code, done.err) == (0, "")
        text = (cli.manifests / f"{name}.yaml").read_text()
        assert text.startswith(MODELINE) and "command: [python3, -u, worker.py]" in text
    assert cli("validate").out.endswith("3 apps, no problems\n")


def test_words_without_dashes_before_them_are_met_with_the_right_line(cli: Cli) -> None:
    done = cli("init", "node", "server.js")
    assert done.code == 64 and "recon init -- node server.js" in done.err
    assert [*cli.manifests.iterdir()] == []
    assert "--dashboard" in cli("init", "--dashboard", "--", "x").err
