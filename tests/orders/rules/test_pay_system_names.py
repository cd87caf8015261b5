"""Tests of the payment method that the name of a pay system suggests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.models import PaymentMethod
from orders.rules.pay_system_names import suggested_method


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("Наличные", "cash"),
        ("Наличными курьеру", "cash"),
        ("cash", "cash"),
        ("Оплата при получении", "cash"),
        ("Kaspi", "kaspi"),
        ("Каспи QR", "kaspi"),
        ("Банковская карта", "card"),
        ("Visa / MasterCard", "card"),
        ("CloudPayments", "card"),
        ("Банковский перевод", "transfer"),
        ("Счёт на оплату", "transfer"),
        ("Безналичный расчёт", "transfer"),
        ("Безналичная оплата картой", "card"),
        ("Оплата в офисе", None),
        ("Наличные или карта", None),
        ("Kaspi перевод", None),
        ("Не наличные", None),
        ("Внутренний счет", None),
        ("Скартинг", None),
        ("", None),
    ],
)
def test_name_suggests_its_only_method(name, method):
    assert suggested_method(name) == method


@given(st.text(max_size=200))
def test_any_name_suggests_a_method_or_none(name):
    assert suggested_method(name) in (None, *PaymentMethod)
