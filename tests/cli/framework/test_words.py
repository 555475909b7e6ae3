"""The plain way to read a command line gives a verb what typer gives it, or leaves it to typer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.cli.framework import table, words
from reconciler.cli.framework.verb import load

PATHS = [
    *((verb,) for verb in table.VERBS if verb not in table.GROUPS),
    *((group, verb) for group, below in table.GROUPS.items() for verb in below),
]
ENVIRONMENT = ("RECON_MANIFESTS", "RECON_STATE_DIR", "RECON_API_GROUP", "_RECON_COMPLETE")


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


def _command(path: tuple[str, ...]) -> Any:
    return load(path[-1], table.GROUPS[path[0]] if len(path) > 1 else table.VERBS)


def _by_typer(path: tuple[str, ...], given: list[str]) -> dict[str, Any] | str:
    """What typer passes to the verb's function; its error where it refuses."""
    command = _command(path)
    passed: dict[str, Any] = {}
    try:
        context = command.make_context(path[-1], [*given])
    except Exception as error:
        return f"refused: {error}"
    # typer turns the values into those of the function in the callback it makes around it.
    inner = command.callback.__closure__
    assert inner is not None
    cells = [cell for cell in inner if getattr(cell.cell_contents, "__wrapped__", None)]
    (function,) = cells
    before = function.cell_contents
    function.cell_contents = lambda **values: passed.update(values)
    try:
        context.invoke(command.callback, **context.params)
    finally:
        function.cell_contents = before
    return passed


def _plainly(path: tuple[str, ...], given: list[str]) -> dict[str, Any] | None:
    verbs = table.GROUPS[path[0]] if len(path) > 1 else table.VERBS
    try:
        return words.values_of(table.function_of(path[-1], verbs), given)
    except words.NotPlainError:
        return None


def _parameters(path: tuple[str, ...], kind: str) -> list[Any]:
    return [one for one in _command(path).params if one.param_type_name == kind]


def _needed(path: tuple[str, ...]) -> list[str]:
    return [f"word{n}" for n, one in enumerate(_parameters(path, "argument")) if one.required]


def _spellings(option: Any) -> Iterator[list[str]]:
    for name in (*option.opts, *option.secondary_opts):
        if option.is_flag:
            yield [name]
        else:
            yield [name, "some value"]
            yield [f"{name}=a=b" if name.startswith("--") else f"{name}value"]
            yield [name, ""]


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_each_option_in_each_plain_spelling_means_what_it_means_to_typer(
    path: tuple[str, ...],
) -> None:
    options = _parameters(path, "option")
    needed = _needed(path)
    spelled = [one for option in options for one in _spellings(option)]
    for given in spelled:
        for line in ([*given, *needed], [*needed, *given], [*given, *given, *needed]):
            plain = _plainly(path, line)
            assert plain is not None, line
            assert plain == _by_typer(path, line), line
    together = [word for given in spelled for word in given]
    assert _plainly(path, [*together, *needed]) == _by_typer(path, [*together, *needed])


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_arguments_by_number_mean_what_they_mean_to_typer(path: tuple[str, ...]) -> None:
    for count in range(4):
        line = [f"word{number}" for number in range(count)]
        plain, typed = _plainly(path, line), _by_typer(path, line)
        if plain is None:
            assert isinstance(typed, str), line  # a mistake, which typer explains
        else:
            assert plain == typed, line


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_what_is_not_plain_is_left_to_typer_or_means_the_same(path: tuple[str, ...]) -> None:
    needed = _needed(path)
    flags = [
        name[1]
        for option in _parameters(path, "option")
        for name in option.opts
        if option.is_flag and not name.startswith("--")
    ]
    lines = [["--help"], ["-h"], ["--no-such"], ["-?"], ["--"], ["--", "-x"], ["-"], [""]]
    lines += [[f"-{''.join(flags)}"]] if len(flags) > 1 else []
    for option in _parameters(path, "option"):
        lines += [[name] for name in option.opts]  # no value
        lines += [[name, "-x"] for name in option.opts]
        lines += [[f"{name}="] for name in option.opts]
        lines += [[f"{name}=yes"] for name in option.opts if option.is_flag]
        lines += [[name[:-1]] for name in option.opts if name.startswith("--")]
    for line in lines:
        plain = _plainly(path, [*line, *needed])
        if plain is not None:
            assert plain == _by_typer(path, [*line, *needed]), line


@pytest.mark.parametrize("value", ["", "/elsewhere"])
@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_a_variable_of_the_environment_counts_as_it_does_to_typer(
    monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...], value: str
) -> None:
    for option in _parameters(path, "option"):
        if option.envvar:
            monkeypatch.setenv(option.envvar, value)
    needed = _needed(path)
    for line in (needed, [*needed, *(["-m", "here"] if "-m" in _options(path) else [])]):
        plain = _plainly(path, line)
        assert plain is not None
        assert plain == _by_typer(path, line)


def _options(path: tuple[str, ...]) -> set[str]:
    return {name for option in _parameters(path, "option") for name in option.opts}


@pytest.mark.parametrize(
    "line", [[], ["nothing"], ["rollout"], ["rollout", "nothing"], ["--version"], ["status", "-h"]]
)
def test_what_calls_no_verb_is_left_to_typer(line: list[str]) -> None:
    assert words.call_of(line) is None


def test_a_shell_that_asks_typer_gets_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert words.call_of(["status"]) is not None
    monkeypatch.setenv("_RECON_COMPLETE", "bash_source")
    assert words.call_of(["status"]) is None
