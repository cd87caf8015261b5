"""Tests of the due time and the lateness of an order, in Python and in a query."""

from datetime import date, datetime, time, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.models import DeliverySlot, Order, Status
from orders.rules.lateness import DueAt, Lateness, due_at, lateness, lateness_words
from orders.selectors.presets import BY_KEY, Moment, counts, preset_orders

DAY = date(2026, 3, 8)


def at(text: str, day: date = DAY) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.fromisoformat(text)))


def order(starts: str | None, ends: str | None, *, status: str = "new", day: date | None = DAY) -> Order:
    def clock(text: str | None) -> time | None:
        return time.fromisoformat(text) if text else None

    slot = DeliverySlot(bitrix_id="x", name="x", starts_at=clock(starts), ends_at=clock(ends))
    stage = {"new": "new", "delivering": "delivering", "completed": "done", "cancelled": "cancelled"}[status]
    return Order(delivery_date=day, delivery_slot=slot, status=Status(code=status, stage=stage))


@pytest.mark.parametrize(
    ("made", "now", "expected", "words"),
    [
        (order("14:00", "15:00"), at("12:50"), Lateness.NONE, "через 1 ч 10 мин"),
        (order("14:00", "15:00"), at("14:29"), Lateness.NONE, "осталось 31 мин"),
        (order("14:00", "15:00"), at("14:30"), Lateness.RISK, "осталось 30 мин"),
        (order("14:00", "15:00", status="delivering"), at("14:50"), Lateness.NONE, "осталось 10 мин"),
        (order("14:00", "15:00", status="delivering"), at("15:12"), Lateness.LATE, "опоздание 12 мин"),
        (order("14:00", "15:00"), at("15:12", DAY + timedelta(days=1)), Lateness.LATE, "опоздание 1 д"),
        (order("14:00", "15:00", status="completed"), at("15:12"), Lateness.NONE, ""),
        (order("14:00", "15:00", status="cancelled"), at("15:12"), Lateness.NONE, ""),
        (order("14:00", "15:00"), at("12:50", DAY - timedelta(days=1)), Lateness.NONE, ""),
        (order("22:00", "01:00"), at("00:50", DAY + timedelta(days=1)), Lateness.RISK, "осталось 10 мин"),
        (order("22:00", "00:00"), at("23:20"), Lateness.NONE, "осталось 40 мин"),
        (order(None, None), at("23:20"), Lateness.NONE, ""),
        (order("14:00", "15:00", day=None), at("23:20"), Lateness.NONE, ""),
    ],
)
def test_lateness_depends_on_slot_status_and_time(made: Order, now: datetime, expected: Lateness, words: str) -> None:
    assert lateness(made, now) == expected
    assert lateness_words(made, now) == words


CLOCKS = st.none() | st.times(max_value=time(23, 59)).map(lambda value: value.replace(second=0, microsecond=0))


@pytest.mark.django_db
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(starts=CLOCKS, ends=CLOCKS, day=st.none() | st.dates(date(2000, 1, 1), date(2090, 1, 1)))
def test_due_at_in_query_equals_due_at_in_python(starts: time | None, ends: time | None, day: date | None) -> None:
    DeliverySlot.objects.filter(bitrix_id="made up").delete()
    slot = DeliverySlot.objects.create(bitrix_id="made up", name="x", starts_at=starts, ends_at=ends)
    made = Order.objects.create(
        order_number="1", status=Status.objects.get(code="new"), delivery_date=day, delivery_slot=slot
    )
    assert Order.objects.annotate(due=DueAt()).get(pk=made.pk).due == due_at(made)
    made.delete()


@pytest.mark.django_db
def test_late_preset_finds_and_counts_late_orders() -> None:
    slot = DeliverySlot.objects.create(bitrix_id="made up", name="14:00–15:00", starts_at=time(14), ends_at=time(15))
    made = {}
    for status in ("new", "delivering", "completed"):
        made[status] = Order.objects.create(
            order_number=status, status=Status.objects.get(code=status), delivery_date=DAY, delivery_slot=slot
        )
    anonymous = AnonymousUser()

    def late(now: datetime) -> set[str]:
        found = preset_orders(BY_KEY["late"], Moment.of(anonymous, now), Order.objects.all())
        assert {order.order_number for order in found if lateness(order, now)} >= {o.order_number for o in found}
        return {order.order_number for order in found}

    assert late(at("14:59")) == set()
    assert late(at("15:01")) == {"new", "delivering"}
    assert counts(Moment.of(anonymous, at("15:01")))["late"] == 2
    assert counts(Moment.of(anonymous, at("15:01")))["today"] == 3
