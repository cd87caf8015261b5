"""Tests of the imported data of each odd order, in both versions of the tables. Each test imports the orders once."""

from datetime import date
from decimal import Decimal

import pytest
from django.utils import timezone

from bitrix_bridge.history import importing
from bitrix_bridge.history.reading import Selection
from orders.models import Order
from orders.presentation.timeline import timeline
from orders.selectors.presets import Moment, counts
from tests.bitrix_bridge.history.tables import Schema

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(source):
    """Import the week, and return a function that finds an imported order by its id on the site."""
    importing.work(importing.start(source, Selection(), batch_size=60), source)

    def find(bitrix_order_id):
        return Order.objects.select_related("customer", "delivery_slot", "city").get(bitrix_order_id=bitrix_order_id)

    return find


def names(order):
    return [item.name for item in order.items.order_by("position")]


def test_odd_orders_are_imported_with_their_data(order, schema):
    """One import is checked with many assertions. Each assertion names its order."""
    company = order(122102)
    assert company.recipient_name
    assert company.city_id == 2
    assert company.delivery_slot.starts_at is not None
    assert order(122103).delivery_date == date(2025, 8, 12)
    assert order(122105).payment_status == "paid"
    assert (order(122106).city.name, order(122106).shop_id) == ("Астана", 17009)
    assert not order(122107).items.get().product.needs_attention
    assert order(122108).metadata["properties"]["extras"] == ["2", "5"]
    assert order(122109).metadata["properties"]["extras"] == ["2", "5"]
    assert "Склад" not in order(122110).delivery_address
    assert names(order(122111))[1] == 'Букет "Стандарт" & открытка'
    assert order(122111).recipient_name == 'Кафе "Весна", Анна'
    if schema is Schema.NEW:
        assert order(122112).postcard_text == "С днём рождения! 🌹\nТвои 👩‍👧"
    assert order(122113).postcard_text == "Туған күніңізбен! Өмір жасыңыз ұзақ болсын, әже."
    assert order(122114).recipient_phone == "+77017654114"
    for key, phone in ((122115, "+7"), (122116, "+7"), (122117, "+77013455117")):
        assert order(key).customer.phone.startswith(phone), key
    assert len(names(order(122118))) == 2
    cancelled = order(122119)
    assert (cancelled.is_cancelled, cancelled.status_id) == (True, "cancelled")
    assert order(122120).paid_amount == Decimal(32500)
    assert order(122121).is_pickup
    assert order(122123).items.order_by("position")[0].price == Decimal("1234.5678")
    assert order(122124).payment_method != ""


def test_missing_data_is_replaced_by_stubs_and_substitutes(order, schema):
    assert order(122125).customer.phone == "+77013455125"
    assert order(122125).customer.name == "Жанна"
    assert order(122126).customer.phone == "+77023455126"
    assert names(order(122127)) == ["Букет по фото клиента", "Открытка"]
    assert sum(item.total for item in order(122127).items.all()) + 1500 == order(122127).total_amount == Decimal(21900)
    assert [line["NAME"] for line in order(122127).metadata["not_bought"]] == ["Ваза стеклянная", "Открытка «Спасибо»"]
    stub = order(122128).items.order_by("position").first()
    assert (stub.product.bitrix_product_id, stub.product.name) == (5121, "Букет «Осень»")
    assert stub.product.needs_attention
    assert not order(122131).items.exists()
    assert (order(122132).status_id, order(122132).status.needs_attention) == ("bitrix_ZZ", True)
    assert order(122133).status.name == "Нереализован"
    assert order(122134).city.needs_attention
    assert order(122135).shop.needs_attention
    assert order(122136).delivery_slot.needs_attention
    undated = timezone.localtime(order(122137).created_at)
    assert date(2025, 8, 10) < undated.date() < date(2025, 8, 18)
    assert order(122138).delivery_date is None
    assert order(122139).order_number == "122139"
    assert order(122140).order_number == "122140"
    assert order(122141).order_number == order(122142).order_number == "122141"
    assert order(122143).metadata["fields"]["PRICE"] == "-500.0000"
    assert order(122145).recipient_phone == "спросить у Лены"
    assert order(122146).delivery_date is None
    assert order(122146).metadata["properties"]["data"] == "после обеда"


def test_broken_texts_are_repaired_or_kept(order, schema):
    assert names(order(122147)) == ["Букет из роз"]
    assert order(122147).postcard_text == "С любовью, твой Серик"
    assert names(order(122148)) == ["Букет"]
    assert order(122148).recipient_name == "Елена Смирнова"
    assert "Поздравля" in order(122149).postcard_text
    assert order(122150).postcard_text == "С днём рождения ????"
    assert len(order(122151).postcard_text) == (500 if schema is Schema.NEW else 255)
    assert "Собрала Айгуль" in str(order(122152).metadata)
    assert order(122153).metadata["properties"]["requests"].startswith("a:3:{")


@pytest.mark.parametrize("schema", [Schema.NEW])
def test_timeline_shows_reasons_and_site_history_in_russian(order):
    def timeline_text(bitrix_order_id):
        found = order(bitrix_order_id)
        entries = timeline(found.events.select_related("actor"))
        return "\n".join(f"{entry.title} {entry.who} {' '.join(map(str, entry.notes))}" for entry in entries)

    assert "товар 5121 неизвестен — создана заглушка" in timeline_text(122128)
    assert "DATE_INSERT: дата 0000-00-00" in timeline_text(122137)
    assert "Комментарий: Клиент передумал" in timeline_text(122119)
    assert "На сайте: " in timeline_text(122119)


@pytest.mark.parametrize("schema", [Schema.NEW])
def test_imported_orders_are_in_no_work_queue(order, manager):
    """No imported order counts as work.

    This includes open orders, and an order with a status that the CRM does not describe.
    """
    assert order(122132).status.stage == "problem"
    assert order(122104).status_id == "new"
    assert set(counts(Moment.of(manager)).values()) == {0}


@pytest.mark.parametrize("schema", [Schema.NEW])
def test_order_with_unreadable_date_does_not_count_as_placed_today(source, site_copy):
    """Such an order gets one of its other dates, or the date of a neighbouring order.

    The three orders with the lowest ids have no other date. They get the date of a later order.
    """
    site_copy.execute("ALTER TABLE b_sale_order MODIFY DATE_INSERT varchar(40) NULL")
    dates = ["2025-00-00 00:00:00", "nonsense", None, "", "0001-01-01 00:00:00", "9999-12-31 00:00:00", "1970-01-01"]
    ids = range(122101, 122101 + len(dates))
    for key, text in zip(ids, dates, strict=True):
        site_copy.execute("UPDATE b_sale_order SET DATE_INSERT = %s WHERE ID = %s", [text, key])
    site_copy.execute("UPDATE b_sale_order SET DATE_STATUS = NULL, DATE_UPDATE = NULL WHERE ID < 122104")
    site_copy.execute("DELETE FROM b_sale_order_change WHERE ORDER_ID < 122104")
    site_copy.execute("UPDATE b_sale_basket SET DATE_INSERT = '0000-00-00' WHERE ORDER_ID < 122104")
    importing.work(importing.start(source, Selection(count=9)), source)
    placed = [order.created_at.year for order in Order.objects.order_by("bitrix_order_id")]
    assert placed == [2025] * 9
