"""Fixtures of orders from the site, of staff with and without permissions, and of their browsers."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from cvety_crm.users import User
from orders.models import Order
from tests.page_forms import read_form
from tests.samples import order_data

MakeOrder = Callable[..., Order]


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


@pytest.fixture
def make_order(post_webhook: Any, db: None) -> MakeOrder:
    """Return a function that posts an order to the webhook URL with the site's token, and returns the stored order."""

    def make(number: int = 122183, **changes: Any) -> Order:
        changes.setdefault("basket", [{"ID": str(number * 10), "PRODUCT_ID": "696613", "NAME": "Букет Стандарт",
                                       "PRICE": "7500", "QUANTITY": "1", "CURRENCY": "KZT"}])  # fmt: skip
        answer = post_webhook("order.create", order_data(ID=str(number), ACCOUNT_NUMBER=str(number), **changes))
        assert answer.status_code == 200, answer.content
        return Order.objects.get(bitrix_order_id=number)

    return make


@pytest.fixture
def browser(manager: User) -> Client:
    """Return a browser in which a superuser is logged in."""
    client = Client()
    client.force_login(manager)
    return client


@pytest.fixture
def browser_of(db: None) -> Callable[..., Client]:
    """Return a function that logs in a member of staff who has only the given permissions.

    The function returns their browser.
    """

    def make(*rights: str) -> Client:
        user = User.objects.create_user(f"user{User.objects.count()}", password="made-up", is_staff=True)
        for right in rights:
            app, codename = right.split(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def save(browser: Client) -> Callable[..., Any]:
    """Return a function that opens an order's page, changes some fields and posts the form.

    `seen` are the values of a page that was opened earlier.
    """

    def change(order: Order, *, seen: dict[str, Any] | None = None, **fields: Any) -> Any:
        url = change_url(order)
        form = seen if seen is not None else read_form(browser.get(url).content.decode(), "order_form")
        return browser.post(url, {**form, **{name.replace("__", "-"): value for name, value in fields.items()}})

    return change


LIST = "/crm/orders/order/"


def change_url(order: Order) -> str:
    """Return the URL of an order's page."""
    return reverse("admin:orders_order_change", args=[order.pk])


def numbers(html: bytes) -> list[str]:
    """Return the numbers of the orders in a list, from top to bottom."""
    return re.findall(r">№\xa0([\w-]+)", re.split(r'<table id="result_list"', html.decode())[-1])
