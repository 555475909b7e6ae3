"""A controller and its host under a seed: every fault at every step (docs/testing.md, Simulation).

The controller is the real one, with its journal, its FIFOs, its logs and real manifest files. The
host, its processes and its clock are those of ``tests/loop/simulated``. A seed makes a scenario
(``scenario``) and the faults in it (``faults``). It is run twice: undisturbed, and with the faults.
``oracles`` then compare what happened. One seed is one history, always.
"""

from tests.simulate import planted

planted.of_environment()
