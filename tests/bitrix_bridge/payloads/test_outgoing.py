"""Tests of the requests to the bridge that create or change an order, key by key."""

from decimal import Decimal
from functools import partial
from uuid import UUID

import pytest

from bitrix_bridge.payloads import outgoing
from bitrix_bridge.payloads.outgoing import field_of, item_request, pay_system, wire_value
from cvety_crm.outbox import PermanentDeliveryError
from orders.models import Customer, Order, OrderItem, Status

KEY = UUID("0a1b2c3d-0000-4000-8000-000000000001")
VALUES = {
    "recipient_name": "Мария",
    "recipient_phone": "+77011234567",
    "delivery_address": "Абая 150",
    "delivery_date": "2026-03-08",
    "postcard_text": "С праздником",
    "comment": "без лилий",
    "courier_comment": "домофон 12",
    "total_amount": "9000.50",
    "delivery_fee": "1500.00",
    "is_pickup": False,
    "city": 2,
    "delivery_slot": None,
}


PAY_SYSTEMS = {3: "kaspi", 1: "cash", 7: "kaspi"}
create_request = partial(outgoing.create_request, pay_systems=PAY_SYSTEMS)
update_request = partial(outgoing.update_request, pay_systems=PAY_SYSTEMS)


@pytest.fixture(autouse=True)
def ids_of_the_site(settings):
    settings.BITRIX_DEFAULT_USER_ID = 55
    settings.BITRIX_DELIVERY_ID, settings.BITRIX_PICKUP_DELIVERY_ID = 11, 12


def order(**changes):
    customer = Customer(name="Айгерим", phone="+77771234567", email="a@cvety.kz")
    fields = {"pk": KEY, "customer": customer, "payment_method": "cash", "status": Status(bitrix_codes=["AP", "A"])}
    return Order(**fields | changes)


def item(quantity="2", price="3750", basket=501, **snapshot):
    return OrderItem(
        bitrix_product_id=696613,
        bitrix_basket_id=basket,
        quantity=Decimal(quantity),
        price=Decimal(price),
        product_snapshot={"name": "Букет", "currency": "KZT", **snapshot},
    )


@pytest.mark.parametrize(
    ("value", "text"), [(True, "Y"), (False, "N"), (None, ""), ("", ""), (2, "2"), (0, "0"), ("9000.00", "9000.00")]
)
def test_value_is_sent_as_text(value, text):
    assert wire_value(value) == text


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("fields.PRICE", "total_amount"),
        ("fields.STATUS_ID", "status"),
        ("fields.PAYED", "payment_status"),
        ("fields.PAY_SYSTEM_ID", "payment_method"),
        ("properties.data", "delivery_date"),
        ("properties.iWillGet", "is_pickup"),
        ("properties.doNotCall", "is_surprise"),
        ("items", "items"),
        ("fields.NAME", None),
    ],
)
def test_part_of_a_request_is_mapped_to_a_field(what, name):
    assert field_of(what) == name


class TestCreate:
    def test_create_request_has_every_key(self):
        assert create_request(order(bitrix_user_id=1079), VALUES, [item()]) == {
            "xml_id": f"crm-{KEY}",
            "user_id": 1079,
            "recipient_name": "Мария",
            "recipient_phone": "+77011234567",
            "delivery_address": "Абая 150",
            "delivery_date": "2026-03-08",
            "postcard_text": "С праздником",
            "comment": "без лилий",
            "courier_comment": "домофон 12",
            "total_amount": 9000.5,
            "delivery_fee": 1500.0,
            "delivery_id": 11,
            "payment_method_id": 1,
            "items": [item_request(item())],
            "properties": {
                "nameRecipient": "Мария",
                "phoneRecipient": "+77011234567",
                "addressRecipient": "Абая 150",
                "data": "2026-03-08",
                "postcardText": "С праздником",
                "pickup": "N",
                "city": "2",
                "when": "",
                "name": "Айгерим",
                "phone": "+77771234567",
                "email": "a@cvety.kz",
            },
        }

    def test_create_request_without_customer_and_date(self):
        body = create_request(order(customer=None), {**VALUES, "delivery_date": None, "is_pickup": True}, [])
        assert (body["user_id"], body["delivery_date"], body["delivery_id"], body["items"]) == (55, "", 12, [])
        assert {name: body["properties"][name] for name in ("name", "phone", "email", "data")} == {
            "name": "",
            "phone": "",
            "email": "",
            "data": "",
        }

    def test_create_request_without_email_and_account(self, settings):
        settings.BITRIX_DEFAULT_USER_ID = 0
        body = create_request(order(customer=Customer(name="А", phone="")), VALUES, [])
        assert (body["user_id"], body["properties"]["email"]) == (None, "")

    def test_create_request_has_default_pay_system_for_unmapped_method(self):
        assert create_request(order(payment_method="card"), VALUES, [])["payment_method_id"] == 3
        assert outgoing.create_request(order(), VALUES, [], pay_systems={})["payment_method_id"] == 1


@pytest.mark.parametrize(
    ("method", "present", "system"),
    [("cash", None, 1), ("kaspi", None, 3), ("kaspi", 7, 7), ("kaspi", 1, 3), ("card", 1, None)],
)
def test_current_pay_system_is_kept_if_it_matches_the_method(method, present, system):
    assert pay_system(order(payment_method=method, pay_system_id=present), PAY_SYSTEMS) == system


class TestLine:
    def test_line_has_every_key(self):
        assert item_request(item(original_price="4000.00")) == {
            "bitrix_product_id": 696613,
            "quantity": 2,
            "price": 3750.0,
            "product_snapshot": {"name": "Букет", "currency": "KZT"},
            "base_price": 4000.0,
            "bitrix_basket_id": 501,
        }

    def test_new_line_without_list_price_has_no_id_and_base_price(self):
        line = OrderItem(quantity=Decimal("1.5"), price=Decimal("10.25"), product_snapshot={"name": "Лента"})
        assert item_request(line) == {
            "bitrix_product_id": None,
            "quantity": 1.5,
            "price": 10.25,
            "product_snapshot": {"name": "Лента", "currency": "KZT"},
        }
        assert item_request(item(currency="RUB"))["product_snapshot"] == {"name": "Букет", "currency": "RUB"}

    def test_whole_quantity_is_sent_as_integer(self):
        assert [type(item_request(item(quantity))["quantity"]) for quantity in ("2.000", "2.5")] == [int, float]


class TestUpdate:
    def test_update_contains_only_named_fields(self):
        values = {"comment": "a", "courier_comment": "", "is_cancelled": True, "recipient_name": "Б"}
        assert update_request(order(), values, []) == {
            "fields": {"USER_DESCRIPTION": "a", "COMMENTS": "", "CANCELED": "Y"},
            "properties": {"nameRecipient": "Б"},
        }

    def test_empty_parts_of_update_are_left_out(self):
        assert update_request(order(), {"comment": "a"}, []) == {"fields": {"USER_DESCRIPTION": "a"}}
        assert update_request(order(), {"city": 2}, []) == {"properties": {"city": "2"}}
        assert update_request(order(), {"items": []}, []) == {}

    def test_status_is_sent_with_the_expected_one(self):
        assert update_request(order(), {"status": "accepted"}, [], expected_status_id="N") == {
            "fields": {"STATUS_ID": "AP"},
            "expected_status_id": "N",
        }
        assert update_request(order(), {"status": "accepted"}, []) == {"fields": {"STATUS_ID": "AP"}}
        assert update_request(order(), {"comment": "a"}, [], expected_status_id="N") == {
            "fields": {"USER_DESCRIPTION": "a"}
        }

    @pytest.mark.parametrize(("status", "flag"), [("paid", "Y"), ("pending", "N"), ("refunded", "N")])
    def test_payment_status_is_sent_as_flag(self, status, flag):
        assert update_request(order(), {"payment_status": status}, []) == {"fields": {"PAYED": flag}}

    def test_payment_method_is_sent_as_pay_system(self):
        assert update_request(order(payment_method="kaspi"), {"payment_method": "kaspi"}, []) == {
            "fields": {"PAY_SYSTEM_ID": 3}
        }

    def test_payment_method_without_a_pay_system_is_refused(self):
        with pytest.raises(PermanentDeliveryError) as error:
            update_request(order(payment_method="card"), {"payment_method": "card"}, [])
        label = order(payment_method="card").get_payment_method_display()
        text = f"На сайте нет платёжной системы для «{label}»: выберите её на странице «Платёжные системы»."
        assert error.value.message == text

    def test_flag_is_sent_under_all_codes_that_site_has_sent(self):
        known = order(metadata={"properties": {"iWillGet": "Y", "anonymous": "N", "surprise": "N", "doNotCall": "N"}})
        values = {"is_pickup": True, "is_anonymous": False, "is_surprise": True}
        assert update_request(known, values, [])["properties"] == {
            "iWillGet": "Y",
            "anonymous": "N",
            "surprise": "Y",
            "doNotCall": "Y",
        }
        assert update_request(order(), values, [])["properties"] == {
            "pickup": "Y",
            "isAnonymous": "N",
            "isSurprise": "Y",
        }

    @pytest.mark.parametrize(
        ("total", "names", "sent"),
        [
            ("9000", ("total_amount", "items"), None),
            ("9000", ("total_amount", "delivery_fee"), None),
            ("9000", ("total_amount",), "9000.00"),
            ("9000.01", ("total_amount", "items"), "9000.00"),
        ],
    )
    def test_total_that_follows_from_its_parts_is_not_sent(self, total, names, sent):
        values = {"total_amount": "9000.00", "items": [], "delivery_fee": "1500.00"}
        known = order(total_amount=Decimal(total), delivery_fee=Decimal(1500))
        request = update_request(known, {name: values[name] for name in names}, [item()])
        assert request.get("fields", {}).get("PRICE") == sent

    def test_each_line_is_rounded_before_the_sum(self):
        # The sums of the items before rounding are 3.33333 and 0.005.
        lines = [item("0.333", "10.01"), item("0.5", "0.01")]
        known = order(total_amount=Decimal("3.34"), delivery_fee=Decimal(0))
        assert update_request(known, {"total_amount": "3.34", "items": []}, lines) == {
            "items": [item_request(line) for line in lines]
        }

    def test_update_contains_the_lines_of_the_order(self):
        assert update_request(order(), {"items": []}, iter([item()])) == {"items": [item_request(item())]}
        assert update_request(order(), {"comment": "a"}, [item()]) == {"fields": {"USER_DESCRIPTION": "a"}}
