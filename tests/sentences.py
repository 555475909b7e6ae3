"""Code that takes a sentence apart, or decides by one. A reason is an enum, a remedy a field.

What is read of other programs' output has to be read so;
the files that do are named, each with whose sentences they are.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

_SENTENCE = re.compile(r"[a-z]{2} [a-z]{2}|^[a-z]{2,}:? $|^[;:] |[;:] $", re.I)
"""Two words, a first word with its blank, or the end of a part."""
ROOT = Path(__file__).parents[1]
OTHERS = {
    "reconciler/convert/pm2/ecosystem/evaluate.py": "V8 and QuickJS",
    "reconciler/desired/git/repository.py": "git",
    "reconciler/desired/text/yaml.py": "PyYAML",
    "reconciler/model/words/sentence.py": "its own",
}
"""Files that read sentences, and whose."""
_TAKES_APART = frozenset(
    {"split", "rsplit", "partition", "rpartition", "removeprefix", "removesuffix"}
    | {"startswith", "endswith", "find", "index", "fullmatch", "search", "match"}
)
_OPERATORS = (ast.In, ast.NotIn, ast.Eq, ast.NotEq)


def found(source: str) -> Iterator[int]:
    """The lines at which a sentence is taken apart or matched."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in _TAKES_APART and any(map(_is_sentence, node.args)):
                yield node.lineno
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            for operator, left, right in zip(node.ops, sides, sides[1:], strict=False):
                if isinstance(operator, _OPERATORS) and (_is_sentence(left) or _is_sentence(right)):
                    yield node.lineno


def _is_sentence(node: ast.expr) -> bool:
    """Whether it is a part of a sentence, or several of which one is."""
    if isinstance(node, ast.Tuple):
        return any(map(_is_sentence, node.elts))
    if isinstance(node, ast.JoinedStr):
        return any(map(_is_sentence, node.values))
    text = node.value if isinstance(node, ast.Constant) else None
    return isinstance(text, str) and _SENTENCE.search(text) is not None


def problems() -> Iterator[str]:
    for path in sorted((ROOT / "reconciler").rglob("*.py")):
        name = str(path.relative_to(ROOT))
        if name not in OTHERS:
            yield from (f"{name}:{line}" for line in found(path.read_text()))
