"""Tests of who may open and post to every URL: anonymous visitors, each role, and superusers.

The URLs are those of the URL configuration, and the decisions are in `tests/safety/rights.py`.
"""

from http import HTTPStatus

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from cvety_crm.roles import ROLES
from tests.roles import browser_of, person
from tests.safety.addresses import Address, every_address
from tests.safety.rights import LETTERS, POSTED, access_of, undecided, unknown

pytestmark = pytest.mark.django_db

REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
REDIRECTS = (HTTPStatus.MOVED_PERMANENTLY, HTTPStatus.FOUND)
ANONYMOUS, SUPERUSER = "anonymous", "superuser"
SUBJECTS = (ANONYMOUS, *LETTERS, SUPERUSER)


def browser(subject, manager):
    if subject == SUPERUSER:
        return browser_of(manager)
    if subject == ANONYMOUS:
        return Client()
    return browser_of(person(next(role for role in ROLES if role.name == LETTERS[subject])))


def is_allowed(response, address):
    """Return whether the view has answered. A page or a row that does not exist for the user is refused too."""
    if response.status_code in REFUSED:
        return False
    if response.status_code not in REDIRECTS:
        return True
    where = response.headers["Location"].split("?")[0]
    # The admin answers so if the user's rows do not contain the row of a page.
    is_no_row = address.name.endswith(("_change", "logout")) and where in (list_of(address), "/crm/")
    return where != "/crm/login/" and not (is_no_row and response.request["REQUEST_METHOD"] == "GET")


def list_of(address):
    return reverse(f"admin:{address.model.replace('.', '_')}_changelist") if address.model else ""


def send(client, method, path, data=None):
    """Send a request, and undo what it has changed, also a sign-out."""
    cookies = client.cookies.copy()
    with transaction.atomic():
        response = client.get(path) if method == "GET" else client.post(path, data or {})
        transaction.set_rollback(True)
    client.cookies = cookies
    return response


def posted(address, rows):
    values = POSTED.get(address.name, {})
    return {name: str(rows[value]) if value in rows else value for name, value in values.items()}


def test_every_address_has_a_decision():
    addresses = every_address()
    missing = "\n".join(sorted(f"{one.name}  ({one.pattern})" for one in addresses if undecided(one)))
    assert not missing, f"decide in tests/safety/rights.py who may open and post to:\n{missing}"
    assert unknown(addresses) == [], "decisions about addresses that do not exist"


def test_new_page_without_a_decision_is_noticed():
    assert undecided(Address("admin:orders_order_new_page", "/crm/orders/order/new-page/"))
    assert undecided(Address("admin:orders_newmodel_changelist", "/crm/orders/newmodel/"))
    assert undecided(Address("new_page", "/crm/new-page/"))
    assert not undecided(Address("day_board", "/crm/board/"))


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.usefixtures("no_html")
def test_addresses_answer_only_those_who_may_use_them(subject, rows, manager, settings):
    settings.EMAIL_URL = "smtp://mail.example"  # without it, no one can ask for a new password
    client, wrong = browser(subject, manager), []
    for address in every_address():
        path, access = address.path(rows), access_of(address)
        for method, letters in (("GET", access.get), ("POST", access.post)):
            found = is_allowed(send(client, method, path, posted(address, rows)), address)
            decided = letters == "*" or (letters != "." and subject == SUPERUSER) or subject in letters
            if found != decided:
                wrong.append(f"{method} {address.name} ({path}): {'answered' if found else 'refused'}")
    assert "\n".join(wrong) == "", f"for {LETTERS.get(subject, subject)}"
