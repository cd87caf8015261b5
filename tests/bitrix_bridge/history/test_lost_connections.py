"""The connection to the copy breaks, at whatever it is asked just then; and the server is away for a while."""

import pymysql
import pytest

from bitrix_bridge.history import applying, importing
from bitrix_bridge.history.reading import Selection
from bitrix_bridge.history.source import SourceError
from orders.models import Order
from tests.bitrix_bridge.history.tables import Schema

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("schema", [Schema.NEW])]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(importing, "RECONNECT_DELAYS", (0.0, 0.0, 0.0))


@pytest.fixture
def breaks(site_copy, monkeypatch):
    """Break the connection the first time that this function is called."""

    def breaks(module, name):
        question, broken = getattr(module, name), []

        def ask(source, *args, **options):
            if not broken:
                broken.append(True)
                (session,) = site_copy.execute("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'reader'")[0]
                site_copy.execute(f"KILL {session}")
            return question(source, *args, **options)

        monkeypatch.setattr(module, name, ask)
        return broken

    return breaks


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (applying, "nearest_date"),
        (applying, "new_products"),
        (importing, "load_import_context"),
        (importing, "read_next"),
    ],
)
def test_it_is_asked_again(source, site_copy, breaks, module, name):
    for table in ("b_sale_order", "b_sale_basket"):
        site_copy.execute(f"UPDATE {table} SET DATE_INSERT = '0000-00-00'")
    site_copy.execute("UPDATE b_sale_order SET DATE_STATUS = NULL, DATE_UPDATE = NULL")
    site_copy.execute("DELETE FROM b_sale_order_change")
    run = importing.start(source, Selection(count=3), batch_size=2)
    broken = breaks(module, name)
    assert importing.work(run, source)
    run.refresh_from_db()
    assert broken
    assert (run.created, run.failed) == (3, 0)


@pytest.mark.parametrize(("refusals", "comes_over"), [(2, True), (3, False)])
def test_a_server_that_starts_anew_is_waited_for(source, breaks, monkeypatch, refusals, comes_over):
    run = importing.start(source, Selection(count=2))
    breaks(importing, "read_next")
    connect, refused = pymysql.connect, []

    def refuse(**options):
        if len(refused) < refusals:
            refused.append(True)
            raise pymysql.err.OperationalError(2003, "Can't connect to MySQL server")
        return connect(**options)

    monkeypatch.setattr(pymysql, "connect", refuse)
    if comes_over:
        assert importing.work(run, source)
    else:
        with pytest.raises(SourceError, match="Can't connect"):
            importing.work(run, source)
    assert Order.objects.count() == (2 if comes_over else 0)
