"""Those that want to know when an app has written something, so that they need not look."""

from __future__ import annotations

from collections.abc import Callable

Call = Callable[[], object]


class Written:
    """Calls, by app. One that is not listened to costs one look into an empty map."""

    def __init__(self) -> None:
        self._calls: dict[str, list[Call]] = {}

    def listen(self, app: str, call: Call) -> Call:
        """Have ``call`` made after each chunk of output of an app, or of its build, is in a log;
        the result ends that."""
        self._calls.setdefault(app, []).append(call)

        def end() -> None:
            calls = self._calls.get(app, [])
            if call in calls:
                calls.remove(call)
            if not calls:
                self._calls.pop(app, None)

        return end

    def tell(self, app: str) -> None:
        """A chunk of this app, or of this builder (``APP:build``), is in its log."""
        if self._calls:
            for call in self._calls.get(app.partition(":")[0], ()):
                call()
