"""Literals in a manifest that look like keys: shown by `recon validate`, moved by `--fix`.

Two ways to know one. By its form, where the issuer of the key gave it one (``_FORMS``, each with
its source). And by its name: what a variable called ``…_PASSWORD`` holds is one, unless it is
plainly something else; what one called ``…_TOKEN`` or ``…_KEY`` holds is one if it looks random.
A random value under any other name is left alone: hashes of commits, ids and public keys are many.

How often that is wrong is measured in ``tests/diff/lint/test_hardcoded_secrets.py``.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from reconciler.model.spec.program import ProgramSpec

Path = tuple[str | int, ...]


class Form(NamedTuple):
    """What keys of one kind look like."""

    what: str
    pattern: re.Pattern[str]
    source: str


def _form(what: str, pattern: str, source: str) -> Form:
    return Form(what, re.compile(pattern), source)


_EDGE = r"(?<![A-Za-z0-9_-])"
FORMS = (
    _form(
        "a private key",
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----",
        "RFC 7468, sections 10 and 11; OpenSSH PROTOCOL.key; RFC 9580, section 6.2 (OpenPGP)",
    ),
    _form(
        "an age key", r"AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{40,}", "age: C2SP.org/age, X25519 identity"
    ),
    _form(
        "an AWS access key",
        _EDGE + r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])",
        "AWS IAM user guide: unique identifier prefixes",
    ),
    _form(
        "a GitHub token",
        _EDGE + r"(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})",
        "GitHub docs: types of authentication tokens",
    ),
    _form(
        "a GitLab token",
        _EDGE + r"(?:gl(?:pat|oas|dt|rt|rtr|cbt|ptt|ft|imt|agent|soat|ffct|wt)-[\w.-]{20,})",
        "GitLab docs: token overview, prefixes",
    ),
    _form(
        "a Slack token",
        _EDGE + r"(?:xox[abceoprs]|xapp)-[A-Za-z0-9-]{10,}",
        "Slack API docs: token types",
    ),
    _form(
        "a Slack webhook",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9]+/[A-Za-z0-9]+/[A-Za-z0-9]+",
        "Slack API docs: incoming webhooks (`contain a secret`)",
    ),
    _form(
        "a Stripe key",
        _EDGE + r"(?:[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{24,})",
        "Stripe docs: API keys; webhook signing secrets",
    ),
    _form("a Google API key", _EDGE + r"AIza[\w-]{35}(?![\w-])", "Google Cloud docs: API keys"),
    _form("a Google client secret", _EDGE + r"GOCSPX-[\w-]{28}", "Google Identity: OAuth clients"),
    _form(
        "a JSON web token",
        _EDGE + r"eyJ[\w-]{10,}\.eyJ[\w-]{8,}\.[\w-]{16,}",
        'RFC 7519, section 3.1 (`{"` in base64url is eyJ)',
    ),
    _form("an npm token", _EDGE + r"npm_[A-Za-z0-9]{36}", "npm docs: access tokens"),
    _form("a PyPI token", _EDGE + r"pypi-[\w-]{50,}", "PyPI help: API tokens"),
    _form("a SendGrid key", _EDGE + r"SG\.[\w-]{22}\.[\w-]{43}", "SendGrid docs: API keys"),
    _form("a Twilio key", _EDGE + r"SK[0-9a-f]{32}(?![0-9a-z])", "Twilio docs: API keys"),
    _form(
        "an OpenAI or Anthropic key",
        _EDGE + r"sk-(?:(?:proj|svcacct|admin|ant-[a-z0-9]+)-[\w-]{20,}|[A-Za-z0-9]{40,})",
        "OpenAI and Anthropic API docs",
    ),
    _form("a Hugging Face token", _EDGE + r"hf_[A-Za-z0-9]{30,}", "Hugging Face docs: user tokens"),
    _form(
        "a Telegram bot token",
        r"(?<![0-9A-Za-z])[0-9]{8,10}:[\w-]{35}(?![\w-])",
        "Telegram Bot API: authorizing your bot",
    ),
    _form("a DigitalOcean token", _EDGE + r"do[opr]_v1_[0-9a-f]{64}", "DigitalOcean API docs"),
    _form("a Docker Hub token", _EDGE + r"dckr_(?:pat|oat)_[\w-]{20,}", "Docker docs: tokens"),
    _form("a Vault token", _EDGE + r"hv[sbr]\.[\w-]{24,}", "Vault docs: token prefixes"),
    _form("a Shopify token", _EDGE + r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}", "Shopify docs: tokens"),
    _form(
        "an Azure storage key",
        r"(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,}={0,2}",
        "Azure Storage docs: connection strings",
    ),
    _form(
        "a password in a URL",
        r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@?#]*:(?![$<{%*])[^/\s@?#]+@",
        "RFC 3986, section 3.2.1: user:password is deprecated there",
    ),
)

# The last word of a name that means: what this holds is to be kept secret.
_PASSWORDS = {"password", "passwd", "passwort", "passphrase", "pass", "pwd", "pw"}
_SECRETS = {"secret"}
_TOKENS = {
    *("token", "key", "keys", "apikey", "credential", "credentials", "auth", "authorization"),
    *("cookie", "salt", "pepper", "jwt", "bearer", "signature", "otp", "license", "secrets"),
}
# Words that may follow it and change nothing, and words before `key` that make it no secret.
_QUALIFIERS = {
    *("prod", "production", "dev", "development", "staging", "stage", "test", "testing", "local"),
    *("old", "new", "current", "previous", "next", "default", "main", "primary", "secondary"),
    *("value", "base64", "b64", "hex", "base", "raw", "plain", "live", "rw", "ro"),
}
_PUBLIC = {
    *("public", "pub", "publishable", "site", "verify", "verification", "host", "cache", "sort"),
    *("partition", "primary", "foreign", "routing", "idempotency", "object", "s3", "row", "map"),
    *("registry", "lock", "feature", "flag", "gpg", "anon", "dedupe", "shard"),
}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

_STATES = {
    *("true", "false", "yes", "no", "on", "off", "none", "null", "nil", "enabled", "disabled"),
    *("required", "optional", "always", "never", "auto", "prompt", "ask", "default", "basic"),
    *("bearer", "digest", "peer", "trust", "md5", "ident", "plain", "login", "unset", "undefined"),
}
_PLACEHOLDER = re.compile(
    r"\$\w+|.*(?:\$[{(]|\{\{|\.\.\.).*|<.*>|%\w+%|[-_.*xX]+", re.DOTALL
)  # an interpolation of another tool: `$NAME`, `${NAME}`, `{{ name }}`, `<name>`
_REFERENCE = re.compile(
    r"(?:[./~\\]|[A-Za-z]:\\|file:|arn:|op:|vault:|ref\+|ssm:|sops:|secret:|keyring:|env:|projects/"
    r"|[a-z0-9.-]+\.(?:vault\.azure\.net|pem|key|crt|json|txt|ya?ml|env)$).*",
    re.DOTALL,
)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S*$")
_TOKEN = re.compile(r"[A-Za-z0-9+/_=.~!@#%^&*-]{16,}")
_NAMED = re.compile(r"\S+[-./]\S*")


class Literal(NamedTuple):
    """A value in a manifest that looks like a secret: where it stands, and what it looks like."""

    path: Path
    """Below ``spec``; of a label, below ``metadata`` with that first."""
    what: str


def literals_in(
    spec: ProgramSpec, labels: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Literal]:
    """Everything in one app that looks like a secret and is written down in full."""
    for name, value in spec.env.items():
        if isinstance(value, str) and (what := secret_in(name, value)):
            yield Literal(("env", name), what)
    commands: list[tuple[Path, tuple[str, ...]]] = [(("command",), spec.command)]
    commands.append((("stop", "preStop"), spec.stop.pre_stop or ()))
    commands += spec.probe_commands()
    for role, probe in spec.probes.items():
        for index, header in enumerate(probe.http_get.http_headers if probe.http_get else ()):
            if what := _in_header(header.name, header.value):
                yield Literal((f"{role}Probe", "httpGet", "httpHeaders", index, "value"), what)
    for where, words in commands:
        for index, what in secrets_in_command(words):
            yield Literal((*where, index), what)
    for name, value in labels.items():
        if what := secret_in(name, value):
            yield Literal(("metadata", "labels", name), what)


def secret_in(name: str, text: str) -> str | None:
    """What the value of a variable looks like (``a GitHub token``); None where it is ordinary."""
    for form in FORMS:
        if form.pattern.search(text):
            return form.what
    return _by_name(name, text.strip())


def secrets_in_command(words: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """(number of the word, what it looks like): `--password=…`, `--password …`, `TOKEN=… run`."""
    option = ""
    for index, word in enumerate(words):
        what = secret_in("" if word.startswith("-") else option, word)
        named = re.findall(r"(?:^|[\s;])-{0,2}([A-Za-z][\w.-]*)=(\S+)", word)
        for name, value in named:
            what = what or secret_in(name, value.strip("\"';"))
        if what and index > 0:
            yield index, what
        takes_value = word.startswith("-") and "=" not in word and not word.startswith("--no-")
        option = word.lstrip("-") if takes_value else ""


def is_secret_name(name: str) -> bool:
    """Whether a variable of this name holds a secret, whatever it holds."""
    return _kind(name) != ""


def is_random(text: str) -> bool:
    """Whether text looks drawn, not written: long, and its letters and digits change often."""
    if not _TOKEN.fullmatch(text):
        return False
    classes = [_class(character) for character in text if character.isalnum()]
    if len(classes) < 12 or "9" not in classes or len(set(classes)) < 2:
        return False
    changes = sum(one != other for one, other in itertools.pairwise(classes))
    return changes / len(classes) >= 0.2 and _entropy(text) >= 3.0


def _by_name(name: str, text: str) -> str | None:
    kind = _kind(name)
    if not kind or len(text) < 4 or text.lower() in _STATES or _PLACEHOLDER.fullmatch(text):
        return None
    text = text.removeprefix("base64:")
    coded = is_random(text) and (text.endswith("=") or "+" in text)  # `/` is of its alphabet
    if not coded and (_REFERENCE.match(text) or _URL.match(text)):
        return None
    if kind == "password" and not (text.isdigit() and _is_setting(name)):
        return "a password"
    if kind == "secret" and not (text.isdigit() or (text.islower() and _NAMED.fullmatch(text))):
        return "a secret"
    if kind in ("secret", "token") and is_random(text):
        return "a key"
    return None


def _kind(name: str) -> str:
    """``password``, ``secret``, ``token`` or nothing, by the last word that says anything."""
    words = [word.lower() for word in _WORD.findall(name)]
    # Behind it: SECRET_KEY_BASE, DB_PASSWORD_2.
    while len(words) > 1 and (words[-1] in _QUALIFIERS or words[-1].isdigit()):
        words.pop()
    if not words:
        return ""
    last = words[-1]
    if last in _PASSWORDS or last.endswith("password"):  # PGPASSWORD
        return "password"
    if last in _SECRETS:
        return "secret"
    if last in _TOKENS and not _PUBLIC & set(words[:-1]):
        return "token"
    return ""


def _is_setting(name: str) -> bool:
    """`MIN_PASSWORD: 8` is about passwords, and none."""
    first = (_WORD.findall(name) or [""])[0].lower()
    return first in {"min", "max", "require", "allow", "use", "reset", "expire", "check", "skip"}


def _in_header(name: str, value: str) -> str | None:
    what = secret_in(name, value)
    if what is None and name.lower() in ("authorization", "proxy-authorization", "cookie"):
        rest = value.partition(" ")[2] or value
        what = None if len(rest) < 4 or _PLACEHOLDER.fullmatch(rest) else "a credential"
    return what


def _class(character: str) -> str:
    return "9" if character.isdigit() else "A" if character.isupper() else "a"


def _entropy(text: str) -> float:
    """Shannon's, in bits a character."""
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts)
