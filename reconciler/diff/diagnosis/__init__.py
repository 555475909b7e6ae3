"""Why a program ended or is not ready, and what to do: from its exit and its last output.

Pure: evidence in, a typed cause out. What a program wrote is untrusted text: it is bounded before
it comes here (``output``), and no expression here looks at a line more than once a character.
"""

from reconciler.diff.diagnosis.cause import Cause, CauseCode, Evidence, Facts
from reconciler.diff.diagnosis.diagnose import diagnose, perhaps_of_the_port, with_holder
from reconciler.diff.diagnosis.network import taken_port
from reconciler.diff.diagnosis.output import Output
from reconciler.diff.diagnosis.unready import (
    UnreadyInstance,
    answered_by_another,
    probed_port,
    why_not_ready,
)

__all__ = [
    "Cause",
    "CauseCode",
    "Evidence",
    "Facts",
    "Output",
    "UnreadyInstance",
    "answered_by_another",
    "diagnose",
    "perhaps_of_the_port",
    "probed_port",
    "taken_port",
    "why_not_ready",
    "with_holder",
]
