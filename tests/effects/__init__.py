"""Every call by which recon changes something outside its own memory, and a way to stand around it.

``install(before, after)`` has ``before(effect)`` called ahead of each such call of this process and
``after(effect)`` once it has succeeded, in the thread that makes it. Which calls these are is in
``tables``.
"""

from tests.effects.around import Effect, Instead, install
from tests.effects.tables import COMPOSED, EFFECTS, HARMLESS

__all__ = ["COMPOSED", "EFFECTS", "HARMLESS", "Effect", "Instead", "install"]
