"""Tests of the locks of a dry run, which is one long transaction."""

from typing import Any

import pytest
from django.db import connection

from bitrix_bridge.history import importing
from bitrix_bridge.history.reading import Selection
from orders.models import Order
from tests.bitrix_bridge.history.tables import Schema

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("schema", [Schema.NEW])]


def answer(sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def test_dry_run_holds_no_advisory_locks(source):
    """PostgreSQL has room for a few thousand advisory locks in all sessions. An import may have 100,000 orders."""
    held = "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'"
    before = answer(held)
    with importing.rolled_back():
        importing.work(importing.start(source, Selection(), batch_size=60), source)
        assert Order.objects.count() == 54
        assert answer(held) == before
    importing.work(importing.start(source, Selection(count=2)), source)
    assert answer(held) > before  # a real import locks the names of new orders until the end of the batch


def test_dry_run_restores_lock_timeout_after_its_start(source):
    before = answer("SHOW lock_timeout")
    with importing.rolled_back():
        importing.start(source, Selection())
        assert answer("SHOW lock_timeout") == before
