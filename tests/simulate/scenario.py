"""What is declared in a run and how it is edited, from a seed: plain data, the same each time."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from tests.simulate import programs
from tests.simulate.wishes import Meant, Op, Scenario, Wish

_PROBE = {"exec": {"command": ["sh", "check"]}, "periodSeconds": 5, "failureThreshold": 2}
_ROLLING: list[dict[str, Any]] = [
    {},
    {"strategy": {"type": "RollingUpdate", "maxSurge": 1, "maxUnavailable": 0}},
    {"strategy": {"type": "RollingUpdate", "maxSurge": 0, "maxUnavailable": 1}},
    {"strategy": {"type": "RollingUpdate", "maxSurge": 2, "maxUnavailable": 1}},
]
_KINDS = ("rolling", "rolling", "recreate", "canary", "troubled", "once", "retried", "cron")
LIMIT = 60
MORE = "more"
"""A folder below that of the manifests."""


def file_of(name: str) -> str:
    """Some manifests are in a folder of their own."""
    return f"{MORE}/{name}.yaml" if name.split("-")[1] in "25" else f"{name}.yaml"


def scenario(seed: int) -> Scenario:
    """Three to six apps, and three to eight edits within a few minutes."""
    draw = random.Random(seed)
    made = Scenario(seed)
    writer = _Writer(made, draw)
    for number in range(draw.randint(3, 6)):
        writer.declare(number)
    at = 20.0
    for _ in range(draw.randint(3, 8)):
        at = writer.edit(at + draw.choice((0.0, 0.5, 5.0, 30.0)) + draw.uniform(0, 20))
    made.ops.sort(key=lambda op: op.at)
    made.until = max(op.at for op in made.ops)
    return made


class _Writer:
    """Makes the edits, one after the other: no two at a time of one file."""

    def __init__(self, made: Scenario, draw: random.Random) -> None:
        self._made, self._draw = made, draw
        self._now: dict[str, Wish] = {}
        self._versions = 1

    def declare(self, number: int) -> None:
        """One app more, from the beginning."""
        draw = self._draw
        kind = draw.choice(_KINDS)
        name = f"{kind}-{number}"
        fields: dict[str, Any] = {"terminationGracePeriodSeconds": draw.choice((2, 5))}
        program, instances = programs.good(draw), draw.choice((1, 2, 3))
        if kind in ("once", "retried", "cron"):
            fields["backoffLimit"] = 0 if kind == "once" else 2
            program = draw.choice(("job", "long-job", "failing-job"))
            if kind == "cron":
                fields |= {"schedule": "*/2 * * * *", "startingDeadlineSeconds": 30}
                program = "job"
        else:
            fields["progressDeadlineSeconds"] = LIMIT
            if draw.random() < 0.4 or program in ("late", "wavering"):
                fields["readinessProbe"] = _PROBE
        if kind == "rolling":
            fields |= draw.choice(_ROLLING)
        elif kind == "recreate":
            fields["strategy"] = {"type": "Recreate"}
        elif kind == "canary":
            instances = 3
            fields["strategy"] = {"canary": {"instances": 1, "seconds": 8}}
        elif kind == "troubled":
            program = draw.choice(programs.TROUBLED)
        needed = [one for one, wish in self._now.items() if not wish.is_job]
        if needed and kind in ("rolling", "recreate", "once") and draw.random() < 0.35:
            # The last one often needs another itself: a chain.
            need = needed[-1] if draw.random() < 0.6 else draw.choice(needed)
            fields["dependsOn"] = [{"app": need, "condition": "Ready"}]
        if draw.random() < 0.4:
            up = "../" * (1 + file_of(name).count("/"))
            fields["env"] = {"TOKEN": {"secretFile": f"{up}secret"}}
        if draw.random() < 0.3:
            fields["logs"] = {"rotate": {"size": "4Ki", "keep": 50, "compress": False}}
        wish = Wish(kind, program, "v1", instances, fields=tuple(fields.items()))
        self._mean(0.0, name, wish)
        self._write(0.0, name, "declared")

    def edit(self, at: float) -> float:
        """One edit; when it is over."""
        names = [name for name in self._now if not self._is_needed(name)]
        name = self._draw.choice([*self._now])
        kinds = [self._version, self._version, self._half, self._typo, self._twice, self._away]
        kinds += [self._saved_anew, self._profile, self._in_place, self._suspend, self._emptied]
        kinds += [self._unmounted, self._swept, self._lost]
        if not self._now[name].is_job:
            kinds += [self._scale, self._bad, self._bad, self._probed]
        if names and len(self._now) > 2:
            kinds += [self._remove, self._rename]
        edit = self._draw.choice(kinds)
        if edit in (self._remove, self._rename):
            name = self._draw.choice(names)
        return edit(at, name)

    # -- edits that are meant ------------------------------------------------------------------

    def _version(self, at: float, name: str) -> float:
        self._mean(at, name, self._next(name))
        self._write(at, name, f"edited to {self._now[name].version}")
        return at

    def _scale(self, at: float, name: str) -> float:
        self._mean(at, name, replace(self._now[name], instances=self._draw.choice((1, 2, 3, 4))))
        self._write(at, name, f"scaled to {self._now[name].instances}")
        return at

    def _suspend(self, at: float, name: str) -> float:
        self._mean(at, name, replace(self._now[name], suspended=True))
        self._write(at, name, "suspended")
        at += self._draw.choice((1.0, 25.0))
        self._mean(at, name, replace(self._now[name], suspended=False))
        self._write(at, name, "resumed")
        return at

    def _in_place(self, at: float, name: str) -> float:
        fields = dict(self._now[name].fields)
        fields["limits"] = {"nice": self._draw.choice((1, 5, 10))}
        fields["terminationGracePeriodSeconds"] = self._draw.choice((1, 3, 6))
        self._mean(at, name, replace(self._now[name], fields=tuple(fields.items())))
        self._write(at, name, "other limits and another grace period")
        return at

    def _bad(self, at: float, name: str) -> float:
        """A revision that never gets ready; and an undo."""
        good, fields = self._now[name], dict(self._now[name].fields)
        program = self._draw.choice(sorted(programs.NEVER_GOOD))
        if program == "unready":
            fields["readinessProbe"] = _PROBE
        bad = replace(self._next(name), program=program, fields=tuple(fields.items()))
        self._mean(at, name, bad)
        self._write(at, name, f"edited to {bad.version}, which is {program}")
        at += self._draw.choice((2.0, 20.0, 90.0))
        self._mean(at, name, good)
        self._write(at, name, f"undone, to {good.version}")
        return at

    def _probed(self, at: float, name: str) -> float:
        """A version that is slow to get ready, and says when it is."""
        fields = {**dict(self._now[name].fields), "readinessProbe": _PROBE}
        fresh = replace(self._next(name), program="late", fields=tuple(fields.items()))
        self._mean(at, name, fresh)
        self._write(at, name, f"edited to {fresh.version}, with a probe")
        return at

    def _remove(self, at: float, name: str) -> float:
        del self._now[name]
        self._made.meant[name].append(Meant(at, None))
        self._op(at, "remove", file_of(name), why=f"{name} is removed")
        return at

    def _rename(self, at: float, name: str) -> float:
        """The file stays, and declares another."""
        wish, fresh = self._now.pop(name), f"{name}-renamed"
        self._made.meant[name].append(Meant(at, None))
        self._op(at, "remove", file_of(name), why=f"{name} is renamed")
        self._mean(at, fresh, wish)
        self._write(at, fresh, f"the new name of {name}")
        return at

    # -- mistakes, which are corrected ---------------------------------------------------------

    def _half(self, at: float, name: str) -> float:
        """An editor that writes in two pieces."""
        text = self._next(name).manifest(name)
        cut = self._draw.randint(1, len(text) - 1)
        self._op(at, "write", file_of(name), text[:cut], f"{name} is half written")
        self._unsure(at, name)
        at += self._draw.choice((0.005, 0.1, 3.0))
        return self._version(at, name)

    def _typo(self, at: float, name: str) -> float:
        text = self._next(name).manifest(name).replace("command:", "comand:")
        self._op(at, "write", file_of(name), text, f"{name} has a typo")
        return self._version(at + self._draw.choice((0.5, 12.0, 40.0)), name)

    def _twice(self, at: float, name: str) -> float:
        """Another file declares the same name."""
        text = replace(self._now[name], version="twice").manifest(name)
        self._op(at, "write", "copy.yaml", text, f"{name} is declared twice")
        at += self._draw.choice((2.0, 25.0))
        self._op(at, "remove", "copy.yaml", why=f"{name} is declared once again")
        return at

    def _emptied(self, at: float, name: str) -> float:
        """A file is empty for a moment: nobody can tell from a removal, if it takes long."""
        self._op(at, "write", file_of(name), "", f"the file of {name} is emptied")
        self._unsure(at, name)
        at += self._draw.choice((0.005, 0.2, 4.0))
        return self._version(at, name)

    def _saved_anew(self, at: float, name: str) -> float:
        """An editor that removes the file before it writes it."""
        self._op(at, "remove", file_of(name), why=f"the file of {name} is about to be saved")
        at += self._draw.choice((0.005, 0.1, 0.3))
        return self._version(at, name)

    def _away(self, at: float, name: str) -> float:
        """The directory is gone for a while."""
        return self._gone(at, "take away", "bring back", "the directory is gone")

    def _unmounted(self, at: float, name: str) -> float:
        """What is seen for a while is the empty directory below the mount."""
        return self._gone(at, "unmount", "mount", "the manifests are unmounted")

    def _swept(self, at: float, name: str) -> float:
        """Most files are gone for a while, as in a checkout of another branch."""
        if len(self._now) < 4:  # so few may be removed at once
            return self._unmounted(at, name)
        return self._gone(at, "sweep", "restore", "most manifests are gone")

    def _lost(self, at: float, name: str) -> float:
        """A part of the directory cannot be listed for a while."""
        return self._gone(at, "lose", "find", "a folder cannot be listed", MORE)

    def _gone(self, at: float, what: str, back: str, why: str, file: str = "") -> float:
        self._op(at, what, file, why=why)
        at += self._draw.choice((0.2, 10.0, 45.0, 100.0))
        self._op(at, back, file, why="the manifests are back")
        return at

    def _profile(self, at: float, name: str) -> float:
        text = "apiVersion: recon/v1\nkind: Settings\nspec: {profile: %s}\n"
        self._op(at, "write", "recon.yaml", text % "nope", "a profile that no manifest has")
        at += self._draw.choice((3.0, 30.0))
        self._op(at, "remove", "recon.yaml", why="no profile any more")
        return at

    # -- small things --------------------------------------------------------------------------

    def _next(self, name: str) -> Wish:
        """The same app at its next version."""
        return replace(self._now[name], version=f"v{self._versions + 1}")

    def _mean(self, at: float, name: str, wish: Wish) -> None:
        if wish.version == f"v{self._versions + 1}":
            self._versions += 1
        self._now[name] = wish
        self._made.meant.setdefault(name, []).append(Meant(at, wish))

    def _unsure(self, at: float, name: str) -> None:
        self._made.meant[name].append(Meant(at, None))

    def _write(self, at: float, name: str, why: str) -> None:
        text = self._now[name].manifest(name)
        self._op(at, "write", file_of(name), text, f"{name}: {why}")

    def _op(self, at: float, what: str, file: str = "", text: str = "", why: str = "") -> None:
        self._made.ops.append(Op(at, what, file, text, why))

    def _is_needed(self, name: str) -> bool:
        needs = (
            need for wish in self._now.values() for need in dict(wish.fields).get("dependsOn", ())
        )
        return any(need["app"] == name for need in needs)
