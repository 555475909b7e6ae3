"""The order in which everything is stopped: dependents first (`recon down`).

Guarantees: an app is held only while something that depends on it, directly or through others,
still runs. No order holds anything without end: where the dependencies form a circle after all, or
nothing is known of an app, it is stopped at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping


class Teardown:
    """The apps that still run, and those that wait for them, updated at each app's last exit."""

    def __init__(self, needs: Mapping[str, Iterable[str]], running: Collection[str]) -> None:
        """``needs``: the dependencies of every app that is known, running or not."""
        self._needs = {name: frozenset(needs.get(name, ())) for name in _in_order(needs)}
        self._held_by: dict[str, set[str]] = {}
        seen: set[str] = set()
        for name in self._needs:  # dependents first
            seen.add(name)
            # What closes a circle would hold an app that was to go before: it is left out.
            self._needs[name] -= seen
            for need in self._needs[name]:
                self._held_by.setdefault(need, set()).add(name)
        self._running = set(running)
        for name in [*self._needs]:
            if name not in self._running:
                self._pass_on(name)

    def held_by(self, name: str) -> str | None:
        """An app that has to be gone before this one is stopped."""
        return min(self._held_by.get(name, ()), default=None)

    def gone(self, name: str) -> list[str]:
        """Note that nothing of an app runs; the apps that are held no longer."""
        self._running.discard(name)
        return self._pass_on(name)

    def _pass_on(self, name: str) -> list[str]:
        """What does not run and is not held holds nothing; so on down the line."""
        freed: list[str] = []
        waiting = [name]
        while waiting:
            one = waiting.pop()
            if one in self._running or self._held_by.get(one):
                continue
            for need in self._needs.get(one, ()):
                holders = self._held_by.get(need, set())
                if one in holders:
                    holders.discard(one)
                    if not holders:
                        freed.append(need)
                        waiting.append(need)
        return freed


def _in_order(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """Dependents before what they depend on, as far as possible."""
    done: dict[str, None] = {}
    entered: set[str] = set()
    for start in sorted(needs):
        stack = [(start, False)]
        while stack:
            name, left = stack.pop()
            if left:
                done[name] = None
            elif name not in entered:
                entered.add(name)
                stack.append((name, True))
                stack += [(need, False) for need in needs.get(name, ())]
    return list(reversed(done))
