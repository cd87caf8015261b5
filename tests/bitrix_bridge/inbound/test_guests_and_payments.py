"""Tests of the customers of orders that guests have placed, and of the payments of an order received from the site."""

import pytest

from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.payloads import read_customer, read_order
from bitrix_bridge.payloads.order import payments_of
from orders.models import Customer, Order
from tests.samples import next_version, order_data

pytestmark = pytest.mark.django_db

GUESTS = {
    "ID": "3",
    "NAME": "Анонимный",
    "LAST_NAME": "пользователь",
    "EMAIL": "anonymous_9f2c@example.com",
    "EXTERNAL_AUTH_ID": "saleanonymous",
    "PERSONAL_PHONE": "",
}
PAYMENT = {
    "ID": "77",
    "PAY_SYSTEM_ID": "3",
    "PAY_SYSTEM_NAME": "Kaspi",
    "SUM": "9000.0000",
    "PAID": "N",
    "DATE_PAID": None,
    "IS_RETURN": "N",
}


def placed_by_guest(**changes):
    return order_data(**{"USER_ID": "3", "user": GUESTS, **changes})


class TestGuests:
    def test_guest_account_is_not_bound_to_the_customer(self, post_webhook):
        post_webhook("order.create", placed_by_guest())
        order = Order.objects.get()
        assert (order.customer.bitrix_user_id, order.bitrix_user_id) == (None, 3)
        assert (order.customer.name, order.customer.phone) == ("Айгерим", "+77771234567")
        assert order.customer.email == "aigerim@cvety.kz"
        assert "saleanonymous" not in str(order.customer.preferences)

    def test_two_guests_become_two_customers(self, post_webhook):
        post_webhook("order.create", placed_by_guest())
        other = {"name": "Данияр", "phone": "+7 701 000 00 01", "email": "noemail7@noemail.invalid"}
        post_webhook("order.create", placed_by_guest(ID="5", properties=other))
        names = dict(Order.objects.values_list("bitrix_order_id", "customer__name"))
        assert names == {122183: "Айгерим", 5: "Данияр"}
        assert Customer.objects.get(name="Данияр").email is None

    def test_returning_guest_is_found_by_phone(self, post_webhook):
        post_webhook("order.create", placed_by_guest())
        post_webhook("order.create", placed_by_guest(ID="5"))
        post_webhook("order.update", next_version(placed_by_guest()))
        assert Customer.objects.count() == 1

    def test_guest_with_phone_of_registered_customer_is_that_customer(self, post_webhook):
        post_webhook("order.create", order_data())
        post_webhook("order.create", placed_by_guest(ID="5"))
        assert {order.customer.bitrix_user_id for order in Order.objects.all()} == {1079}

    def test_guest_with_only_a_name_becomes_a_new_customer(self, post_webhook):
        data = placed_by_guest(properties={"phone": "", "email": ""})
        post_webhook("order.create", data)
        for number in range(2):
            data = next_version(data, COMMENTS=f"{number}")
            post_webhook("order.update", data)
        customer = Customer.objects.get()
        assert (customer.name, customer.phone, customer.needs_attention) == ("Айгерим", "", True)

    def test_guest_without_contacts_creates_no_customer(self, post_webhook):
        nothing = {"name": None, "phone": None, "email": None}
        post_webhook("order.create", placed_by_guest(properties=nothing))
        assert (Order.objects.get().customer, Customer.objects.count()) == (None, 0)

    def test_event_about_guest_account_creates_no_customer(self, post_webhook):
        assert read_customer(GUESTS) is None
        assert post_webhook("user.update", GUESTS).json()["action"] == "ignored"
        assert not Customer.objects.exists()

    @pytest.mark.parametrize("mark", [None, "", "socservices", 5])
    def test_other_account_is_bound_to_its_customer(self, post_webhook, mark):
        user = {"ID": "1079", "NAME": "Айгерим", "PERSONAL_PHONE": "+7 777 123 45 67", "EXTERNAL_AUTH_ID": mark}
        post_webhook("order.create", order_data(user=user))
        assert Order.objects.get().customer.bitrix_user_id == 1079

    def test_guest_order_of_sandbox_creates_customer(self, site, post_webhook):
        placed = site.site.order(int(site.place_order()["ID"]))
        guest = {**placed, "user": {**placed["user"], "EXTERNAL_AUTH_ID": "saleanonymous"}}
        post_webhook("order.create", guest)
        assert Order.objects.get().customer.bitrix_user_id is None


@pytest.mark.parametrize(
    "email",
    ["noemail7@noemail.invalid", "x@shop.invalid", "NoEmail123@NOEMAIL.INVALID", "anonymous_9f2c@example.com"],
)
def test_generated_email_is_ignored(email):
    assert read_order(order_data(properties={"email": email}, user=None)).customer.fields.get("email") is None


class TestPayments:
    def test_payments_are_stored_unchanged(self, post_webhook):
        post_webhook("order.create", order_data(payments=[PAYMENT]))
        order = Order.objects.get()
        assert order.metadata["payments"] == [PAYMENT]
        assert "payments" not in str(order.metadata.get("fields", {})).casefold()

    def test_new_payments_replace_earlier_ones(self, post_webhook):
        post_webhook("order.create", order_data(payments=[PAYMENT, {**PAYMENT, "ID": "78"}]))
        post_webhook("order.update", next_version(order_data(), payments=[{**PAYMENT, "PAID": "Y"}]))
        assert Order.objects.get().metadata["payments"] == [{**PAYMENT, "PAID": "Y"}]

    def test_empty_list_removes_payments(self, post_webhook):
        post_webhook("order.create", order_data(payments=[PAYMENT]))
        post_webhook("order.update", next_version(order_data(), payments=[]))
        assert Order.objects.get().metadata["payments"] == []

    def test_missing_payments_keep_the_stored_ones(self, post_webhook):
        post_webhook("order.create", order_data(payments=[PAYMENT]))
        post_webhook("order.update", next_version(order_data()))
        assert Order.objects.get().metadata["payments"] == [PAYMENT]

    def test_payments_stored_among_other_fields_are_removed(self, post_webhook):
        post_webhook("order.create", order_data())
        order = Order.objects.get()
        order.metadata["fields"] = {**order.metadata["fields"], "payments": [PAYMENT]}
        order.save(update_fields=["metadata"])
        post_webhook("order.update", next_version(order_data(), payments=[PAYMENT]))
        order.refresh_from_db()
        assert ("payments" in order.metadata["fields"], order.metadata["payments"]) == (False, [PAYMENT])

    def test_unreadable_payments_are_kept_raw_with_a_problem(self, post_webhook):
        post_webhook("order.create", order_data(payments=["оплачено"]))
        order = Order.objects.get()
        assert "payments" not in order.metadata
        assert order.metadata["fields"]["payments"] == ["оплачено"]
        assert {"payments"} == {problem["field"] for problem in WebhookEvent.objects.get().problems}

    @pytest.mark.parametrize(
        ("raw", "count"),
        [([], 0), ({}, 0), ([PAYMENT], 1), ({"0": PAYMENT, "3": PAYMENT}, 2), ("x", None), ([1], None), (5, None)],
    )
    def test_payments_are_read_in_each_format(self, raw, count):
        payments = payments_of(raw)
        assert (None if payments is None else len(payments)) == count

    def test_order_marked_as_problematic_is_stored(self, post_webhook):
        data = order_data(MARKED="Y", REASON_MARKED="Не указана платёжная система")
        assert post_webhook("order.create", data).json()["action"] == "created"
        assert not WebhookEvent.objects.get().problems
