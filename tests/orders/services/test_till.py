"""Tests of the cash that couriers hand in, and of the day's till."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from orders.exceptions import NotAllowedError
from orders.models import Courier, CourierSettlement, Order, Payment, PaymentMethod
from orders.selectors.money import after_closing, bounds, collected_by, expected_in_till
from orders.services import payments, till

pytestmark = pytest.mark.django_db
CASH, KASPI = PaymentMethod.CASH, PaymentMethod.KASPI


@pytest.fixture
def today():
    return timezone.localdate()


@pytest.fixture
def courier():
    return Courier.objects.create(name="Руслан")


@pytest.fixture
def delivered(courier, today):
    """Return a function that creates a delivered order with cash to collect."""

    def deliver(number="1", total=9000, **fields):
        given = {
            "status_id": "completed", "total_amount": Decimal(total), "payment_method": CASH, "courier": courier,
            "delivery_date": today, **fields,
        }  # fmt: skip
        return Order.objects.create(order_number=number, **given)

    return deliver


def settle(courier, day, actor, **given):
    expected = collected_by(courier.pk, day).expected
    values = {"handed_in": expected, "seen": expected, **given}
    return till.settle_courier(courier=courier, day=day, actor=actor, **values)


def test_courier_hands_in_the_cash_of_delivered_orders(courier, delivered, today, manager):
    first, second = delivered("1"), delivered("2", total=5000)
    payments.add_payment(order_id=second.pk, amount=Decimal(2000), method=CASH, actor=manager, courier=courier)
    for number, other in enumerate(
        ({"delivery_date": today - timedelta(1)}, {"payment_method": KASPI}, {"status_id": "delivering"},
         {"is_cancelled": True}, {"currency": "USD"}, {"unknown_values": {"total_amount": ""}}, {"courier": None})
    ):  # fmt: skip
        delivered(f"other-{number}", **other)
    found = collected_by(courier.pk, today)
    assert [order.order_number for order in found.orders] == ["1", "2"]
    assert (found.expected, len(found.payments)) == (Decimal(14000), 1)

    made = settle(courier, today, manager)
    assert (made.expected, made.handed_in, made.difference) == (14000, 14000, 0)
    for order in (first, second):
        order.refresh_from_db()
        assert order.payment_status == "paid"
    assert not Payment.objects.filter(courier=courier, settled_at=None).exists()
    assert collected_by(courier.pk, today).expected == 0
    with pytest.raises(NotAllowedError):
        settle(courier, today, manager)


def test_order_whose_customer_has_not_paid_stays_due(courier, delivered, today, manager):
    paid, unpaid = delivered("1"), delivered("2", total=5000)
    settle(courier, today, manager, not_paid=[unpaid.pk], handed_in=Decimal(9000))
    paid.refresh_from_db()
    unpaid.refresh_from_db()
    assert (paid.payment_status, unpaid.payment_status) == ("paid", "pending")
    assert collected_by(courier.pk, today).expected == 5000


def test_difference_needs_a_note(courier, delivered, today, manager):
    delivered()
    with pytest.raises(NotAllowedError):
        settle(courier, today, manager, handed_in=Decimal(8000))
    assert not Payment.objects.exists()
    assert not CourierSettlement.objects.exists()
    assert settle(courier, today, manager, handed_in=Decimal(8000), note="сдача").difference == -1000


@pytest.mark.parametrize("wrong", [{"handed_in": Decimal(-1)}, {"seen": Decimal(1)}, {"handed_in": Decimal(10) ** 10}])
def test_wrong_settlements_are_refused(courier, delivered, today, manager, wrong):
    delivered()
    with pytest.raises(NotAllowedError):
        settle(courier, today, manager, note="сдача", **wrong)
    assert not Payment.objects.exists()


def test_cash_with_a_courier_is_not_in_the_till_until_it_is_handed_in(courier, delivered, today, manager):
    order = delivered()
    payments.add_payment(order_id=order.pk, amount=Decimal(4000), method=CASH, actor=manager, courier=courier)
    payments.add_payment(order_id=order.pk, amount=Decimal(1000), method=KASPI, actor=manager)
    assert expected_in_till(today) == {"kaspi": 1000}
    settle(courier, today, manager)
    assert expected_in_till(today) == {"cash": 8000, "kaspi": 1000}


def test_correction_of_a_couriers_payment_reduces_what_he_hands_in(courier, delivered, today, manager):
    order = delivered()
    wrong = payments.add_payment(order_id=order.pk, amount=Decimal(9000), method=CASH, actor=manager, courier=courier)
    payments.correct_payment(payment_id=wrong.pk, reason="не заплатили", actor=manager)
    Order.objects.filter(pk=order.pk).update(payment_method=KASPI)
    assert collected_by(courier.pk, today).expected == 0
    assert expected_in_till(today) == {}


def test_money_belongs_to_its_day_in_almaty(delivered, manager):
    order = delivered(courier=None)
    midnight, _end = bounds(date(2026, 5, 10))
    for moment, amount in ((midnight - timedelta(seconds=1), 1), (midnight, 10), (midnight + timedelta(days=1), 100)):
        payments.add_payment(order_id=order.pk, amount=Decimal(amount), method=CASH, actor=manager, paid_at=moment)
    assert expected_in_till(timezone.localdate(midnight)) == {"cash": 10}


def close(day, actor, counted=None, **given):
    expected = dict(expected_in_till(day))
    return till.close_till(
        day=day, counted=expected if counted is None else counted, seen=expected, actor=actor, **given
    )


def test_closed_day_takes_payments_only_with_a_reason_and_shows_them(delivered, today, manager):
    order = delivered(courier=None)
    first = payments.add_payment(order_id=order.pk, amount=Decimal(1000), method=CASH, actor=manager)
    closed = close(today, manager)
    assert [(one.method, one.expected, one.counted) for one in closed.counts.all()] == [("cash", 1000, 1000)]
    with pytest.raises(NotAllowedError):
        payments.add_payment(order_id=order.pk, amount=Decimal(500), method=CASH, actor=manager)
    late = payments.add_payment(
        order_id=order.pk, amount=Decimal(500), method=CASH, actor=manager, reason="забыли записать"
    )
    correction = payments.correct_payment(payment_id=first.pk, reason="не тот заказ", actor=manager)
    assert list(after_closing(closed)) == [late, correction]
    with pytest.raises(NotAllowedError):
        close(today, manager)


@pytest.mark.parametrize(
    ("counted", "note", "is_closed"),
    [
        ({"cash": 900}, "", False),
        ({"cash": 900}, "сдача", True),
        ({}, "сдача", False),
        ({"cash": 1000, "card": 5}, "", False),
    ],
)
def test_differences_need_a_note_and_all_methods_are_counted(delivered, today, manager, counted, note, is_closed):
    order = delivered(courier=None)
    payments.add_payment(order_id=order.pk, amount=Decimal(1000), method=CASH, actor=manager)
    values = {method: Decimal(amount) for method, amount in counted.items()}
    if is_closed:
        close(today, manager, counted=values, note=note)
    else:
        with pytest.raises(NotAllowedError):
            close(today, manager, counted=values, note=note)


def test_till_that_changed_and_a_day_to_come_are_refused(today, manager):
    with pytest.raises(NotAllowedError):
        till.close_till(day=today, counted={}, seen={"cash": Decimal(1)}, actor=manager)
    with pytest.raises(NotAllowedError):
        close(today + timedelta(1), manager)


def test_cash_that_is_handed_in_after_closing_needs_a_note_and_is_shown(courier, delivered, today, manager):
    order = delivered()
    known = payments.add_payment(order_id=order.pk, amount=Decimal(4000), method=CASH, actor=manager, courier=courier)
    closed = close(today, manager, note="пусто")
    with pytest.raises(NotAllowedError):
        settle(courier, today, manager)
    assert not CourierSettlement.objects.exists()
    settle(courier, today, manager, note="вернулся поздно")
    later = list(after_closing(closed))
    assert known in later
    assert [(row.amount, row.reason) for row in later if row != known] == [(5000, "вернулся поздно")]
