"""Nothing of an address is shown but its scheme and, where that is plainly one, its host."""

from __future__ import annotations

import pytest

from reconciler.notify.masking import masked, shown


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("slack://TokenAAAA/TokenBBBB/TokenCCCC", "slack://***"),
        ("mailto://me:secret@mail.host1.test", "mailto://***"),
        ("https://hooks.host1.test:8443/services/TokenAAAA", "https://hooks.host1.test/***"),
        ("http://user:secret@127.0.0.1/x", "http://127.0.0.1/***"),
        ("https://TokenAAAA/x", "https://***"),
        ("nonsense", "nonsense://***"),
    ],
)
def test_an_address_is_shown_without_its_secrets(address: str, text: str) -> None:
    assert shown(address) == text


def test_parts_of_an_address_are_masked_wherever_they_stand() -> None:
    address = "json://user:pa%2Fssword@host1.test/path-token?key=qu%20ery"
    text = "failed for user with pa/ssword at host1.test: /path-token (pa%2Fssword, qu ery)"
    found = masked(text, address)
    for secret in ("pa/ssword", "pa%2Fssword", "path-token", "qu ery"):
        assert secret not in found
    assert "host1.test" in found


def test_an_address_that_is_no_url_is_masked_as_a_whole() -> None:
    assert "secret" not in masked("cannot read http://[secret/x", "http://[secret/x")
