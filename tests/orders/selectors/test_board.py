"""Tests of the day board: hours and stages, needed work and capacity, and orders at risk with the reasons."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import count

import pytest
from django.utils import timezone

from orders.models import Courier, Customer, DeliverySlot, Order, OrderItem, Status
from orders.selectors.board import Board, bouquets_in, day_board
from orders.selectors.presets import BY_KEY, Moment, preset_orders

DAY = date(2026, 3, 8)
pytestmark = pytest.mark.django_db
_numbers = count(1)


def at(text: str, day: date = DAY) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.fromisoformat(text)))


def order(hours: str | None, status: str = "accepted", *, pieces: tuple = (1,), day: date = DAY, **fields) -> Order:
    slot = None
    if hours:
        starts, ends = hours.split("-")
        slot, _ = DeliverySlot.objects.get_or_create(
            bitrix_id=hours, name=hours.replace("-", "–"), starts_at=time(int(starts)), ends_at=time(int(ends) % 24)
        )
    fields = {"delivery_address": "Абая 150", "recipient_phone": "+77011234567", "courier": courier(), **fields}
    made = Order.objects.create(order_number=str(next(_numbers)), status=Status.objects.get(code=status),
                                delivery_date=day, delivery_slot=slot, **fields)  # fmt: skip
    OrderItem.objects.bulk_create(OrderItem(order=made, quantity=quantity) for quantity in pieces)
    return made


def courier() -> Courier:
    return Courier.objects.get_or_create(name="Ерлан")[0]


def board(now: str = "09:00", day: date = DAY) -> Board:
    return day_board(Order.objects.all(), day, at(now))


@pytest.fixture(autouse=True)
def _small_shop(settings) -> None:
    Status.objects.create(code="ready", name="Готов", stage="ready")
    settings.FLORISTS, settings.BOUQUETS_PER_FLORIST_HOUR = 2, 3.0
    settings.COURIERS, settings.DELIVERIES_PER_COURIER_HOUR = 2, 2.0


def counts(cells) -> dict[str, int]:
    return {cell.column.key: cell.count for cell in cells if cell.count}


def reasons(found: Board) -> dict[str, tuple]:
    return {risk.order.order_number: tuple(map(plain, risk.reasons)) for risk in found.risks}


def plain(words: str) -> str:
    return words.replace("\N{NO-BREAK SPACE}", " ")


def test_board_counts_orders_by_hour_and_stage() -> None:
    order(None, "new")
    order("15-16", "new")
    order("15-17", "processing")
    order("15-16", "accepted", is_cancelled=True)
    order("10-11", "completed")
    order("12-13", "completed")
    order("10-11", "new", day=DAY + timedelta(days=1))
    found = board("15:10")
    assert [(row.label, row.is_now, counts(row.cells)) for row in found.hours] == [
        ("раньше", False, {"done": 2}),
        ("15:00", True, {"new": 1, "making": 1, "cancelled": 1}),
        ("без времени", False, {"new": 1}),
    ]
    assert (found.total, counts(found.totals)) == (5, {"new": 2, "making": 1, "done": 2, "cancelled": 1})


@pytest.mark.parametrize(
    ("pieces", "bouquets"), [((), 1), ((1, 2), 3), ((51,), 1), ((51, 1), 2), (("0.5",), 1)], ids=str
)
def test_line_of_many_flowers_is_one_bouquet(pieces, bouquets) -> None:
    assert bouquets_in(Decimal(piece) for piece in pieces) == bouquets


def test_row_compares_needed_work_with_capacity() -> None:
    for _ in range(3):
        order("15-16", pieces=(1, 2))
    order("15-16", "ready", is_pickup=True)
    order("15-16", "completed", pieces=(5,))
    order("12-13", "new", pieces=(2,), is_pickup=True)
    noon, three = board().hours
    assert (noon.is_over, plain(noon.bouquets_words), plain(noon.deliveries_words)) == (
        False, "2 букета, можем 6", "0 доставок, можем 4")  # fmt: skip
    assert (three.is_over, three.bouquets.percent, plain(three.bouquets_words), plain(three.deliveries_words)) == (
        True, 100, "не успеваем: 9 букетов, можем 6", "3 доставки, можем 4")  # fmt: skip
    # At 15:30, half of the hour is left.
    assert plain(board("15:30").hours[1].deliveries_words) == "не успеваем: 3 доставки, можем 2"
    # All past hours are in one row without a load. The open orders of these hours are among the orders at risk.
    (earlier,) = board("16:01").hours
    assert earlier.is_earlier
    assert earlier.deliveries is None


def test_longer_slot_has_more_capacity() -> None:
    for _ in range(9):
        order("10-14")
    assert plain(board().hours[0].bouquets_words) == "9 букетов, можем 24"


def test_row_has_no_load_without_settings_of_capacity(settings) -> None:
    settings.FLORISTS = settings.COURIERS = 0
    for _ in range(9):
        order("10-11")
    row = board().hours[0]
    assert (row.is_over, row.bouquets, row.deliveries, board().risks) == (False, None, None, ())


def test_risks_have_reasons_and_most_urgent_comes_first() -> None:
    late = order("10-11", "new")
    not_begun = order("10-12", "accepted")
    unsent = order("10-12", "ready", courier=None)
    on_time = order("13-14", "completed", problem="")
    problem = order("20-21", problem="звонил, хочет другие цветы")
    nowhere = order("20-21", delivery_address=" ", recipient_phone="")
    collected = order("20-21", delivery_address="", recipient_phone="", is_pickup=True,
                      customer=Customer.objects.create(phone="+77771234567"))  # fmt: skip
    no_courier = order("12-13", "new", courier=None)
    found = reasons(board("11:40"))
    assert list(found.items()) == [
        (late.order_number, ("опоздание 40 мин", "ещё не принят")),
        (not_begun.order_number, ("осталось 20 мин", "букет не начат")),
        (unsent.order_number, ("осталось 20 мин", "готов, но ещё не в пути", "нет курьера")),
        (problem.order_number, ("проблема: звонил, хочет другие цветы",)),
        (no_courier.order_number, ("ещё не принят", "нет курьера")),
        (nowhere.order_number, ("нет адреса", "нет телефона")),
    ]
    assert not {on_time.order_number, collected.order_number} & set(found)


def test_order_that_florists_can_not_make_in_time_is_a_risk() -> None:
    for _ in range(2):
        order("12-13", pieces=(4,))
    last = order("12-13", pieces=(2,))
    assert reasons(board("11:20")) == {}  # ten bouquets need an hour and forty minutes
    assert reasons(board("11:30")) == {last.order_number: ("не успеем: перед ним ещё 8 букетов",)}
    # The florists do not work on tomorrow's orders yet.
    assert day_board(Order.objects.all(), DAY, at("23:59", DAY - timedelta(days=1))).risks == ()


def test_late_risks_equal_orders_of_late_preset() -> None:
    for status in ("new", "ready", "delivering", "completed", "cancelled"):
        order("10-11", status)
    order("10-11", "new", is_deleted_on_site=True)
    now = at("11:30")
    listed = preset_orders(BY_KEY["late"], Moment.of(None, now), Order.objects.all())
    assert {risk.order for risk in board("11:30").risks if risk.level == "late"} == set(listed)
    assert listed.count() == 3


def test_board_makes_two_queries_for_any_number_of_orders(django_assert_num_queries) -> None:
    for hour in range(10, 20):
        order(f"{hour}-{hour + 1}", "new", customer=Customer.objects.create(), recipient_phone="")
    with django_assert_num_queries(2):
        assert board().total == 10
    first = Order.objects.first()
    Order.objects.bulk_create(
        Order(order_number=str(number), status=first.status, delivery_date=DAY, delivery_slot=first.delivery_slot)
        for number in range(1000, 1290)
    )
    with django_assert_num_queries(2):
        assert len(board("23:00").risks) == 300
