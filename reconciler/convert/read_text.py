"""The text of a file that is imported from, or the sentence that says why there is none."""

from __future__ import annotations

from reconciler.convert.errors import fault
from reconciler.desired.files import read_regular
from reconciler.desired.text import yaml
from reconciler.system.files.trust import Trust


def text_of(file: str, most: int = yaml.MAX_BYTES) -> str:
    """UTF-8, of at most ``most`` bytes. ImportFault where it cannot be read, or is not text."""
    try:
        return yaml.decode(read_regular(file, most, Trust()))
    except OSError as error:
        raise fault(file, error.strerror or str(error)) from None
    except yaml.Fault as error:
        raise fault(file, str(error), error.line, error.column) from None
