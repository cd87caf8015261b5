"""Tests of the search by users who may not see phones: no series of queries reveals a phone."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cvety_crm.roles import FLORIST
from orders.models import Customer, Order
from orders.selectors.search import search_query
from tests.orders.admin.conftest import LIST, make_order, numbers  # noqa: F401 - a fixture
from tests.roles import browser_of, everything_but, person

PHONE, TYPED = "7011234567", "87055556677"
"""The recipient's phone without its country code, and a phone in the address and in the customer's name."""
CUSTOMERS = "7771234567"
ENDINGS = [digits[-length:] for digits in (PHONE, CUSTOMERS, TYPED) for length in (11, 10, 7, 4)]


@pytest.fixture
def order(make_order):  # noqa: F811
    """Return an order whose number contains no digits. Only the phones of the order contain digits."""
    order = make_order()
    address = "Абая, тел. 8 705 555-66-77 или 87055556677"
    properties = {
        "notes": f"тел. 8 705 555-66-77 или {TYPED}",
        "kaspiPhone": "8 705 555-66-77",
        "phones": [TYPED, "нет"],
    }
    Order.objects.update(
        order_number="ZK",
        recipient_name=f"Мария +{TYPED}",
        delivery_address=address,
        metadata={"properties": properties},
    )
    Customer.objects.update(name=f"Айгерим {TYPED}", phone=f"+7{CUSTOMERS}", email=None)
    return order


def finds(text: str) -> tuple[bool, bool]:
    query = search_query(text, may_see_phones=False)
    return Order.objects.filter(search=query).exists(), Customer.objects.filter(search=query).exists()


# All examples share one order, because they only read it.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    before=st.sampled_from(["", "Мария ", "Айгерим ", "ZK ", "абая тел ", "+7", "8 ", "+7 (", "8-"]),
    ending=st.sampled_from(ENDINGS),
    data=st.data(),
    after=st.sampled_from(["", " ", " мария", " айгерим", "-"]),
)
def test_part_of_hidden_phone_finds_no_more_than_other_digits(order, before, ending, data, after):
    length = data.draw(st.integers(1, len(ending) - 1))
    right = ending[:length]
    wrong = right[:-1] + data.draw(st.sampled_from("0123456789".replace(right[-1], "")))
    between = data.draw(st.sampled_from(["", " ", "-"]))
    assert finds(before + between.join(right) + after) == finds(before + between.join(wrong) + after)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("мар", (True, False)),
        ("zk", (True, False)),
        ("аба тел", (True, False)),
        ("айг", (True, True)),
        ("4567", (True, True)),
        ("45-67", (True, True)),
        ("мария 4567", (True, False)),
        ("8 (701) 123-45-67", (True, False)),
        ("+77771234567", (True, True)),
        ("777 123 45 67", (True, True)),
        ("мария 87011234567", (True, False)),
        ("мария 4568", (False, False)),
        ("1234567", (False, False)),
        ("701", (False, False)),
    ],
)
def test_hidden_phones_are_found_only_whole_or_by_last_four_digits(order, text, found):
    assert finds(text) == found


def test_order_is_found_by_prefix_of_number_and_of_house_number(make_order):  # noqa: F811
    make_order(122183)
    Order.objects.update(delivery_address="Абая 150")
    assert finds("1221") == finds("абая 15") == finds("мария 122183") == (True, False)


def test_no_page_finds_hidden_phone_by_its_part(order):
    florist, clerk = browser_of(person(FLORIST)), browser_of(everything_but("view_phones"))
    for word, phone in (("Мария", PHONE), ("Айгерим", CUSTOMERS), ("Мария", "8705"), ("Айгерим", "8705")):
        begun = f"{word} {phone[:-1]}"
        assert not numbers(florist.get(LIST, {"q": begun}).content), begun
        for address, query in (
            ("/crm/search/", {"extended": "1", "s": begun}),
            ("/crm/orders/customer/", {"q": begun}),
            ("/crm/orders/order/add/customers/", {"q": begun}),
            ("/crm/autocomplete/", {"app_label": "orders", "model_name": "order", "field_name": "customer",
                                    "term": begun}),
        ):  # fmt: skip
            answer = clerk.get(address, query)
            assert answer.status_code == 200
            assert str(order.pk) not in answer.content.decode(), (address, begun)
            assert str(order.customer_id) not in answer.content.decode(), (address, begun)


def test_visible_phones_are_found_by_prefix_and_inside_texts(order):
    for text in ("Мария 70112", "8705555", "701", "айгерим 87055"):
        query = search_query(text, may_see_phones=True)
        assert Order.objects.filter(search=query).exists() or Customer.objects.filter(search=query).exists(), text


DETAILS = {
    "apartment": "Квартира 25-Б",
    "packaging": "k1",
    "colors": ["белый", "розовый\nпион"],
    "kaspiPhone": "8 705 000-11-22",
    "bonusSum": "7654",
    "when": "18",
    "deep": {"a": [{"b": "глубоко"}]},
}


@pytest.mark.parametrize(
    ("text", "found_by_all", "found_by_those_who_see_phones"),
    [
        ("25-б", True, True),
        ("крафт", True, True),
        ("розовый", True, True),
        ("пион", True, True),
        ("глубоко", True, True),
        ("трек123", True, True),
        ("мария бел", True, True),
        ("705", False, True),
        ("7654", False, False),
        ("packaging", False, False),
        ("нет", False, False),
    ],
)
def test_order_is_found_by_details_of_the_site(make_order, text, found_by_all, found_by_those_who_see_phones):  # noqa: F811
    choices = {"packaging": {"k1": "Крафтовая бумага"}}
    make_order(properties=DETAILS, property_choices=choices, TRACKING_NUMBER="ТРЕК123", STORE_ID="нет")
    for sees, found in ((False, found_by_all), (True, found_by_those_who_see_phones)):
        assert Order.objects.filter(search=search_query(text, may_see_phones=sees)).exists() is found, (text, sees)


@pytest.mark.parametrize(
    "metadata",
    [
        {"properties": ["x", 1], "choices": "x", "fields": []},
        {"properties": {"long": "слово " * 20_000, "word": "я" * 5000}},
        {"properties": {str(n): str(n) * 20 for n in range(3000)}},
        {"properties": None},
        {"properties": {'a"b': 'кавычка" \\n \\ \t', "": ""}},
    ],
)
def test_any_metadata_can_be_stored(make_order, metadata):  # noqa: F811
    order = make_order()
    Order.objects.filter(pk=order.pk).update(metadata=metadata)
    assert Order.objects.filter(search=search_query("мария", may_see_phones=True)).exists()
