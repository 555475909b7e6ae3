"""recon: a directory of manifests is the desired state of the processes on one host.

Data walks one way, once per pass: ``desired`` and ``observed`` meet in ``diff`` (pure),
``converge`` turns the plan into effects, and ``loop`` goes round. ``model`` is the vocabulary
they share; ``api`` and ``cli`` are the windows.
"""

__version__ = "0.1.0"
