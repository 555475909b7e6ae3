"""The whole page: who gets in, who does not, and what each is answered."""

from __future__ import annotations

import pytest

from reconciler.ui.dashboard.security.password import Password, new_password
from tests.ui.dashboard.standin import HOST, Standin, asked, page_of

PAGES = ("/", "/apps/web", "/apps/web/logs", "/jobs", "/events", "/host", "/stream/apps")
WORD = "correct horse battery"


def password() -> Password:
    import base64

    _, n, r, p, salt, found = new_password(WORD).strip().split("$")
    return Password(int(n), int(r), int(p), base64.b64decode(salt), base64.b64decode(found))


@pytest.mark.parametrize("path", [*PAGES, "/apps/web/act/restart", "/nowhere"])
def test_without_a_session_nothing_is_shown_but_what_to_do(path: str) -> None:
    with page_of() as page:
        answer = asked(page.ask(path, cookie=""))
    assert answer.status == 401
    assert "one-time link" in answer.text and "recon dashboard" in answer.text
    assert "web" not in answer.text.replace("recon-web", "")


def test_a_session_that_has_ended_is_explained() -> None:
    with page_of() as page:
        answer = asked(page.ask("/", cookie="recon-7333=gone"))
    assert answer.status == 401 and "session has ended" in answer.text


@pytest.mark.parametrize("host", ["evil.example", "", "127.0.0.1.evil.example:7333"])
def test_another_name_is_refused_even_with_a_session(host: str) -> None:
    with page_of() as page:
        for path in ("/", "/static/x/page.css", "/open?token=x"):
            assert asked(page.ask(path, host=host)).status == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999", None])
def test_a_form_of_another_page_changes_nothing(origin: str | None) -> None:
    controller = Standin()
    with page_of(controller) as page:
        answer = asked(page.ask("/apps/web/act/restart", method="POST", origin=origin))
    assert answer.status == 403 and "another page" in answer.text
    assert controller.done == []


def test_another_user_of_the_host_is_refused_with_word_and_cookie() -> None:
    with page_of() as page:
        page.peers.reason = "this page is for another user"
        word = page.links.new()
        for path in ("/", f"/open?token={word}", "/static/x/page.css"):
            answer = asked(page.ask(path))
            assert answer.status == 403 and "This page is for another user" in answer.text
        page.peers.reason = ""
        assert asked(page.ask(f"/open?token={word}", cookie="")).status == 200, "still unused"


def test_a_link_gives_a_cookie_once() -> None:
    with page_of() as page:
        path = f"/open?token={page.links.new()}"
        assert asked(page.ask(path, method="HEAD", cookie="")).status == 403
        first = asked(page.ask(path, cookie=""))
        (cookie,) = first.cookies
        assert first.status == 200 and "HttpOnly; SameSite=Strict" in cookie
        assert "token" not in first.text
        again = asked(page.ask(path, cookie=""))
        assert again.status == 403 and not again.cookies and "has been used" in again.text
        assert asked(page.ask("/", cookie=cookie.partition(";")[0])).status == 200
        assert asked(page.ask(path, cookie=cookie.partition(";")[0])).status == 303


def test_signing_out_ends_the_session() -> None:
    with page_of() as page:
        answer = asked(page.ask("/leave", method="POST"))
        assert answer.status == 200 and "Max-Age=0" in answer.cookies[0]
        assert asked(page.ask("/")).status == 401


@pytest.mark.parametrize("path", [*PAGES[:-1], "/nowhere", "/static/x/page.js", "/sign-in"])
def test_every_answer_carries_the_policy(path: str) -> None:
    with page_of() as page:
        headers = asked(page.ask(path)).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY" and "unsafe" not in str(headers)


@pytest.mark.parametrize(
    "name", ["..%2f..%2fserver%2fapp.py", "../templates/layout.html", "app.py", "", "page.js%00"]
)
def test_no_file_but_the_pages_own_is_served(name: str) -> None:
    with page_of() as page:
        assert asked(page.ask(f"/static/x/{name}")).status == 404


def test_a_form_that_is_too_large_is_refused_unread() -> None:
    with page_of() as page:
        answer = asked(page.ask("/leave", method="POST", content_length="70000"))
        assert answer.status == 403 and "too large" in answer.text
        chunked = asked(page.ask("/leave", method="POST", transfer_encoding="chunked"))
        assert chunked.status == 403


def test_the_password_opens_the_page_and_leads_to_the_page_that_was_wanted() -> None:
    with page_of(password=password()) as page:
        form = asked(page.ask("/apps/web", cookie=""))
        assert form.status == 401 and 'value="/apps/web"' in form.text and "password" in form.text
        wrong = asked(page.ask("/sign-in", method="POST", cookie="", form={"password": "x"}))
        assert wrong.status == 403 and not wrong.cookies and "not the password" in wrong.text
        right = asked(
            page.ask(
                "/sign-in", method="POST", cookie="", form={"password": WORD, "next": "/apps/web"}
            )
        )
        assert right.status == 303 and right.headers["location"] == "/apps/web"
        assert asked(page.ask("/", cookie=right.cookies[0].partition(";")[0])).status == 200


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "https://evil.example", ""])
def test_signing_in_leads_nowhere_else(path: str) -> None:
    with page_of(password=password()) as page:
        form = {"password": WORD, "next": path}
        right = asked(page.ask("/sign-in", method="POST", cookie="", form=form))
    assert right.status == 303 and right.headers["location"] == "/"


def test_after_some_tries_the_next_has_to_wait_but_not_that_of_another_address() -> None:
    with page_of(password=password()) as page:

        def attempt(**more: str) -> int:
            form = {"password": "wrong"}
            return asked(page.ask("/sign-in", method="POST", cookie="", form=form, **more)).status

        assert [attempt(client="192.0.2.1", host="192.0.2.9", origin="http://192.0.2.9")] == [403]
        statuses = [attempt(x_forwarded_for="192.0.2.7") for _ in range(6)]
        assert statuses == [403] * 5 + [429]
        assert attempt(x_forwarded_for="192.0.2.8") == 403


def test_behind_a_proxy_with_tls_its_name_is_allowed_and_cookies_are_secure() -> None:
    with page_of(password=password(), public_url="https://recon.example.com") as page:
        name, form = "recon.example.com", {"password": WORD}
        right = asked(
            page.ask(
                "/sign-in", method="POST", cookie="", form=form, host=name, origin=f"https://{name}"
            )
        )
    assert right.status == 303 and right.cookies[0].endswith("; Secure")


def test_members_who_may_only_look_see_no_buttons() -> None:
    for may_act in (True, False):
        with page_of(Standin(may_act=may_act)) as page:
            text = asked(page.ask("/apps/web")).text
        assert ("/apps/web/act/restart" in text) is may_act


def test_the_host_of_a_test_is_one_that_is_allowed() -> None:
    with page_of() as page:
        assert asked(page.ask("/", host=HOST)).status == 200
