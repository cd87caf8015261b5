"""Tests of payments as rows: the paid amount and the payment state follow from them."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from orders import services
from orders.exceptions import NotAllowedError
from orders.models import Order, Payment, PaymentMethod, PaymentStatus, Source
from orders.services import payments
from orders.sync.snapshot import OrderSnapshot, PaymentSnapshot

pytestmark = pytest.mark.django_db
CASH, KASPI, ONLINE = PaymentMethod.CASH, PaymentMethod.KASPI, PaymentMethod.ONLINE


def rows(order):
    return [(str(row.amount), row.method, row.source) for row in Payment.objects.filter(order=order)]


def read(order):
    order.refresh_from_db()
    assert order.paid_amount == sum((row.amount for row in order.payments.all()), Decimal(0))
    return str(order.paid_amount), order.payment_status, order.sync_state


def site(order_id=71, version=1, **fields):
    """Receive the order from the site."""
    given = {"status": "N", "total_amount": Decimal(9000), "payment_status": "pending", **fields}
    documents = given.pop("payments", ())
    snapshot = OrderSnapshot(bitrix_order_id=order_id, version=version, fields=given, payments=documents)
    services.apply_snapshot(snapshot=snapshot, source=Source.SITE)
    return Order.objects.get(bitrix_order_id=order_id)


@pytest.fixture
def order():
    return site(paid_amount=Decimal(0), payment_method="kaspi")


def test_order_without_money_has_no_payments(order):
    assert rows(order) == []
    assert read(order) == ("0.00", "pending", "synced")


def test_parts_add_up_and_the_whole_is_sent_to_the_site(order, manager):
    payments.add_payment(order_id=order.pk, amount=Decimal(4000), method=CASH, actor=manager)
    assert read(order) == ("4000.00", "pending", "synced")
    payments.add_payment(order_id=order.pk, amount=Decimal(5000), method=KASPI, actor=manager)
    assert read(order) == ("9000.00", "paid", "pending")
    assert rows(order) == [("4000.00", "cash", "admin"), ("5000.00", "kaspi", "admin")]


def test_same_payment_is_recorded_once(order, manager):
    key = uuid4()
    for _ in range(2):
        payments.add_payment(order_id=order.pk, amount=Decimal(4000), method=CASH, actor=manager, payment_id=key)
    assert read(order) == ("4000.00", "pending", "synced")


def test_refund_of_a_part_leaves_the_order_paid_and_the_rest_makes_it_refunded(order, manager):
    payments.add_payment(order_id=order.pk, amount=Decimal(9000), method=CASH, actor=manager)
    payments.refund(order_id=order.pk, amount=Decimal(2000), method=CASH, reason="нет пионов", actor=manager)
    assert read(order)[:2] == ("7000.00", "paid")
    payments.refund(order_id=order.pk, amount=Decimal(7000), method=CASH, reason="отказ", actor=manager)
    assert read(order)[:2] == ("0.00", "refunded")
    assert [row.reason for row in order.payments.all()] == ["", "нет пионов", "отказ"]


def test_wrong_payment_is_corrected_once(order, manager):
    wrong = payments.add_payment(order_id=order.pk, amount=Decimal(9000), method=CASH, actor=manager)
    payments.correct_payment(payment_id=wrong.pk, reason="не тот заказ", actor=manager)
    assert read(order)[:2] == ("0.00", "pending")
    with pytest.raises(NotAllowedError):
        payments.correct_payment(payment_id=wrong.pk, reason="ещё раз", actor=manager)


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": Decimal(0)},
        {"amount": Decimal(-5)},
        {"amount": Decimal(10) ** 10},
        {"method": ""},
        {"method": "barter"},
        {"paid_at": timezone.now() + timedelta(days=1)},
    ],
)
def test_wrong_payments_are_refused(order, manager, wrong):
    with pytest.raises(NotAllowedError):
        payments.add_payment(**{"order_id": order.pk, "amount": Decimal(1), "method": CASH, "actor": manager, **wrong})
    assert rows(order) == []


@pytest.mark.parametrize("wrong", [{"amount": Decimal(5001)}, {"amount": Decimal(0)}, {"reason": " "}, {"method": "x"}])
def test_wrong_refunds_are_refused(order, manager, wrong):
    payments.add_payment(order_id=order.pk, amount=Decimal(5000), method=CASH, actor=manager)
    given = {"order_id": order.pk, "amount": Decimal(1), "method": CASH, "reason": "брак", "actor": manager, **wrong}
    with pytest.raises(NotAllowedError):
        payments.refund(**given)
    assert read(order)[0] == "5000.00"


def test_payment_state_and_amount_follow_each_other_in_an_edit(order, manager):
    def edit(**changes):
        services.edit_order(order_id=order.pk, changes=changes, actor=manager)
        return read(order)[:2]

    assert edit(payment_status=PaymentStatus.PAID) == ("9000.00", "paid")
    assert edit(payment_status=PaymentStatus.PENDING) == ("0.00", "pending")
    assert edit(paid_amount=Decimal(3000)) == ("3000.00", "pending")
    assert edit(paid_amount=Decimal(9000)) == ("9000.00", "paid")
    assert edit(payment_status=PaymentStatus.REFUNDED) == ("0.00", "refunded")
    assert [amount for amount, method, _source in rows(order)] == [
        "9000.00",
        "-9000.00",
        "3000.00",
        "6000.00",
        "-9000.00",
    ]
    assert {method for _amount, method, _source in rows(order)} == {"kaspi"}


def test_payments_of_the_site_become_rows_with_method_and_time(manager):
    paid_at = timezone.now() - timedelta(hours=3)
    documents = (
        PaymentSnapshot(bitrix_payment_id=5, amount=Decimal(2000), is_paid=True, method="cash", paid_at=paid_at),
        PaymentSnapshot(bitrix_payment_id=6, amount=Decimal(7000), is_paid=False, method="online"),
    )
    order = site(paid_amount=Decimal(2000), payments=documents)
    assert rows(order) == [("2000.00", "cash", "bitrix")]
    assert order.payments.get().paid_at == paid_at
    paid = (documents[0], PaymentSnapshot(bitrix_payment_id=6, amount=Decimal(7000), is_paid=True, method="online"))
    order = site(version=2, paid_amount=Decimal(9000), payment_status="paid", payments=paid)
    assert rows(order) == [("2000.00", "cash", "bitrix"), ("7000.00", "online", "bitrix")]
    returned = (paid[0], PaymentSnapshot(bitrix_payment_id=6, amount=Decimal(7000), is_paid=False, method="online"))
    order = site(version=3, paid_amount=Decimal(2000), payment_status="pending", payments=returned)
    assert rows(order)[2:] == [("-7000.00", "online", "bitrix")]
    assert read(order) == ("2000.00", "pending", "synced")


def test_repeated_report_adds_nothing(manager):
    for version in (1, 1, 2):
        order = site(version=version, paid_amount=Decimal(9000), payment_status="paid")
    assert rows(order) == [("9000.00", "", "bitrix")]


def test_money_taken_here_and_on_the_site_adds_up(order, manager):
    payments.add_payment(order_id=order.pk, amount=Decimal(2000), method=CASH, actor=manager)
    order = site(version=2, paid_amount=Decimal(3000))
    assert read(order) == ("5000.00", "pending", "synced")
    order = site(version=3, paid_amount=Decimal(9000), payment_status="paid")
    assert read(order)[:2] == ("11000.00", "paid")
    order = site(version=4, paid_amount=Decimal(0), payment_status="pending")
    assert read(order) == ("2000.00", "pending", "synced")


def test_answer_of_the_site_to_our_payment_is_no_second_payment(order, manager):
    payments.add_payment(order_id=order.pk, amount=Decimal(9500), method=CASH, actor=manager)
    order = site(version=2, paid_amount=Decimal(9000), payment_status="paid")
    assert read(order) == ("9500.00", "paid", "synced")
    order = site(version=3, paid_amount=Decimal(9000), payment_status="paid")
    assert read(order) == ("9500.00", "paid", "synced")


def test_part_that_staff_have_given_back_survives_the_answer_not_paid(manager):
    order = site(paid_amount=Decimal(9000), payment_status="paid")
    services.edit_order(
        order_id=order.pk,
        changes={"payment_status": PaymentStatus.PENDING, "paid_amount": Decimal(5000)},
        actor=manager,
    )
    order = site(version=2, paid_amount=Decimal(0), payment_status="pending")
    assert read(order) == ("5000.00", "pending", "synced")


def test_site_that_cancels_a_payment_without_naming_a_sum(manager):
    site(paid_amount=Decimal(9000), payment_status="paid")
    order = site(version=2)
    assert read(order) == ("0.00", "pending", "synced")
    assert rows(order) == [("9000.00", "", "bitrix"), ("-9000.00", "", "bitrix")]


def test_unknown_amount_adds_no_payment_until_it_is_known(manager):
    order = site()
    Order.objects.filter(pk=order.pk).update(unknown_values={"paid_amount": "сколько-то"}, paid_amount=0)
    services.edit_order(order_id=order.pk, changes={"paid_amount": Decimal(2000)}, actor=manager)
    assert read(order)[0] == "2000.00"
    assert rows(order) == [("2000.00", "", "admin")]


def test_whole_that_was_only_marked_as_paid_follows_the_sum_of_the_site(order, manager):
    services.edit_order(order_id=order.pk, changes={"payment_status": PaymentStatus.PAID}, actor=manager)
    order = site(version=2, paid_amount=Decimal(7000), total_amount=Decimal(7000), payment_status="paid")
    assert read(order) == ("7000.00", "paid", "synced")
    assert [amount for amount, *_others in rows(order)] == ["9000.00", "-2000.00"]
