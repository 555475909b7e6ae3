"""Words of a command that only a shell understands, and what to write for that very command.

recon runs programs, not shells: `a && b` gives the word `&&` to a. That is allowed, and seldom
meant, so it is advice. Only what would mean something to a shell counts: unquoted in a string;
in a list the whole word.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from reconciler.diff.lint.hardcoded_secrets import is_secret_name

_SHELLS = {"sh", "bash", "dash", "zsh", "ash", "ksh", "busybox", "fish", "su", "ssh", "cmd"}
_BUILTINS = {
    *("cd", "export", "source", ".", "set", "unset", "ulimit", "umask", "alias", "eval", "exec"),
    *("if", "for", "while", "until", "case", "function", "trap", "wait", "pushd", "{", "("),
}
_KEYWORDS = {"if", "for", "while", "until", "case", "function", "{", "("}
_OPERATORS = ("&&", "||", "|&", "|", ";", "&", "<<<", "<<", "<")
_REDIRECT = re.compile(r"(?:\d|&)?>{1,2}(?:&\d|\|)?")
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]{0,200})=")
_VARIABLE = re.compile(r"\$(?:[A-Za-z_][A-Za-z0-9_]{0,200}|\{[^}]{1,200}\})")
_OWN = re.compile(r"\$\([A-Za-z_][A-Za-z0-9_.-]{0,200}\)")
_EXPANDERS = {"find", "rsync", "tar", "zip", "git", "grep", "rg", "awk", "sed", "jq", "eslint"}
_EXPANDERS |= {"prettier", "jest", "vitest", "mocha", "nodemon", "tsc", "concurrently", "psql"}
_SCRIPTED = {"-c", "-e", "-lc", "-ec", "-exc", "--eval", "--exec", "-p", "--print"}
"""After these comes the text of a program, not a shell's."""
_BASH_ONLY = ("[[", "<<<", "&>", "source ", "|&", "pushd ")
_PATH = re.compile(r"[\w/.-]+")
_MOST = 20_000


class ShellSyntax(NamedTuple):
    """What is found in one command."""

    words: tuple[str, ...]
    """As they stand there: ``&&``, ``$PORT``."""
    remedy: str
    """What to write, for this very command."""


@lru_cache(maxsize=4096)
def shell_syntax(command: tuple[str, ...], line: str = "", *, cwd: str = "") -> ShellSyntax | None:
    """The shell syntax of a command; None where there is nothing of the kind.

    ``line``: the command as written, where that is a string. ``cwd``: the app's, where it is set.
    """
    if runs_shell(command):
        return None
    text = line or _line_of(command)
    if len(text) > _MOST:
        return None
    found = tuple(dict.fromkeys(_scan(text)))
    return ShellSyntax(found[:6], _remedy(text, found, cwd)) if found else None


def runs_shell(command: Sequence[str]) -> bool:
    """Whether the command runs a shell, perhaps by a wrapper as ``tini --``."""
    return any(word.rpartition("/")[2] in _SHELLS for word in command[:6])


def by_shell(command: Sequence[str]) -> str:
    """The same command, run by a shell, as a list of words."""
    text = _with_exec(_line_of(command))
    return f"[sh, -c, {json.dumps(text, ensure_ascii=False)}]"


def _line_of(command: Sequence[str]) -> str:
    """A list as one line: what a shell would act upon bare, all other words quoted."""
    words = []
    is_program = command[0].rpartition("/")[2] in _EXPANDERS
    for index, word in enumerate(command):
        before = command[index - 1] if index else ""
        is_text = before in _SCRIPTED or is_program
        bare = word in _OPERATORS or bool(_REDIRECT.fullmatch(word)) or word in ("~", "#")
        bare = bare or bool(re.fullmatch(r"[\w/.-]*\$(?:\w+|\{\w+\})[\w/.:-]*|~/[\w/.-]*", word))
        bare = bare or (not before.startswith("-") and bool(re.fullmatch(r"[\w/.-]*\*\.\w+", word)))
        bare = bare or (index == 0 and bool(_ASSIGNMENT.match(word)))
        words.append(word if bare and not is_text else shlex.quote(word))
    return " ".join(words)


def _scan(text: str) -> Iterator[str]:
    """What a shell would act upon, in the order in which it stands there."""
    first = text.split(None, 1)[0] if text.strip() else ""
    if first in _BUILTINS:
        yield first
    elif _ASSIGNMENT.match(first):
        yield first.partition("=")[0] + "="
    is_expander = first.rpartition("/")[2] in _EXPANDERS
    quote, at = "", 0
    while at < len(text):
        char = text[at]
        if char == "\\" and quote != "'":
            at += 2
            continue
        if char in "'\"" and quote in ("", char):
            quote = "" if quote else char
        elif quote != "'" and char in "$`":
            yield from _substitution(text, at)
        elif not quote:
            yield from _unquoted(text, at, is_expander)
            at += max(0, len(_operator(text, at)) - 1)
        at += 1


def _substitution(text: str, at: int) -> Iterator[str]:
    if text[at] == "`":
        yield "`"
    elif text.startswith("$(", at) and not (at and text[at - 1] == "$"):
        if not _OWN.match(text, at):
            yield "$(…)"
    elif (found := _VARIABLE.match(text, at)) is not None:
        yield found[0]


def _operator(text: str, at: int) -> str:
    """The operator that stands here beside a blank or an end: within a word it is none."""
    redirect = _REDIRECT.match(text, at) if at == 0 or text[at - 1].isspace() else None
    found = redirect[0] if redirect else next((o for o in _OPERATORS if text.startswith(o, at)), "")
    if not found or redirect:
        return found
    after = text[at + len(found) : at + len(found) + 1]
    beside = at == 0 or text[at - 1].isspace() or not after or after.isspace()
    return found if beside else ""


def _unquoted(text: str, at: int, is_expander: bool) -> Iterator[str]:
    begins = at == 0 or text[at - 1].isspace()
    operator = _operator(text, at)
    if operator:
        yield operator
    elif begins and text.startswith(("~/", "~ ")):
        yield "~"
    elif begins and text[at] == "~" and text[at + 1 : at + 2] in ("", "/"):
        yield text[at:].split(None, 1)[0]
    elif begins and text[at] == "#":
        yield "#"
    elif text[at] == "*" and not is_expander and not _after_option(text, at):
        yield "*"


def _after_option(text: str, at: int) -> bool:
    """Whether the word here is, or follows, an option: a pattern for the program itself."""
    words = text[:at].split()
    if not words:
        return False
    inside = not text[at - 1].isspace()
    return words[-1].startswith("-") or (inside and len(words) > 1 and words[-2].startswith("-"))


# -- what to write -----------------------------------------------------------------------------


def _remedy(text: str, found: Sequence[str], cwd: str) -> str:
    """The fields of recon where these say it all, else a shell."""
    return _by_fields(text, cwd) or _by_shell(text)


def _by_shell(text: str) -> str:
    shell = "bash" if any(word in text for word in _BASH_ONLY) else "sh"
    return f"command: [{shell}, -c, {json.dumps(_with_exec(text.strip()), ensure_ascii=False)}]"


def _with_exec(text: str) -> str:
    """With ``exec`` before the last command, so that the program itself gets recon's signals."""
    text = re.sub(r"\s+&$", "", text)
    head, operator, last = "", "", text
    for one in ("&&", ";"):
        before, sign, after = text.rpartition(f" {one} " if one == "&&" else "; ")
        if sign and len(before) > len(head):
            head, operator, last = before, sign, after
    if any(sign in text for sign in ("|", "`", "'", '"', "<", "#", "\n")):
        return text
    if text.split(None, 1)[0] in _KEYWORDS:
        return text
    word = last.split(None, 1)[0] if last.strip() else ""
    plain = word and word not in _BUILTINS and not _ASSIGNMENT.match(word) and "&" not in last[:-1]
    return f"{head}{operator}exec {last}" if plain and (head or "$" in last) else text


def _by_fields(text: str, cwd: str) -> str:
    """``env``, ``cwd``, ``logs`` and the bare command; empty where a shell is needed."""
    try:
        words = shlex.split(text)
    except ValueError:
        return ""
    words = words[: next((n for n, word in enumerate(words) if word.startswith("#")), None)]
    env, words = _assignments(words)
    folder = ""
    if words[:1] == ["cd"] and len(words) > 3 and words[2] in ("&&", ";", "&&;"):
        folder, words = words[1], words[3:]
        more, words = _assignments(words)
        env |= more
    if words[-1:] == ["&"]:
        words = words[:-1]
    logs, words = _redirects(words)
    if words[:1] == ["exec"]:
        words = words[1:]
    rest = shlex.join(words)
    if not words or any(_scan(rest)) or any(_scan(" ".join(words))) or set(folder) & set("~$`*"):
        return ""
    parts = [f"command: {rest}"]
    if env:
        parts.append("env: {" + ", ".join(f"{k}: {_value(k, v)}" for k, v in env.items()) + "}")
    if folder:
        parts.append(f"cwd: {posixpath.normpath(posixpath.join(cwd, folder))}")
    if logs:
        there = {k: _resolved(v, cwd, folder) for k, v in logs.items()}
        parts.append("logs: {" + ", ".join(f"{k}: {v}" for k, v in there.items()) + "}")
    return ", ".join(parts)


def _assignments(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """``A=1 B=2`` at the front, and ``export A=1 &&``."""
    env: dict[str, str] = {}
    if words[:1] == ["export"]:
        end = next((n for n, word in enumerate(words) if word in ("&&", ";")), 0)
        if not end or not all(map(_ASSIGNMENT.match, words[1:end])):
            return {}, words
        env = dict(word.split("=", 1) for word in words[1:end])
        words = words[end + 1 :]
    while words and _ASSIGNMENT.match(words[0]) and "$" not in words[0]:
        name, _, value = words[0].partition("=")
        env[name] = value
        words = words[1:]
    return env, words


def _redirects(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """``> f``, ``2> f`` and ``2>&1`` at the end, as fields of ``logs``."""
    logs: dict[str, str] = {}
    while words:
        if words[-1] == "2>&1":
            logs["merge"] = "true"
            words = words[:-1]
        elif len(words) > 2 and words[-2] in (">", ">>", "1>", "1>>", "2>", "2>>"):
            if words[-1].startswith("/dev/"):
                return {}, words
            stream = "stderr" if words[-2].startswith("2") else "stdout"
            logs[stream] = words[-1]
            words = words[:-2]
        else:
            break
    return (logs, words) if "stdout" in logs or "merge" not in logs else ({"merge": "true"}, words)


def _value(name: str, value: str) -> str:
    """As YAML, for a string; never a password."""
    if is_secret_name(name):
        return "{secretFile: FILE}"
    return json.dumps(value, ensure_ascii=False)


def _resolved(value: str, cwd: str, folder: str) -> str:
    if value == "true":
        return value
    path = posixpath.normpath(posixpath.join(cwd, folder, value))
    return path if _PATH.fullmatch(path) else json.dumps(path, ensure_ascii=False)
