"""A link opens the page once."""

from __future__ import annotations

from reconciler.ui.dashboard.security.links import Links


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_link_opens_once_and_another_word_never() -> None:
    links = Links()
    word = links.new()
    assert len(word) >= 43  # 256 bits
    assert not links.use("") and not links.use(word[:-1]) and not links.use("é")
    assert links.use(word) and not links.use(word)


def test_a_link_is_void_after_an_hour() -> None:
    clock = Clock()
    links = Links(clock)
    old, new = links.new(), links.new()
    clock.now = 3599
    assert links.use(old)
    clock.now = 3601
    assert not links.use(new)


def test_of_many_links_the_oldest_are_void() -> None:
    links = Links()
    words = [links.new() for _ in range(9)]
    assert not links.use(words[0]) and all(map(links.use, words[1:]))
