"""Literals that look like keys: what is found of planted ones, and how often that is wrong.

No key stands in this file: each is put together at run time, from a seed, in the form that its
issuer gives it. The other side is ``ordinary.txt``: what manifests hold that is no secret.
"""

from __future__ import annotations

import base64
import random
import shlex
import string
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.diff.lint.hardcoded_secrets import (
    FORMS,
    is_random,
    literals_in,
    secret_in,
    secrets_in_command,
)
from reconciler.model.spec.manifest import AppSpec

ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
_dice = random.Random(4)


def drawn(count: int, alphabet: str = ALNUM) -> str:
    return "".join(_dice.choices(alphabet, k=count))


def web_token() -> str:
    parts = ['{"alg":"HS256","typ":"JWT"}', '{"sub":"' + drawn(10) + '","iat":1700000000}']
    coded = [base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts]
    return ".".join([*coded, drawn(43)])


def pem(kind: str) -> str:
    lines = "\n".join(drawn(64) for _ in range(4))
    return f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----\n"


# Of each form several ways that it is met in; the name of the variable tells nothing.
FAKES: dict[str, list[Callable[[], str]]] = {
    "a private key": [
        lambda: pem("PRIVATE " + "KEY"),
        lambda: pem("RSA PRIVATE " + "KEY"),
        lambda: pem("OPENSSH PRIVATE " + "KEY").replace("\n", "\\n"),
        lambda: pem("PGP PRIVATE " + "KEY BLOCK"),
    ],
    "an age key": [lambda: "AGE-SECRET" + "-KEY-1" + drawn(58, string.ascii_uppercase + "234567")],
    "an AWS access key": [lambda: _dice.choice(["AKIA", "ASIA"]) + drawn(16, "ABCDEFGHIJ234567")],
    "a GitHub token": [
        lambda: "gh" + _dice.choice("pousr") + "_" + drawn(36),
        lambda: "github" + "_pat_" + drawn(22) + "_" + drawn(59),
    ],
    "a GitLab token": [lambda: "gl" + "pat-" + drawn(20), lambda: "gl" + "rt-" + drawn(20)],
    "a Slack token": [lambda: "xo" + "xb-" + drawn(12, string.digits) + "-" + drawn(24)],
    "a Slack webhook": [
        lambda: "https://hooks.slack" + f".com/services/T{drawn(8)}/B{drawn(8)}/{drawn(24)}"
    ],
    "a Stripe key": [
        lambda: "sk" + "_live_" + drawn(24),
        lambda: "rk" + "_test_" + drawn(99),
        lambda: "wh" + "sec_" + drawn(32),
    ],
    "a Google API key": [lambda: "AI" + "za" + drawn(35)],
    "a Google client secret": [lambda: "GOC" + "SPX-" + drawn(28)],
    "a JSON web token": [web_token, lambda: "Bearer " + web_token()],
    "an npm token": [lambda: "npm" + "_" + drawn(36)],
    "a PyPI token": [lambda: "py" + "pi-" + drawn(150)],
    "a SendGrid key": [lambda: "S" + "G." + drawn(22) + "." + drawn(43)],
    "a Twilio key": [lambda: "S" + "K" + drawn(32, HEX)],
    "an OpenAI or Anthropic key": [
        lambda: "sk" + "-proj-" + drawn(48),
        lambda: "sk" + "-" + drawn(48),
        lambda: "sk" + "-ant-api03-" + drawn(90),
    ],
    "a Hugging Face token": [lambda: "h" + "f_" + drawn(34)],
    "a Telegram bot token": [lambda: drawn(10, string.digits) + ":" + drawn(35)],
    "a DigitalOcean token": [lambda: "do" + "p_v1_" + drawn(64, HEX)],
    "a Docker Hub token": [lambda: "dckr" + "_pat_" + drawn(27)],
    "a Vault token": [lambda: "hv" + "s." + drawn(24), lambda: "hv" + "b." + drawn(90)],
    "a Shopify token": [lambda: "shp" + "at_" + drawn(32, HEX)],
    "an Azure storage key": [
        lambda: f"DefaultEndpointsProtocol=https;AccountName=crm;AccountKey={drawn(86)}=="
    ],
    "a password in a URL": [
        lambda: f"postgres://crm:{drawn(12)}@db.example.com:5432/crm",
        lambda: f"redis://:{drawn(20)}@cache/0",
        lambda: f"https://deploy:{drawn(8)}@git.example.com/x.git",
    ],
}


def random_secrets() -> Iterator[tuple[str, str]]:
    """Names that tell, and what generators of passwords and keys make."""
    passwords = ["DB_PASSWORD", "MYSQL_ROOT_PASSWORD", "REDIS_PASS", "smtpPassword", "PGPASSWORD"]
    secrets = ["JWT_SECRET", "CLIENT_SECRET", "APP_SECRET_PROD", "session-secret", "WEBHOOK_SECRET"]
    keys = ["API_KEY", "ENCRYPTION_KEY", "SECRET_KEY_BASE", "ACCESS_TOKEN", "apiToken", "APP_KEY"]
    for name in passwords:
        yield from ((name, drawn(count)) for count in (8, 12, 20, 40))
        yield name, _dice.choice(["correct", "horse"]) + drawn(2, string.digits)
        yield name, drawn(16, ALNUM + "!#$%&*+-/=?@^")
    for name in (*secrets, *keys):
        yield from ((name, drawn(count)) for count in (20, 32, 43, 64))
        yield from ((name, drawn(count, HEX)) for count in (32, 40, 64, 128))
        yield from ((name, base64.b64encode(_dice.randbytes(n)).decode()) for n in (16, 32, 64))
        yield name, "base64:" + base64.b64encode(_dice.randbytes(32)).decode()
        yield name, drawn(32, string.ascii_lowercase + string.digits)


def ordinary() -> list[str]:
    lines = (Path(__file__).with_name("ordinary.txt")).read_text().splitlines()
    return [line for line in lines if line and not line.startswith("# ")]


def found_in(line: str) -> bool:
    if line.startswith("$ "):
        return any(secrets_in_command(tuple(shlex.split(line[2:]))))
    name, _, value = line[1:].partition(": ") if line[0] == "@" else line.partition("=")
    return secret_in(name, value) is not None


def test_every_form_has_a_fake_and_a_source() -> None:
    assert FAKES.keys() == {form.what for form in FORMS}
    assert all(form.source for form in FORMS)


@pytest.mark.parametrize("what", FAKES)
def test_a_key_is_known_by_its_form_whatever_its_name(what: str) -> None:
    for made in FAKES[what]:
        for _ in range(20):
            key = made()
            assert secret_in("X", key) == what, key
            assert secret_in("X", f"some text; {key}") == what


def test_a_random_value_is_known_by_a_name_that_tells() -> None:
    planted = [*random_secrets()] * 1
    missed = [(name, value) for name, value in planted if secret_in(name, value) is None]
    assert len(planted) > 150
    assert len(missed) / len(planted) <= 0.03, missed  # measured: docs/manifest.md


def test_false_alarms_on_what_manifests_ordinarily_hold() -> None:
    lines = ordinary()
    alarms = [line for line in lines if found_in(line)]
    assert len(lines) > 450
    assert len(alarms) / len(lines) <= 0.01, alarms  # measured: docs/manifest.md


@pytest.mark.parametrize(
    ("command", "index"),
    [
        ("run --api-token=%s", 1),
        ("run --api-token %s", 2),
        ("run --db-password hunter22", 2),
        ("run -x --db-password=hunter22", 2),
        ("env DB_PASSWORD=hunter22 run", 1),
        ("sh -c 'export API_KEY=%s; exec run'", 2),
        ("curl -H 'Authorization: Bearer %s'", None),
        ("run --no-password --password-file %s", None),
    ],
)
def test_words_of_a_command(command: str, index: int | None) -> None:
    words = tuple(shlex.split(command.replace("%s", drawn(32))))
    found = [number for number, _ in secrets_in_command(words)]
    assert found == ([] if index is None else [index])


def test_every_place_of_a_spec_is_looked_at() -> None:
    key = FAKES["a GitHub token"][0]()
    header = {"name": "Authorization", "value": f"Basic {drawn(12)}"}
    spec = AppSpec.model_validate(
        {
            "command": ["run", key],
            "env": {"X": key, "FILE": {"secretFile": key}, "OK": "fine"},
            "stop": {"preStop": ["drain", f"--token={key}"]},
            "livenessProbe": {"exec": {"command": ["check", key]}},
            "readinessProbe": {"httpGet": {"port": 1, "httpHeaders": [header]}},
        }
    )
    assert {literal.path for literal in literals_in(spec, {"token": key, "tier": "api"})} == {
        ("env", "X"),
        ("command", 1),
        ("stop", "preStop", 1),
        ("livenessProbe", "exec", "command", 1),
        ("readinessProbe", "httpGet", "httpHeaders", 0, "value"),
        ("metadata", "labels", "token"),
    }


def test_what_people_write_is_not_random() -> None:
    for text in ("crm-production-cache-v2-2024", "keep-it-simple-keep-it-running", "A" * 40):
        assert not is_random(text)
    assert is_random(drawn(24)) and is_random(drawn(32, HEX))
