"""A dry run is one long transaction: what it locks, and that it waits for the locks of others."""

import pytest
from django.db import connection

from bitrix_bridge.history import importing
from bitrix_bridge.history.reading import Selection
from orders.models import Order
from tests.bitrix_bridge.history.tables import Schema

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("schema", [Schema.NEW])]


def answer(sql: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def test_it_holds_no_lock_by_name_however_many_orders_and_customers_are_new(source):
    """PostgreSQL has room for a few thousand, of all sessions together; a history has a hundred thousand orders."""
    held = "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'"
    before = answer(held)
    with importing.rolled_back():
        importing.work(importing.start(source, Selection(), batch_size=60), source)
        assert Order.objects.count() == 54
        assert answer(held) == before
    importing.work(importing.start(source, Selection(count=2)), source)
    assert answer(held) > before  # a real one does hold what it creates, until its batch is done


def test_only_its_start_is_impatient(source):
    before = answer("SHOW lock_timeout")
    with importing.rolled_back():
        importing.start(source, Selection())
        assert answer("SHOW lock_timeout") == before
