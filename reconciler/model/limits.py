"""Limits of an instance: what it may use, itself and all that it forks."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from reconciler.model.base import Manifest
from reconciler.model.quantity import parse_size

_LEAST_MEMORY = 2**20


def _memory(value: Any) -> int:
    size = parse_size(value)
    if size < _LEAST_MEMORY:
        raise ValueError(f"{value!r} is too little for any program; write at least 1Mi")
    return size


Memory = Annotated[int, BeforeValidator(_memory, json_schema_input_type=int | str)]


class Limits(Manifest):
    """What one instance may use: its main process and all that this forks."""

    memory: Memory | None = Field(
        None, description="resident memory above which the instance is replaced, gracefully"
    )
