"""Fixtures of orders with photos, of staff, and of a customer with a link."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from orders import services
from orders.models import Order, OrderPhoto
from orders.photos.links import photo_token
from tests.orders.admin.conftest import browser, browser_of, make_order  # noqa: F401
from tests.orders.photos.pictures import picture


@pytest.fixture
def order(make_order: Any) -> Order:  # noqa: F811
    """Return an order with private data in many fields."""
    return make_order()


@pytest.fixture
def add(manager: Any) -> Callable[..., OrderPhoto]:
    """Return a function that adds a photo to an order as the manager."""

    def make(order: Order, content: bytes | None = None) -> OrderPhoto:
        content = content if content is not None else picture()
        return services.add_photo(order_id=order.pk, upload=io.BytesIO(content), size=len(content), actor=manager)

    return make


@pytest.fixture
def photo(order: Order, add: Callable[..., OrderPhoto]) -> OrderPhoto:
    """Return a photo of the order's bouquet."""
    return add(order)


@pytest.fixture
def link(order: Order, photo: OrderPhoto, manager: Any) -> str:
    """Return the path of the customer's link."""
    approval = services.make_photo_link(order_id=order.pk, actor=manager)
    return f"/p/{photo_token(approval)}/"


@pytest.fixture
def customer() -> Client:
    """Return the customer's browser, which is not logged in and checks CSRF tokens."""
    return Client(enforce_csrf_checks=True)


def stored_files() -> set[str]:
    """Return the names of all files in the storage."""

    def walk(folder: str) -> set[str]:
        folders, files = default_storage.listdir(folder)
        inner = [walk(f"{folder}/{name}".lstrip("/")) for name in folders]
        return {f"{folder}/{name}" for name in files}.union(*inner)

    return walk("orders") if default_storage.exists("orders") else set()
