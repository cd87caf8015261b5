"""Tests of the courier's route sheet."""

from datetime import date
from decimal import Decimal

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from cvety_crm.users import User
from orders.models import City, Courier, DeliverySlot
from orders.paper.route_sheet import route_of, route_sheets
from orders.presentation.delivery import reason_to_leave_out
from orders.rules.payment import Dues
from orders.values.paper_formats import A4
from tests.orders.paper.pdf import has_missing_glyphs, lowest_line, page_text, pdf_text, read, size_in_mm

NBSP = "\u00a0"
BOSS = User(is_superuser=True)


@pytest.fixture
def courier(db):
    return Courier.objects.create(name="Ерлан Қайратұлы", phone="+77770001122")


def printed(*orders):
    return route_sheets(route_of(orders), A4, BOSS)


def test_sheet_shows_stop_contacts_payment_and_notes(make, courier, settings):
    settings.DISPATCHER_PHONE = "+77273001020"
    order = make("Букет Стандарт", courier=courier, is_surprise=True, courier_comment="позвонить за час")
    content = printed(order)
    text = pdf_text(content)
    for part in ("Ерлан Қайратұлы", "25 августа 2025", "+7 727 300-10-20", "17 000 ₸", f"№ {order.order_number}",
                 "15:00–16:00", "ул. Абая 150, подъезд 2, кв 25", "Мария", "+7 701 123-45-67",
                 "СЮРПРИЗ: не называть отправителя, не звонить получателю", "Букет Стандарт × 1", "позвонить за час",
                 "наличные"):  # fmt: skip
        assert part in text, part
    assert not has_missing_glyphs(content)
    assert size_in_mm(read(content).pages[0]) == (210, 297)
    assert f"17{NBSP}000{NBSP}₸" in read(content).pages[0].extract_text()


def test_sheet_shows_since_when_a_bouquet_is_ready(make, courier):
    ready_at = timezone.localtime().replace(hour=12, minute=5)
    text = pdf_text(printed(make(courier=courier), make(courier=courier, ready_at=ready_at)))
    assert text.count("готов 12:05") == text.count("готов ") == 1


def test_sheet_hides_phones_and_sums_without_permission(make, courier):
    order = make(courier=courier)
    text = pdf_text(route_sheets(route_of([order]), A4, AnonymousUser()))
    assert "••• 4567" in text
    assert "••• 1122" in text
    assert "Получить ••• Адресов 1" in text
    assert "123-45-67" not in text
    assert "17 000" not in text


def test_sheet_of_anonymous_order_has_no_sender(make, courier):
    from orders.models import Customer

    customer = Customer.objects.create(name="Айгерим", phone="+77771234567")
    text = pdf_text(printed(make(courier=courier, customer=customer, is_anonymous=True)))
    assert "АНОНИМНО: не называть отправителя" in text
    assert "Айгерим" not in text
    assert "777 123" not in text
    assert "СЮРПРИЗ" not in text


@pytest.mark.parametrize(
    ("values", "expected", "sum_to_collect"),
    [
        ({}, "наличные", "17 000 ₸"),
        ({"payment_method": "cash", "paid_amount": Decimal(14000)}, "доплата", "3 000 ₸"),
        ({"payment_method": "kaspi"}, "не оплачен: Kaspi", "17 000 ₸"),
        ({"payment_status": "paid"}, "ОПЛАЧЕН", "0 ₸"),
        ({"paid_amount": Decimal(17000)}, "ОПЛАЧЕН", "0 ₸"),
        ({"payment_status": "refunded"}, "деньги возвращены", "0 ₸"),
    ],
)
def test_sheet_shows_payment_and_sum_to_collect(make, courier, values, expected, sum_to_collect):
    text = pdf_text(printed(make(courier=courier, **values)))
    assert expected in text
    assert f"Получить {sum_to_collect} Адресов 1" in text


def test_sum_to_collect_adds_up_all_stops(make, courier):
    orders = [make(courier=courier), make(courier=courier, payment_status="paid"), make(courier=courier)]
    (sheet,) = route_of(orders)
    assert sheet.dues == Dues({"KZT": Decimal(34000)})
    assert "34 000 ₸" in pdf_text(route_sheets([sheet], A4, BOSS))


def test_sheets_are_sorted_by_day_and_courier(make, courier):
    other = Courier.objects.create(name="Азамат")
    orders = [make(), make(courier=courier), make(courier=other), make(courier=courier),
              make(courier=courier, delivery_date=date(2025, 8, 26))]  # fmt: skip
    sheets = route_of(orders)
    assert [(sheet.who, len(sheet.stops)) for sheet in sheets] == [
        ("Азамат", 1),
        ("Ерлан Қайратұлы", 2),
        ("Без курьера", 1),
        ("Ерлан Қайратұлы", 1),
    ]
    pages = read(route_sheets(sheets, A4, BOSS)).pages
    assert len(pages) == 4
    assert all(page_text(page).endswith("стр. 1 из 1") for page in pages)


def test_stops_follow_the_sequence_of_the_dispatcher_and_then_the_time(make, courier):
    late, last, first = (make(courier=courier, route_position=position) for position in (None, 2, 1))
    early = make(courier=courier, delivery_slot=DeliverySlot.objects.create(
        bitrix_id="early", name="08:00–09:00", starts_at="08:00", ends_at="09:00"))  # fmt: skip
    (sheet,) = route_of([late, last, first, early])
    assert list(sheet.stops) == [first, last, early, late]


def test_orders_without_delivery_are_left_out_with_reason(make, courier):
    orders = {
        "самовывоз": make(courier=courier, is_pickup=True),
        "отменён": make(courier=courier, status="declined"),
        "уже выполнен": make(courier=courier, status="completed"),
    }
    assert {reason_to_leave_out(order): order for order in orders.values()} == orders
    assert route_of(list(orders.values())) == []
    assert reason_to_leave_out(make(courier=courier)) == ""


@pytest.mark.slow
def test_row_is_not_split_by_page_break(make, courier):
    orders = [
        make(
            *[f"Букет-{n}" for _ in range(1 + n % 4)],
            courier=courier,
            order_number=f"N{n}N",
            delivery_address=f"Адрес-{n}. " + "подъезд направо " * (n % 7),
            recipient_name=f"Имя-{n}.",
            courier_comment=f"Последнее-{n}.",
        )
        for n in range(100, 200)
    ]
    pages = [page_text(page) for page in read(printed(*orders)).pages]
    assert len(pages) > 8
    for n in range(100, 200):
        on = [
            {number for number, text in enumerate(pages) if part in text}
            for part in (f"N{n}N", f"Адрес-{n}.", f"Имя-{n}.", f"Букет-{n}", f"Последнее-{n}.")
        ]
        assert len(on[0]) == 1
        assert all(found == on[0] for found in on), n
    for number, text in enumerate(pages, start=1):
        assert text.endswith(f"стр. {number} из {len(pages)}")


def test_row_longer_than_page_continues_without_loss(make, courier):
    text = " ".join(f"слово{n}" for n in range(1500))
    content = printed(make(courier=courier), make(courier=courier, courier_comment=text), make(courier=courier))
    pages = read(content).pages
    assert len(pages) > 2
    assert all(lowest_line(page) > 0 for page in pages)
    found = pdf_text(content)
    assert [n for n in range(1500) if f"слово{n}" not in found] == []


def test_sheet_names_missing_values_of_empty_order(make):
    text = pdf_text(printed(make(recipient_name="", recipient_phone="", delivery_address="", delivery_date=None)))
    for part in ("АДРЕС НЕ УКАЗАН", "получатель не указан", "дата не указана", "Без курьера"):
        assert part in text


def test_cities_are_shown_only_when_they_differ(make, courier):
    here = make(courier=courier)
    assert "Алматы" not in pdf_text(printed(here))
    there = make(courier=courier, city=City.objects.create(bitrix_id=3, name="Талгар"))
    assert "Талгар, ул. Абая" in pdf_text(printed(here, there))


def test_markup_in_order_is_printed_as_text(make, courier):
    evil = '<script>alert(1)</script> #read("/etc/passwd") *x*'
    text = pdf_text(printed(make(evil, courier=courier, recipient_name=evil, delivery_address=evil, comment=evil)))
    assert text.replace(" ", "").count(evil.replace(" ", "")) == 4
    assert "root:" not in text
