"""Fixtures of bulk actions."""

import pytest

from orders.admin.actions import bulk
from orders.models import Order
from tests.orders.admin.conftest import MakeOrder


@pytest.fixture
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the worker do bulk actions on more than two orders."""
    monkeypatch.setattr(bulk, "AT_ONCE", 2)


@pytest.fixture
def orders(make_order: MakeOrder) -> list[Order]:
    """Return five new orders."""
    return [make_order(number) for number in range(1001, 1006)]
