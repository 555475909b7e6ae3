"""Shell syntax in a command, and what to write for that very command."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff.lint.shell_syntax import shell_syntax


def found(line: str, cwd: str = "") -> tuple[str, str]:
    syntax = shell_syntax(tuple(shlex.split(line)), line, cwd=cwd)
    return (" ".join(syntax.words), syntax.remedy) if syntax else ("", "")


@pytest.mark.parametrize(
    ("line", "words", "remedy"),
    [
        ("npm ci && npm start", "&&", 'command: [sh, -c, "npm ci && exec npm start"]'),
        ("node x.js || true", "||", 'command: [sh, -c, "node x.js || true"]'),
        ("cat a | grep b", "|", 'command: [sh, -c, "cat a | grep b"]'),
        ("a; b", ";", 'command: [sh, -c, "a; exec b"]'),
        ("node x.js > out.log", ">", "command: node x.js, logs: {stdout: out.log}"),
        (
            "node x.js > o.log 2>&1",
            "> 2>&1",
            "command: node x.js, logs: {merge: true, stdout: o.log}",
        ),
        ("node x.js > /dev/null", ">", 'command: [sh, -c, "node x.js > /dev/null"]'),
        ("node x.js -p $PORT", "$PORT", 'command: [sh, -c, "exec node x.js -p $PORT"]'),
        ("node ${X}", "${X}", 'command: [sh, -c, "exec node ${X}"]'),
        ("node `pwd`", "`", 'command: [sh, -c, "node `pwd`"]'),
        ("node $(cat x)", "$(…)", 'command: [sh, -c, "exec node $(cat x)"]'),
        ("node ~/x.js", "~/x.js", 'command: [sh, -c, "node ~/x.js"]'),
        ("node x.js &", "&", "command: node x.js"),
        ("PORT=1 node x", "PORT=", 'command: node x, env: {PORT: "1"}'),
        (
            "API_PASSWORD=hunter22 node x",
            "API_PASSWORD=",
            "command: node x, env: {API_PASSWORD: {secretFile: FILE}}",
        ),
        ("cd x && node y.js", "cd &&", "command: node y.js, cwd: x"),
        ("export A=1 && node x", "export &&", 'command: node x, env: {A: "1"}'),
        (
            "source .env && node x",
            "source &&",
            'command: [bash, -c, "source .env && exec node x"]',
        ),
        ("node *.js", "*", 'command: [sh, -c, "node *.js"]'),
        ("node x.js # comment", "#", "command: node x.js"),
        ("exec node x.js", "exec", "command: node x.js"),
    ],
)
def test_of_a_string(line: str, words: str, remedy: str) -> None:
    assert found(line) == (words, remedy)


def test_folders_are_below_the_working_directory_that_is_declared() -> None:
    assert found("cd web && node x", "/srv")[1] == "command: node x, cwd: /srv/web"


@pytest.mark.parametrize(
    "line",
    [
        "node x 'a && b' \"c > d\" \\$HOME",
        "curl http://x/?a=1&b=2",
        "node x --filter=a>b",
        "sh -c 'a && b > $C'",
        "tini -- bash -c 'a && b'",
        "node x $(PORT) $$(PORT)",
        "node -e 'console.log(`a`)'",
        "nginx -g 'daemon off;'",
        "find . -name *.js",
        "prettier *.js",
        "python -m http.server 8000",
    ],
)
def test_what_is_quoted_or_a_programs_own_is_none(line: str) -> None:
    assert found(line) == ("", "")


@pytest.mark.parametrize(
    ("command", "remedy"),
    [
        (["npm", "ci", "&&", "npm", "start"], '[sh, -c, "npm ci && exec npm start"]'),
        (["node", "x.js", ">", "out log"], 'command: node x.js, logs: {stdout: "out log"}'),
        (["node", "x.js", "$PORT"], '[sh, -c, "exec node x.js $PORT"]'),
        (["cd", "x", "&&", "node", "y"], "command: node y, cwd: x"),
        (["cat", "*.js"], '[sh, -c, "cat *.js"]'),
    ],
)
def test_of_a_list(command: list[str], remedy: str) -> None:
    syntax = shell_syntax(tuple(command))
    assert syntax is not None and syntax.remedy.endswith(remedy)


@pytest.mark.parametrize(
    "command",
    [
        ["node", "-e", "console.log(`${x}`) && 1"],
        ["node", "x", "a b; c > d"],
        ["eslint", "src/**/*.js"],
        ["grep", "|", "f"],
        ["awk", "$1 > 3", "f"],
    ],
)
def test_a_word_of_a_list_that_holds_more_is_the_programs_own(command: list[str]) -> None:
    assert shell_syntax(tuple(command)) is None


@given(st.text(max_size=200))
def test_no_line_makes_it_fail(line: str) -> None:
    try:
        words = tuple(shlex.split(line))
    except ValueError:
        return
    if words and words[0]:
        shell_syntax(words, line)
        shell_syntax(words)
