"""Those that follow an app's output are called, and no others, until they end it."""

from __future__ import annotations

from reconciler.logs.write.written import Written


def test_calls_are_made_for_an_app_and_its_build_until_they_end() -> None:
    written, heard = Written(), []
    first = written.listen("web", lambda: heard.append("first"))
    second = written.listen("web", lambda: heard.append("second"))
    written.tell("web")
    written.tell("web:build")
    written.tell("db")
    assert heard == ["first", "second"] * 2
    first()
    first()
    written.tell("web")
    assert heard[4:] == ["second"]
    second()
    written.tell("web")
    assert len(heard) == 5
