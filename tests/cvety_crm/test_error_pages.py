"""Tests of the pages that are shown instead of an error: null characters, no database, a full disk."""

import errno
from uuid import uuid4

import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client

from cvety_crm import pages


@pytest.fixture
def browser(manager):
    client = Client(raise_request_exception=False)
    client.force_login(manager)
    return client


@pytest.fixture
def failing(monkeypatch):
    """Return a function that makes the order list raise an error."""

    def switch(error):
        def fail(*_arguments, **_more):
            raise error

        monkeypatch.setattr("orders.admin.orders.model_admin.OrderAdmin.get_queryset", fail)

    return switch


LIST = "/crm/orders/order/"


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError("the server closed the connection"), InterfaceError("closed")])
def test_page_without_a_database_says_so_and_tries_again(browser, failing, error):
    failing(error)
    shown = browser.get(LIST)
    assert (shown.status_code, shown["Retry-After"]) == (503, str(pages.RETRY_AFTER))
    text = shown.content.decode()
    assert "База данных недоступна" in text
    assert f'http-equiv="refresh" content="{pages.RETRY_AFTER}"' in text
    assert "closed" not in text


@pytest.mark.django_db
def test_form_without_a_database_is_not_sent_again(browser, failing):
    failing(OperationalError("the server closed the connection"))
    shown = browser.post(f"{LIST}{uuid4()}/change/", {"comment": "x"})
    assert (shown.status_code, "refresh" in shown.content.decode()) == (503, False)
    assert "Ничего не сохранено" in shown.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk_is_507(browser, failing, code):
    failing(OSError(code, "No space left on device"))
    shown = browser.post(f"{LIST}{uuid4()}/change/", {"comment": "x"})
    assert (shown.status_code, "Диск CRM переполнен" in shown.content.decode()) == (507, True)


@pytest.mark.django_db
def test_other_errors_are_500(browser, failing):
    failing(ValueError("a mistake"))
    shown = browser.get(LIST)
    assert (shown.status_code, "a mistake" in shown.content.decode()) == (500, False)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    ["/docs/schema?version=%00", "/crm/django_q/ormq/?q=%00", "/crm/orders/order/?q=a%00b", "/crm/%00/", "/p/%00"],
)
def test_null_character_in_an_address_is_400(browser, address):
    assert browser.get(address).status_code == 400


@pytest.mark.django_db
def test_null_character_in_a_form_is_400(browser):
    assert browser.post(LIST, {"action": "x", "comment": "a\0b"}).status_code == 400
    assert browser.post("/crm/login/", {"username": "a\0"}).status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["x", "-1", "99"])
def test_page_of_the_palette_that_does_not_exist_is_404(browser, page):
    assert browser.get(f"/crm/search/?s=заказ&page={page}").status_code == 404
