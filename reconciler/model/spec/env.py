"""The environment that a manifest declares."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from reconciler.model.spec.base import Manifest
from reconciler.model.words.sentence import InvalidValue
from reconciler.model.words.values import Flag, PerInstance

RESERVED = {
    "RECON_ID": "is how recon recognises its processes",
    "RECON_SOCKETS": "tells a program of its sockets",
    "RECON_READY_FILE": "tells a program where to report that it is ready",
    "LISTEN_FDS": "tells a program of its sockets",
    "LISTEN_PID": "tells a program of its sockets",
    "LISTEN_FDNAMES": "tells a program of its sockets",
    "CREDENTIALS_DIRECTORY": "tells a program of its credentials",
}
"""Variables that are recon's to set, and why."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def is_variable(name: str) -> bool:
    """Whether ``name`` can be a variable's."""
    return _VARIABLE.fullmatch(name) is not None


_ALLOW_EMPTY = "accept that the file becomes empty; by default recon keeps the last content"


class SecretFile(Manifest):
    """The content of a file, less one final newline; shown nowhere."""

    secret_file: str = Field(
        description="file whose content is the value, less one final newline; shown nowhere"
    )
    allow_empty: Flag = Field(False, description=_ALLOW_EMPTY)


class FromEnv(Manifest):
    """A variable of the controller's own environment; treated as secret."""

    from_env: str = Field(description="variable of the controller's environment; a secret")


class Credential(Manifest):
    """A file handed over as systemd does it: a copy that the instance alone can read.

    The variable holds the path of the copy, so that no secret stands in an environment.
    """

    credential: str = Field(
        description="file of which the instance gets a copy; the value is its path"
    )
    allow_empty: Flag = Field(False, description=_ALLOW_EMPTY)


class EnvFile(Manifest):
    """A dotenv file. Its values are treated as secret."""

    file: str = Field(description="a dotenv file; its values are secrets")
    optional: Flag = Field(False, description="accept that the file does not exist")
    allow_empty: Flag = Field(False, description=_ALLOW_EMPTY)


def _env_names(value: dict[str, Any]) -> dict[str, Any]:
    for name, text in value.items():
        if not is_variable(name):
            variable, equals, _ = name.partition("=")
            if equals:  # what follows may be a secret: it is not repeated
                raise ValueError(f"write {variable}: VALUE, in the place of {variable}=VALUE")
            raise ValueError(f"{name!r} is not a valid name of an environment variable")
        if name in RESERVED:
            raise InvalidValue(f"{name} {RESERVED[name]}", "it cannot be set")
        if isinstance(text, str) and "\0" in text:
            raise ValueError(f"{name} contains a NUL byte, which is not allowed in an environment")
    return value


EnvValue = str | PerInstance | SecretFile | FromEnv | Credential
Env = Annotated[dict[str, EnvValue], AfterValidator(_env_names)]


def _env_from(value: Any) -> Any:
    if isinstance(value, list):
        return [{"file": item} if isinstance(item, str) else item for item in value]
    return value


EnvFrom = Annotated[
    tuple[EnvFile, ...],
    BeforeValidator(_env_from, json_schema_input_type=list[str | EnvFile]),
]
