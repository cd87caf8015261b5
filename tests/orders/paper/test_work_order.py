"""Tests of the florist's work order."""

from datetime import date, time
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cvety_crm.users import User
from orders.models import DeliverySlot, Order
from orders.paper.orders_to_print import order_address, orders_to_print
from orders.paper.qr import qr_svg
from orders.paper.work_order import work_orders
from orders.values.paper_formats import A5, FORMATS, ROLL, Paper
from tests.orders.paper.pdf import has_missing_glyphs, letters, page_text, pdf_text, read, size_in_mm, type_sizes

SIZES = pytest.mark.parametrize("size", FORMATS[Paper.WORK_ORDER], ids=lambda size: size.name)


@SIZES
def test_work_order_shows_time_items_postcard_and_notes(make, size):
    order = make(
        "Букет Стандарт",
        "Роза Эквадор",
        postcard_text="Сүйікті әжем 🌹\nҚұттықтаймын",
        comment="без лилий",
        courier_comment="заменить розы на пионы",
    )
    content = work_orders([order], size)
    text = pdf_text(content)
    for part in ("15:00–16:00", "понедельник, 25 августа 2025", order.order_number, "1 × Букет Стандарт",
                 "Роза Эквадор", "Сүйікті әжем", "Құттықтаймын", "без лилий", "заменить розы на пионы"):  # fmt: skip
        assert part in text, part
    assert not has_missing_glyphs(content)
    sizes = sorted(type_sizes(read(content).pages[0]))
    assert sizes[-1] >= 20  # the delivery time has the largest type


@SIZES
def test_work_order_has_no_prices_and_phones(make, size):
    order = make(comment="звонить +7 701 555-66-77 или 8(727)3001020", courier_comment="мама: 87019998877")
    text = pdf_text(work_orders([order], size))
    for private in ("17", "7 500", "₸", "701", "300", "999", "4567"):
        assert private not in text.replace(order.order_number, ""), private
    assert text.count("•••") == 3


@SIZES
def test_work_order_names_the_florist_who_makes_the_bouquet(make, size):
    florist, assigned = User(username="aidana", first_name="Айдана"), User(username="lena", first_name="Лена")
    florist.save()
    assigned.save()
    assert "Флорист" not in pdf_text(work_orders([make()], size))
    assert "Флорист: Лена" in pdf_text(work_orders([make(responsible=assigned)], size))
    assert "Флорист: Айдана" in pdf_text(work_orders([make(responsible=assigned, taken_by=florist)], size))


def test_work_order_has_size_of_its_format(make):
    assert size_in_mm(read(work_orders([make()], A5)).pages[0]) == (148, 210)
    short, long = make(), make(*[f"Цветок {n}" for n in range(40)])
    pages = read(work_orders([short, long], ROLL)).pages
    assert [size_in_mm(page)[0] for page in pages] == [80, 80]
    assert size_in_mm(pages[0])[1] < size_in_mm(pages[1])[1]


def test_qr_code_contains_url_of_order_page(make, settings):
    settings.PUBLIC_URL = "https://crm.example.kz"
    order = make()
    assert order_address(order) == f"https://crm.example.kz/crm/orders/order/{order.pk}/change/"
    assert qr_svg("a").startswith("<svg")
    assert qr_svg(order_address(order)) != qr_svg("a")


def test_long_work_order_has_page_numbers(make):
    long = make(postcard_text="\n".join(f"строка {n}" for n in range(40)))
    pages = read(work_orders([make(), long, make()], A5)).pages
    assert len(pages) == 4
    assert page_text(pages[1]).endswith(f"№ {long.order_number} · стр. 1 / 2")
    assert page_text(pages[2]).endswith("стр. 2 / 2")
    assert "стр." not in page_text(pages[0]) + page_text(pages[3])
    assert letters("".join(f"строка {n}" for n in range(40)))[-8:] in letters(page_text(pages[2]))


def test_cancelled_order_and_pickup_are_marked(make):
    assert "САМОВЫВОЗ" in pdf_text(work_orders([make(is_pickup=True)], A5))
    for order in (make(status="cancelled"), make(is_cancelled=True), make(is_deleted_on_site=True)):
        assert "ОТМЕНЁН" in pdf_text(work_orders([order], A5))
    assert "ОТМЕНЁН" not in pdf_text(work_orders([make()], A5))


def test_work_order_names_missing_values_of_empty_order(make):
    order = make(delivery_date=None, delivery_slot=None, recipient_name="", delivery_address="")
    order.items.all().delete()
    (order,) = orders_to_print(Order.objects.all(), [order.pk])
    text = pdf_text(work_orders([order], A5))
    for part in ("дата не указана", "время не указано", "состав не указан", "Без открытки"):
        assert part in text


def test_orders_are_sorted_by_delivery_in_two_queries(make):
    def slot(key, starts, ends):
        return DeliverySlot.objects.create(bitrix_id=key, name=key, starts_at=starts, ends_at=ends)

    night = slot("ночь", time(22), time(0))
    early = slot("утро", time(8), time(9))
    typed = DeliverySlot.objects.create(bitrix_id="к обеду", name="к обеду")
    expected = [
        make(delivery_slot=early),
        make(),
        make(delivery_slot=night),
        make(delivery_slot=typed),
        make(delivery_date=date(2025, 8, 26), delivery_slot=early),
        make(delivery_date=None),
    ]
    keys = [order.pk for order in expected]
    for chosen in (keys[:1], keys):
        with CaptureQueriesContext(connection) as queries:
            found = orders_to_print(Order.objects.all(), reversed(chosen))
            work_orders(found, A5)
        assert [order.pk for order in found] == chosen
        assert len(queries) == 2


def test_fractional_quantity_is_printed_with_comma(make):
    order = make("Эвкалипт")
    order.items.update(quantity=Decimal("1.5"))
    assert "1,5 ×" in pdf_text(work_orders(orders_to_print(Order.objects.all(), [order.pk]), A5))


def test_work_order_shows_details_of_items_and_notes_of_the_site(make):
    order = make(
        "Букет Стандарт",
        "Букет Стандарт",
        "Букет Стандарт",
        properties=[
            [
                {"NAME": "Размер", "CODE": "SIZE", "VALUE": "61 см"},
                {"NAME": "Надбавка", "CODE": "EXTRA_PRICE", "VALUE": "1500"},
                {"NAME": "Кому", "CODE": "FOR", "VALUE": "Маме, +7 701 555-66-77"},
            ],
            {"size": "61 см", "for": "Маме, +7 701 555-66-77"},
            {"size": "41 см"},
        ],
        metadata={"properties": {"packaging": "крафт", "apartment": "25", "utm_source": "реклама"}},
    )
    text = pdf_text(work_orders([order], A5))
    for part in ("Размер: 61 см, Кому: Маме, •••", "Размер: 41 см", "Упаковка", "крафт"):
        assert part in text, part
    for other in ("Надбавка", "1500", "555", "Квартира", "реклама"):
        assert other not in text, other


def test_items_with_equal_details_are_added_up(make):
    order = make("Букет", "Букет", "Букет", properties=[{"size": "61 см"}, {"size": "61 см"}, {"size": "41 см"}])
    text = pdf_text(work_orders([order], ROLL))
    assert "2 × Букет" in text
    assert "1 × Букет" in text
