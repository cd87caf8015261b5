"""Tests of the payments on an order's page."""

import re
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from cvety_crm.roles import ROLES
from orders import services
from orders.models import Courier, Order, Payment
from tests.roles import person

pytestmark = pytest.mark.django_db


@pytest.fixture
def order():
    return Order.objects.create(
        order_number="901", status_id="accepted", total_amount=9000, payment_method="cash",
        delivery_date=timezone.localdate(),
    )  # fmt: skip


@pytest.fixture
def log_in(client):
    """Return a function that logs in a member of staff who has the role with this name."""

    def log_in(name):
        user = person(next(role for role in ROLES if role.name == name))
        client.force_login(user)
        return user

    return log_in


def page_of(order):
    return reverse("admin:orders_order_change", args=[order.pk])


def url(name, order, *more):
    return reverse(f"admin:orders_order_{name}", args=[order.pk, *more])


@pytest.mark.parametrize(
    ("role", "add", "refund"),
    [
        ("Флорист", False, False),
        ("Диспетчер", True, False),
        ("Менеджер", True, True),
        ("Бухгалтер", True, True),
        ("Владелец", True, True),
    ],
)
def test_each_role_records_what_it_may(client, log_in, order, role, add, refund):
    user = log_in(role)
    known = services.add_payment(order_id=order.pk, amount=Decimal(1000), method="cash", actor=user)
    assert client.post(url("add_payment", order), {}).status_code == (302 if add else 403)
    assert client.post(url("refund", order), {}).status_code == (302 if refund else 403)
    assert client.post(url("correct_payment", order, known.pk), {}).status_code == (302 if refund else 403)
    assert client.get(url("add_payment", order)).status_code == 405
    text = client.get(page_of(order)).content.decode()
    shown = role in ("Менеджер", "Бухгалтер", "Владелец")
    assert ('id="payments"' in text, url("refund", order) in text) == (shown, shown and refund)
    assert Payment.objects.count() == 1


def test_payment_is_recorded_once_and_shown(client, log_in, order):
    log_in("Менеджер")
    page = client.get(page_of(order)).content.decode()
    assert "Ещё ничего не оплачено." in page
    (key,) = re.findall(r'name="key" value="([^"]+)"', page)
    (form,) = re.findall(rf'action="{url("add_payment", order)}".*?</form>', page, re.S)
    assert 'value="9000"' in form, "the form proposes what is due"
    posted = {"amount": "4 000", "method": "kaspi", "key": key, "reason": "аванс"}
    for _ in range(2):
        answer = client.post(url("add_payment", order), posted, follow=True)
    text = answer.content.decode()
    assert "Записано: 4\xa0000\xa0₸." in text
    assert "аванс" in text
    assert Payment.objects.count() == 1
    order.refresh_from_db()
    assert (order.paid_amount, order.payment_status) == (4000, "pending")
    assert "Получена оплата" in text


@pytest.mark.parametrize(
    ("posted", "message"),
    [
        ({"amount": "много", "method": "cash"}, "Введите сумму числом."),
        ({"amount": "0", "method": "cash"}, "Сумма должна быть больше нуля."),
        ({"amount": "10", "method": ""}, "Выберите способ оплаты."),
    ],
)
def test_wrong_payment_says_why(client, log_in, order, posted, message):
    log_in("Менеджер")
    assert message in client.post(url("add_payment", order), posted, follow=True).content.decode()
    assert not Payment.objects.exists()


def test_refund_and_correction_are_rows_with_reasons(client, log_in, order):
    user = log_in("Бухгалтер")
    wrong = services.add_payment(order_id=order.pk, amount=Decimal(9000), method="cash", actor=user)
    corrected = client.post(url("correct_payment", order, wrong.pk), {"reason": "не тот заказ"}, follow=True)
    assert "Платёж исправлен." in corrected.content.decode()
    assert url("correct_payment", order, wrong.pk) not in corrected.content.decode()
    services.add_payment(order_id=order.pk, amount=Decimal(9000), method="kaspi", actor=user)
    refused = client.post(url("refund", order), {"amount": "100", "method": "kaspi"}, follow=True).content.decode()
    assert "Укажите причину." in refused
    too_much = client.post(url("refund", order), {"amount": "9001", "method": "kaspi", "reason": "брак"}, follow=True)
    assert "Оплачено только 9\xa0000\xa0₸." in too_much.content.decode()
    done = client.post(url("refund", order), {"amount": "9000", "method": "kaspi", "reason": "брак"}, follow=True)
    assert "Возвращено: 9\xa0000\xa0₸." in done.content.decode()
    assert "брак" in done.content.decode()
    order.refresh_from_db()
    assert (order.paid_amount, order.payment_status) == (0, "refunded")


def test_cash_of_a_courier_is_marked_until_it_is_handed_in_or_corrected(client, log_in, order):
    user = log_in("Менеджер")
    courier = Courier.objects.create(name="Руслан")
    held = services.add_payment(order_id=order.pk, amount=Decimal(9000), method="cash", actor=user, courier=courier)
    assert "ещё не сдано" in client.get(page_of(order)).content.decode()
    services.correct_payment(payment_id=held.pk, reason="не заплатили", actor=user)
    assert "ещё не сдано" not in client.get(page_of(order)).content.decode()


def test_payment_of_another_order_is_not_corrected(client, log_in, order):
    user = log_in("Владелец")
    other = Order.objects.create(order_number="902", status_id="new", total_amount=1)
    payment = services.add_payment(order_id=other.pk, amount=Decimal(1), method="cash", actor=user)
    assert client.post(url("correct_payment", order, payment.pk), {"reason": "х"}).status_code == 404
