"""What a config puts into its own environment (dotenv, `process.env.X = …`): PM2's apps inherit it.

Where that is exactly what a dotenv file says, read by recon, the file becomes ``envFrom``: its
next edit counts then, as the next start counted with PM2. The rest is written down in ``env``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.convert.dotenv import variables_of
from reconciler.convert.manifests.draft import Fate, Note
from reconciler.convert.pm2.ecosystem.evaluate import Evaluated


@dataclass(frozen=True, slots=True)
class Inherited:
    """For each app of a file."""

    files: tuple[str, ...] = ()
    """Dotenv files, in the order in which a later one wins."""
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What no such file says."""
    known: Mapping[str, str] = field(default_factory=dict, repr=False)
    """All of it."""

    def note(self) -> Note | None:
        """What became of it; None where there is nothing."""
        if not self.known:
            return None
        names = [os.path.basename(file) for file in self.files]
        where = [f"{', '.join(names)} (envFrom)"] if names else []
        where += ["env"] if self.variables else []
        note = (
            f"{_some(sorted(self.known))}: the config puts them into its own environment, which"
            f" PM2's apps inherit; here they are in {' and '.join(where)} of each app"
        )
        return Note(Fate.CHANGED, "process.env", note)


NOTHING = Inherited()


def inherited(found: Evaluated, environ: Mapping[str, str]) -> Inherited:
    """Of one config that was evaluated in ``environ``."""
    if not found.sets:
        return NOTHING
    files = _exact(found, {**environ, **found.sets})
    from_files = read(files)
    rest = {name: text for name, text in found.sets.items() if name not in from_files}
    return Inherited(tuple(files), rest, found.sets)


def read(files: Sequence[str]) -> dict[str, str]:
    """What dotenv files say together, the later ones over the earlier."""
    return {name: text for file in files for name, text in (variables_of(file) or {}).items()}


def _exact(found: Evaluated, environ: Mapping[str, str]) -> Sequence[str]:
    """The dotenv files that it read and that say nothing else than its environment in the end.

    Of several (dotenv-flow, ``override``) the first or the last one wins.
    """
    read_by_it = (file for file in found.files if ".env" in os.path.basename(file))
    known = {file: texts for file in read_by_it if (texts := variables_of(file))}
    known = {file: texts for file, texts in known.items() if texts.keys() & found.sets.keys()}
    for order in ([*known], [*known][::-1]):
        if len(order) > 1 and read(order).items() <= environ.items():
            return order
    return [file for file, texts in known.items() if texts.items() <= environ.items()]


def _some(names: Sequence[str], most: int = 12) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
