"""Files whose content is part of what an app is."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from reconciler.model.spec.base import Manifest
from reconciler.model.words.values import Seconds


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _no_nul(value: tuple[str, ...]) -> tuple[str, ...]:
    if any(not text or "\0" in text for text in value):
        raise ValueError("must not contain an empty text or a NUL byte")
    return value


Texts = Annotated[
    tuple[str, ...],
    BeforeValidator(_one_or_more, json_schema_input_type=str | list[str]),
    AfterValidator(_no_nul),
]


def _no_pattern(value: tuple[str, ...]) -> tuple[str, ...]:
    """A pattern taken for a path would match nothing, without an error."""
    found = next((text for text in value if "*" in text), None)
    if found is not None:
        remedy = 'name the folder; with ignore: ["*", "!*/", "!*.ts"] only files of one kind count'
        raise ValueError(f"{found} is a pattern, and only paths are allowed here: {remedy}")
    return value


Paths = Annotated[Texts, AfterValidator(_no_pattern)]


class Watch(Manifest):
    """Another content of these files replaces the processes, as an edit of the manifest does."""

    paths: Paths = Field(min_length=1, description="files and folders, relative to `cwd`")
    ignore: Texts = Field((), description="what to leave out, in .gitignore's syntax")
    settle_seconds: Seconds = Field(
        0.5,
        description="wait until no file has changed for this long, as a build writes many files",
    )
