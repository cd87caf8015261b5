"""Tests that no address, parameter, method or form that a stranger or staff may send makes the CRM fail with 500."""

import re
from urllib.parse import quote, urlencode

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.roles import browser_of
from tests.safety.addresses import every_address

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

ADDRESSES = [one for one in every_address() if one.name not in ("admin:logout", "health", "ready")]
"""All but the sign-out, and the two pages whose status says how the CRM is."""
TEXTS = (
    "%00", "%FF", "..%2F..%2Fetc%2Fpasswd", "'%22%3E%3Cscript%3E", "9" * 40, "-1", "%F0%9F%8C%B9", "%E2%80%AE", "null",
    "%0d%0aX:1", "{{7*7}}", "a" * 3000, "1e999", "٣", "%25s", ".",
)  # fmt: skip
PARAMETERS = (
    "q", "p", "o", "e", "preset", "day", "view", "columns", "date", "from", "to", "next", "order", "courier", "page",
    "_popup", "_to_field", "_changelist_filters", "format", "status__code__exact", "delivery_date_on", "version",
    "lang", "model_name", "field_name", "app_label", "term", "s", "extended", "keys", "table", "by", "shop", "source",
)  # fmt: skip
PARAMETER_TEXTS = ("'\"><script>", "9" * 30, "2026-13-45", "🌹\u202e\ud800", "-1")
METHODS = ("HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE")


def quiet(client):
    client.raise_request_exception = False  # a failure is an answer of 500, as in production
    return client


@pytest.fixture(params=["stranger", "superuser"])
def visitor(request, manager):
    return quiet(Client() if request.param == "stranger" else browser_of(manager))


def failures(answers):
    return [f"{where[:200]}: {one.status_code}" for where, one in answers if one.status_code >= 500]


@pytest.mark.usefixtures("no_html")
def test_no_hostile_key_in_an_address_makes_a_failure(visitor, rows):
    patterns = [one.pattern for one in ADDRESSES if "{" in one.pattern]
    paths = [re.sub(r"{\w+}", text, pattern) for pattern in patterns for text in TEXTS]
    assert failures((path, visitor.get(path)) for path in paths) == []


@pytest.mark.usefixtures("no_html")
def test_no_hostile_parameter_makes_a_failure(visitor, rows):
    queries = [urlencode(dict.fromkeys(PARAMETERS, text), errors="surrogatepass") for text in PARAMETER_TEXTS]
    paths = [f"{one.path(rows)}?{query}" for one in ADDRESSES for query in queries]
    assert failures((path, visitor.get(path)) for path in paths) == []


@pytest.mark.usefixtures("no_html")
def test_no_posted_value_makes_a_failure(visitor, rows):
    forms = [dict.fromkeys((*PARAMETERS, *POSTED), text) for text in ("a\0", "'\"><script>", "9" * 30, "🌹" * 50)]
    sent = [(one.path(rows), form) for one in ADDRESSES for form in forms]
    assert failures((f"{path} {form['q']!r}", visitor.post(path, form)) for path, form in sent) == []


@pytest.mark.usefixtures("no_html")
def test_no_method_makes_a_failure(rows):
    sent = [(name, one.path(rows)) for one in ADDRESSES for name in METHODS]
    stranger = quiet(Client())
    assert failures((f"{name} {path}", stranger.generic(name, path)) for name, path in sent) == []


POSTED = (
    "action", "_selected_action", "index", "select_across", "apply", "status", "comment", "reason", "text", "note",
    "order", "orders", "courier", "florist", "amount", "method", "payment", "key", "keys", "name", "phone", "other",
    "customer", "word", "photo", "image", "position", "batch", "template", "system", "version", "seen", "confirmed",
    "day", "counted", "username", "password", "_form_submitted",
)  # fmt: skip


@pytest.mark.usefixtures("no_html")
@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
@given(parts=st.lists(st.text(max_size=30), max_size=5), start=st.sampled_from(["", "crm/", "p/", "api/", "docs/",
       "webhooks/", "static/", "crm/orders/order/", "crm/reports/"]))  # fmt: skip
def test_no_made_up_path_makes_a_failure(db, parts, start):
    path = "/" + start + "/".join(quote(part, safe="", errors="surrogatepass") for part in parts)
    assert quiet(Client()).get(path).status_code < 500
