from __future__ import annotations

import pytest

from reconciler.targets.nomad.address import InvalidAddress, settings


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (None, "http://127.0.0.1:4646"),
        ("nomad.example", "http://nomad.example:4646"),
        ("10.0.0.7:8000", "http://10.0.0.7:8000"),
        ("http://nomad.example", "http://nomad.example:80"),
        ("https://nomad.example/engine/", "https://nomad.example:443/engine"),
        ("http://[::1]:4646", "http://[::1]:4646"),
        ("unix:///run/nomad.sock", "unix:///run/nomad.sock"),
        ("/run/nomad.sock", "unix:///run/nomad.sock"),
    ],
)
def test_an_address_has_the_forms_of_nomad(address: str | None, shown: str) -> None:
    assert str(settings(address, {})) == shown


@pytest.mark.parametrize(
    "address",
    ["ftp://host", "http://", "host:99999", "http://h/?q=1", "a b", "http://h/\x1b[2J", "unix://"],
)
def test_another_address_is_refused_on_one_line(address: str) -> None:
    with pytest.raises(InvalidAddress, match="is not a valid address of Nomad; write") as found:
        settings(address, {})
    assert "\x1b" not in str(found.value)


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(InvalidAddress, match="NOMAD_HTTP_AUTH") as found:
        settings("http://me:hunter2@host", {})
    assert "hunter2" not in str(found.value)


def test_the_variables_of_nomad_are_read_and_an_address_wins() -> None:
    environ = {
        "NOMAD_ADDR": "https://other:4646",
        "NOMAD_TOKEN": "t0ken",
        "NOMAD_NAMESPACE": "shop",
        "NOMAD_REGION": "eu",
        "NOMAD_SKIP_VERIFY": "true",
    }
    assert str(settings(None, environ)) == "https://other:4646"
    found = settings("http://here:1", environ)
    assert (str(found), found.token, found.namespace) == ("http://here:1", "t0ken", "shop")
    assert (found.region, found.is_verified) == ("eu", False)
    assert "t0ken" not in repr(found)
