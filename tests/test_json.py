"""JSON of others that is nested too deeply is refused wherever JSON that is none is refused."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "reconciler"


def unguarded(tree: ast.AST) -> Iterator[int]:
    """The lines of handlers of ValueError around `json.load(s)` that let RecursionError pass."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Try) or not any(map(_reads_json, node.body)):
            continue
        for handler in node.handlers:
            caught = ast.unparse(handler.type) if handler.type is not None else "Exception"
            if "ValueError" in caught and "RecursionError" not in caught:
                yield handler.lineno


def _reads_json(body: ast.stmt) -> bool:
    calls = (node for node in ast.walk(body) if isinstance(node, ast.Call))
    return any(ast.unparse(call.func) in ("json.loads", "json.load") for call in calls)


@pytest.mark.parametrize("path", [*ROOT.rglob("*.py")], ids=lambda path: path.stem)
def test_json_that_is_nested_too_deeply_is_refused_as_other_text_is(path: Path) -> None:
    lines = [*unguarded(ast.parse(path.read_text()))]
    assert not lines, f"{path}: line {lines}: catch RecursionError as well"


def test_the_rule_finds_one() -> None:
    code = "try:\n    x = f(json.loads(y))\nexcept (OSError, ValueError):\n    pass\n"
    assert [*unguarded(ast.parse(code))] == [3]
    assert not [*unguarded(ast.parse(code.replace("OSError", "RecursionError")))]
