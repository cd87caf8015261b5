"""Tests of the headers of every page: what a browser may do with it, and where its scripts come from."""

import re
from html.parser import HTMLParser

import pytest
from django.test import Client

from tests.roles import browser_of
from tests.safety.addresses import every_address

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

OUTSIDE = ("/", "/docs/", "/docs/schema", "/health", "/health/ready", "/no/such/page/", "/p/no-such-token/",
           "/api/orders", "/webhooks/bitrix/order", "/crm/login/")  # fmt: skip


class _Scripts(HTMLParser):
    """The inline scripts of a page by their nonce, the hosts of its files, and the attributes that contain code."""

    def __init__(self) -> None:
        super().__init__()
        self.nonces: list[str | None] = []
        self.files: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        is_code = values.get("type", "text/javascript") in ("text/javascript", "module")
        if tag == "script" and "src" not in values and is_code and "id" not in values:
            self.nonces.append(values.get("nonce"))
        self.files += [values[name] or "" for name in ("src", "href") if name in values and tag in ("script", "link")]
        self.handlers += [name for name in values if re.fullmatch("on[a-z]+", name)]
        self.handlers += [value for value in values.values() if (value or "").lower().startswith("javascript:")]


def policy_of(answer):
    parts = (part.partition(" ") for part in answer.headers["Content-Security-Policy"].split("; "))
    return {name: sources for name, _, sources in parts}


def check(path, answer):
    policy = policy_of(answer)
    headers = answer.headers
    assert not any("http" in sources or "*" in sources for sources in policy.values()), path
    assert "'unsafe-inline'" not in policy.get("script-src", policy["default-src"]), path
    assert headers["X-Frame-Options"] == "DENY", path
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "same-origin"), path
    assert "camera=()" in headers["Permissions-Policy"], path
    if not answer.streaming and headers.get("Content-Type", "").startswith("text/html"):
        found = _Scripts()
        found.feed(answer.content.decode())
        assert found.handlers == [], path
        assert [one for one in found.files if "//" in one] == [], path
        for nonce in found.nonces:
            assert nonce, path
            assert f"'nonce-{nonce}'" in policy["script-src"], path


def test_every_page_has_strict_headers_and_no_code_in_its_html(rows, manager):
    client = browser_of(manager)
    for address in every_address():
        path = address.path(rows)
        if "logout" not in path:
            check(path, client.get(path))


@pytest.mark.parametrize("path", OUTSIDE)
def test_page_without_sign_in_has_strict_headers(path, db):
    answer = Client().get(path)
    check(path, answer)
    if not path.startswith("/crm/"):
        assert "unsafe-eval" not in answer.headers["Content-Security-Policy"]


def test_nonce_is_new_in_each_answer(client, db):
    first, second = (policy_of(client.get("/crm/login/"))["script-src"] for _ in range(2))
    assert first != second


def test_pages_of_staff_are_not_kept_by_a_proxy(rows, manager):
    client = browser_of(manager)
    for path in ("/crm/", "/crm/orders/order/", "/crm/orders/customer/"):
        caching = client.get(path).headers["Cache-Control"]
        assert {"no-store", "private"} <= set(caching.replace(" ", "").split(",")), path


def test_cookies_are_not_readable_by_scripts_and_stay_on_the_site(client, manager, settings):
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    data = {"username": "manager", "password": "made-up-password"}
    answer = client.post("/crm/login/", data, secure=True)
    session = answer.cookies["sessionid"]
    assert (session["httponly"], session["secure"], session["samesite"]) == (True, True, "Lax")
    assert client.get("/crm/", secure=True).cookies.get("csrftoken", session)["secure"]
