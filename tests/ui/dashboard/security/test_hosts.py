"""Host and Origin: the names under which the page answers, by table."""

from __future__ import annotations

import pytest

from reconciler.ui.dashboard.security.hosts import Hosts


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:7333", "localhost:7333", "LOCALHOST", "[::1]:7333", "localhost.:80", "127.0.0.1"],
)
def test_names_of_this_host_are_allowed_under_any_port(host: str) -> None:
    assert Hosts().allows(host)


@pytest.mark.parametrize(
    "host",
    [
        *(
            "",
            "evil.example",
            "evil.example:7333",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
        ),
        *("evil.example#localhost", "evil@localhost", "localhost/", " localhost", "localhost:x"),
        *("127.0.0.2", "[::1", "0.0.0.0", "127.1", "2130706433", "localhost:99999", "a\\localhost"),
    ],
)
def test_any_other_name_is_refused_as_it_may_be_rebound(host: str) -> None:
    assert not Hosts().allows(host)


def test_behind_a_password_addresses_and_named_hosts_are_allowed_too() -> None:
    hosts = Hosts(["Recon.example.com"], addresses=True)
    for host in ("192.0.2.7:80", "[2001:db8::7]:80", "recon.example.com", "RECON.example.com:443"):
        assert hosts.allows(host), host
    assert not hosts.allows("other.example.com")


@pytest.mark.parametrize(
    ("origin", "site", "is_own"),
    [
        ("http://127.0.0.1:7333", None, True),
        ("https://127.0.0.1:7333", None, True),  # behind a proxy with TLS
        (None, "same-origin", True),
        ("http://127.0.0.1:9999", "same-site", False),  # another server of this host
        ("http://127.0.0.1", None, False),
        ("http://evil.example", "cross-site", False),
        ("null", None, False),
        ("", None, False),
        ("http://[", None, False),
        ("http://[::1", None, False),
        ("file://127.0.0.1:7333", None, False),
        ("http://127.0.0.1:7333.evil.example", None, False),
        ("http://evil.example/http://127.0.0.1:7333", None, False),
        (None, None, False),
        (None, "cross-site", False),
        (None, "none", False),
    ],
)
def test_a_change_must_come_from_the_page_itself(
    origin: str | None, site: str | None, is_own: bool
) -> None:
    assert Hosts.is_same_origin("127.0.0.1:7333", origin, site) is is_own
