"""Tests of a lost connection to the copy of the site's database, and of a server that restarts."""

import pymysql
import pytest

from bitrix_bridge.history import applying, importing
from bitrix_bridge.history.reading import Selection
from bitrix_bridge.history.source import SourceError
from orders.models import Order
from tests.bitrix_bridge.history.tables import Schema

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("schema", [Schema.NEW])]


@pytest.fixture(autouse=True)
def _no_delays(monkeypatch):
    monkeypatch.setattr(importing, "RECONNECT_DELAYS", (0.0, 0.0, 0.0))


@pytest.fixture
def break_connection(site_copy, monkeypatch):
    """Return a function that makes the first call of a module's function break the connection."""

    def break_in(module, name):
        original, broken = getattr(module, name), []

        def call(source, *args, **options):
            if not broken:
                broken.append(True)
                (session,) = site_copy.execute("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'reader'")[0]
                site_copy.execute(f"KILL {session}")
            return original(source, *args, **options)

        monkeypatch.setattr(module, name, call)
        return broken

    return break_in


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (applying, "nearest_date"),
        (applying, "new_products"),
        (importing, "load_import_context"),
        (importing, "read_next"),
    ],
)
def test_query_is_repeated_after_the_connection_is_lost(source, site_copy, break_connection, module, name):
    for table in ("b_sale_order", "b_sale_basket"):
        site_copy.execute(f"UPDATE {table} SET DATE_INSERT = '0000-00-00'")
    site_copy.execute("UPDATE b_sale_order SET DATE_STATUS = NULL, DATE_UPDATE = NULL")
    site_copy.execute("DELETE FROM b_sale_order_change")
    run = importing.start(source, Selection(count=3), batch_size=2)
    broken = break_connection(module, name)
    assert importing.work(run, source)
    run.refresh_from_db()
    assert broken
    assert (run.created, run.failed) == (3, 0)


@pytest.mark.parametrize(("refusals", "is_imported"), [(2, True), (3, False)])
def test_reconnect_is_retried_while_the_server_restarts(source, break_connection, monkeypatch, refusals, is_imported):
    run = importing.start(source, Selection(count=2))
    break_connection(importing, "read_next")
    connect, refused = pymysql.connect, []

    def refuse(**options):
        if len(refused) < refusals:
            refused.append(True)
            raise pymysql.err.OperationalError(2003, "Can't connect to MySQL server")
        return connect(**options)

    monkeypatch.setattr(pymysql, "connect", refuse)
    if is_imported:
        assert importing.work(run, source)
    else:
        with pytest.raises(SourceError, match="Can't connect"):
            importing.work(run, source)
    assert Order.objects.count() == (2 if is_imported else 0)
