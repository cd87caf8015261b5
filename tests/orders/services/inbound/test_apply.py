"""Tests of what a webhook event writes to the tables. The events are posted to the webhook URL."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bitrix_bridge.models import Push, WebhookEvent
from orders import services
from orders.models import City, Customer, DeliverySlot, Order, OrderEvent, OrderItem, PaySystem, Product, Shop, Status
from orders.timeline_payloads import DESIRED
from tests.samples import next_version, order_data

pytestmark = pytest.mark.django_db


def lines(count, **changes):
    return [
        {"ID": 500 + n, "PRODUCT_ID": 9000 + n, "NAME": f"Букет {n}", "PRICE": "1000", "QUANTITY": 1, **changes}
        for n in range(count)
    ]


def test_create_event_sets_every_column_of_order(post_webhook):
    post_webhook("order.create", order_data())
    order = Order.objects.get()
    assert (order.order_number, order.bitrix_order_id, order.status_id) == ("122183", 122183, "new")
    assert (order.recipient_name, order.recipient_phone) == ("Мария", "+77011234567")
    assert (order.delivery_address, order.delivery_date) == ("ул. Абая 150, кв 25", date(2025, 8, 25))
    assert (order.delivery_slot_id, order.city_id, order.shop_id) == ("18", 2, 17008)
    assert order.postcard_text == "С днём рождения, мама! 🌹"
    assert (order.comment, order.courier_comment) == ("без лилий, аллергия", "позвонить за час")
    assert (order.total_amount, order.delivery_fee, order.paid_amount) == (Decimal(9000), Decimal(1500), Decimal(0))
    assert (order.currency, order.payment_method, order.payment_status) == ("KZT", "cash", "pending")
    assert (order.source, order.sync_state, order.is_stub) == ("bitrix", "synced", False)
    assert (order.bitrix_version, order.bitrix_user_id) == (1, 1079)
    # The UTC offset of Almaty is +5 since March 2024.
    assert order.created_at == datetime(2025, 8, 24, 7, 0, tzinfo=UTC)
    assert order.bitrix_updated_at == datetime(2025, 8, 24, 7, 0, 1, tzinfo=UTC)
    assert (order.customer.name, order.customer.phone, order.customer.email) == (
        "Айгерим",
        "+77771234567",
        "aigerim@cvety.kz",
    )
    item = order.items.get()
    assert (item.bitrix_product_id, item.bitrix_basket_id, item.quantity, item.price, item.total) == (
        696613,
        501,
        Decimal(1),
        Decimal(7500),
        Decimal(7500),
    )
    assert item.product_snapshot["name"] == "Букет Стандарт"
    assert (item.product.bitrix_product_id, item.product.needs_attention) == (696613, True)


def test_event_writes_one_timeline_entry_with_its_id(post_webhook):
    post_webhook("order.create", order_data())
    post_webhook("order.update", next_version(order_data(), STATUS_ID="AP", COMMENTS="домофон 12"))
    order = Order.objects.get()
    changed, created = order.events.all()
    assert (created.kind, created.source, created.actor) == ("created", "bitrix", None)
    assert changed.kind == "status"
    assert sorted(changed.changes, key=lambda change: change["field"]) == [
        {"field": "courier_comment", "old": "позвонить за час", "new": "домофон 12"},
        {"field": "status", "old": "new", "new": "accepted"},
    ]
    assert changed.webhook_event_id == WebhookEvent.objects.get(event="order.update").pk


def test_change_of_site_queues_no_push(post_webhook):
    post_webhook("order.create", order_data())
    post_webhook("order.update", next_version(order_data(), STATUS_ID="AP"))
    assert not Push.objects.exists()


def test_same_event_twice_is_a_duplicate(post_webhook):
    assert post_webhook("order.create", order_data()).json()["action"] == "created"
    assert post_webhook("order.create", order_data()).json()["action"] == "duplicate"
    assert (Order.objects.count(), OrderEvent.objects.count(), OrderItem.objects.count()) == (1, 1, 1)


def test_event_with_known_event_id_is_a_duplicate_with_other_data(post_webhook):
    post_webhook("order.create", order_data(), event_id="e-1")
    answer = post_webhook("order.create", order_data(COMMENTS="другое"), event_id="e-1").json()
    assert answer["action"] == "duplicate"
    assert Order.objects.get().courier_comment == "позвонить за час"


def test_repeated_statuses_without_clocks_are_separate_events(post_webhook):
    post_webhook("order.create", order_data(VERSION=..., DATE_UPDATE=...))
    for code in ("AP", "N", "AP"):
        assert (
            post_webhook("order.status.change", {"ID": 122183, "STATUS_ID": code}).json()["action"] == "status_changed"
        )
    assert Order.objects.get().status_id == "accepted"


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ({"VERSION": 5, "DATE_UPDATE": "2025-08-24 13:00:00"}, {"VERSION": 4, "DATE_UPDATE": "2025-08-24 12:59:59"}),
        (
            {"VERSION": ..., "DATE_UPDATE": "2025-08-24 13:00:00"},
            {"VERSION": ..., "DATE_UPDATE": "2025-08-24 12:59:59"},
        ),
        ({"VERSION": 5, "DATE_UPDATE": "2025-08-24 13:00:00"}, {"VERSION": 5, "DATE_UPDATE": "2025-08-24 12:00:00"}),
        (
            {"VERSION": ..., "DATE_UPDATE": ..., "webhook_timestamp": 1756000100},
            {"VERSION": ..., "DATE_UPDATE": ..., "webhook_timestamp": 1756000000},
        ),
    ],
    ids=["version and date", "date", "date of same version", "event time"],
)
def test_outdated_event_changes_nothing(post_webhook, newer, older):
    post_webhook("order.update", order_data(STATUS_ID="PD", **newer))
    assert (
        post_webhook("order.update", order_data(STATUS_ID="AP", COMMENTS="старое", **older)).json()["action"] == "stale"
    )
    order = Order.objects.get()
    assert (order.status_id, order.courier_comment) == ("delivering", "позвонить за час")
    assert order.events.count() == 1
    assert not WebhookEvent.objects.exclude(state="processed").exists(), "no event waits for a fetch"


def announced(data, moment, **changes):
    return {**data, "webhook_timestamp": f"2025-08-24 {moment}", **changes}


def test_event_time_is_not_compared_with_date_of_site(post_webhook):
    # The server of the site still uses UTC+6 for Almaty, which was correct until 2024. Its dates are one hour ahead.
    post_webhook("order.create", announced(order_data(VERSION=..., DATE_UPDATE="2025-08-24 13:00:00"), "12:00:00"))
    answer = post_webhook("order.status.change", announced({"ID": 122183, "STATUS_ID": "AP"}, "12:01:00")).json()
    assert answer["action"] == "status_changed"


def test_events_within_one_second_are_ordered_by_event_time(post_webhook):
    post_webhook("order.update", announced(order_data(VERSION=..., STATUS_ID="PD"), "12:00:01.9"))
    late = announced(order_data(VERSION=..., STATUS_ID="AP"), "12:00:01.1")
    assert post_webhook("order.update", late).json()["action"] == "stale"
    assert Order.objects.get().status_id == "delivering"


def test_date_without_time_does_not_order_events(post_webhook):
    post_webhook("order.create", order_data())
    for code in ("AP", "PD", "AP"):
        event = {"ID": "122183", "STATUS_ID": code, "DATE_STATUS": "24.08.2025"}
        assert post_webhook("order.status.change", event).json()["action"] == "status_changed"
    assert Order.objects.get().metadata["fields"]["DATE_STATUS"] == "24.08.2025"


def test_late_order_updates_all_fields_except_its_old_status(post_webhook):
    post_webhook("order.create", announced(order_data(), "12:00:01"))
    late = announced(next_version(order_data(), COMMENTS="домофон 12"), "12:00:02")
    bare = announced({"ID": 122183, "STATUS_ID": "AP"}, "12:10:00")
    assert post_webhook("order.status.change", bare).json()["action"] == "status_changed"
    assert post_webhook("order.update", late).json()["action"] == "updated"
    order = Order.objects.get()
    assert (order.status_id, order.courier_comment, order.bitrix_version) == ("accepted", "домофон 12", 2)
    newer = announced(next_version(late, STATUS_ID="PD", DATE_UPDATE="2025-08-24 12:11:00"), "12:11:00")
    post_webhook("order.update", newer)
    order.refresh_from_db()
    assert order.status_id == "delivering"
    assert post_webhook("order.status.change", {**bare, "x": 1}).json()["action"] == "stale"


def test_status_event_received_before_create_event_stays(post_webhook):
    bare = {"ID": 122183, "STATUS_ID": "AP", "DATE_STATUS": "2025-08-24 12:10:00"}
    post_webhook("order.status.change", bare)
    post_webhook("order.create", order_data())
    order = Order.objects.get()
    assert (order.is_stub, order.status_id, order.recipient_name) == (False, "accepted", "Мария")


def test_status_event_of_same_second_as_create_event_stays(post_webhook):
    post_webhook("order.status.change", announced({"ID": 122183, "STATUS_ID": "AP"}, "12:00:01.9"))
    post_webhook("order.create", announced(order_data(), "12:00:01.2"))
    assert Order.objects.get().status_id == "accepted"


def test_late_order_without_version_and_date_updates_its_fields(post_webhook):
    data = order_data(VERSION=..., DATE_UPDATE=...)
    post_webhook("order.create", announced(data, "12:00:01"))
    post_webhook("order.status.change", announced({"ID": 122183, "STATUS_ID": "AP"}, "12:10:00"))
    post_webhook("order.update", announced(data, "12:00:02", COMMENTS="домофон 12"))
    order = Order.objects.get()
    assert (order.status_id, order.courier_comment) == ("accepted", "домофон 12")


def test_newer_version_with_same_values_writes_no_entry(post_webhook):
    post_webhook("order.create", order_data())
    assert post_webhook("order.update", next_version(order_data())).json()["action"] == "unchanged"
    order = Order.objects.get()
    assert (order.bitrix_version, order.events.count()) == (2, 1)


def test_absent_field_keeps_value_and_empty_field_clears_it(post_webhook):
    post_webhook("order.create", order_data())
    sparse = {"ID": 122183, "VERSION": 2, "STATUS_ID": "N", "properties": {"postcardText": ""}, "COMMENTS": None}
    assert post_webhook("order.update", sparse).json()["action"] == "updated"
    order = Order.objects.get()
    assert (order.postcard_text, order.courier_comment) == ("", "")
    assert (order.recipient_name, order.comment, order.items.count()) == ("Мария", "без лилий, аллергия", 1)


def test_changed_properties_of_an_item_replace_the_old_ones(post_webhook):
    """The product, the quantity and the price are the same, so only the properties show that the bouquet is bigger."""

    def data(size, **more):
        return lines(1, PROPS=[{"NAME": "Размер", "CODE": "SIZE", "VALUE": size}], **more)

    first = order_data(basket=data("41 см", NOTES="Розница", DISCOUNT_NAME="Весна"))
    second = next_version(first, basket=data("61 см", MEASURE_NAME="шт"))
    post_webhook("order.create", first)
    item = OrderItem.objects.get()
    post_webhook("order.update", second)
    changed = OrderItem.objects.get()
    assert changed.pk == item.pk
    assert changed.product_snapshot == {
        "name": "Букет 0",
        "notes": "Розница",
        "properties": [{"NAME": "Размер", "CODE": "SIZE", "VALUE": "61 см"}],
        "fields": {"DISCOUNT_NAME": "Весна", "MEASURE_NAME": "шт"},
    }
    post_webhook("order.update", next_version(second, basket=lines(1)))
    assert OrderItem.objects.get().product_snapshot == changed.product_snapshot


@pytest.mark.parametrize("event", ["order.status.change", "order.status_change", "ORDER.STATUS.CHANGE"])
def test_status_change_event_is_accepted_in_every_spelling(post_webhook, event):
    post_webhook("order.create", order_data())
    answer = post_webhook(event, {"ID": 122183, "STATUS_ID": "AP", "DATE_STATUS": "2025-08-24 12:30:00"}).json()
    assert answer["action"] == "status_changed"
    assert Order.objects.get().status_id == "accepted"


def test_status_change_of_unknown_order_creates_stub(post_webhook):
    assert post_webhook("order.status.change", {"ID": 7, "STATUS_ID": "AP"}).json()["action"] == "created"
    order = Order.objects.get()
    assert (order.is_stub, order.status_id, order.order_number, order.sync_state) == (True, "accepted", "7", "synced")
    assert order.events.get().reason == "stub"


def test_update_completes_stub(post_webhook):
    post_webhook("order.status.change", {"ID": 122183, "STATUS_ID": "AP"})
    post_webhook("order.update", order_data(STATUS_ID="AP"))
    order = Order.objects.get()
    assert (order.is_stub, order.recipient_name, order.items.count()) == (False, "Мария", 1)
    assert order.created_at == datetime(2025, 8, 24, 7, 0, tzinfo=UTC)


def test_update_of_unknown_order_creates_it(post_webhook):
    assert post_webhook("order.update", order_data()).json()["action"] == "created"


def test_delete_event_marks_order_and_keeps_it(post_webhook):
    post_webhook("order.create", order_data())
    assert post_webhook("order.delete", {"ID": "122183"}).json()["action"] == "updated"
    order = Order.objects.get()
    assert order.is_deleted_on_site
    assert order.events.first().kind == "deleted"
    assert post_webhook("order.delete", {"ID": 404}).json()["action"] == "ignored"


@pytest.mark.parametrize("event", ["order.create", "order.update", "order.status.change"])
def test_order_received_after_its_deletion_is_marked_deleted(post_webhook, event):
    post_webhook("order.delete", announced({"ID": 122183}, "13:00:00"))
    assert post_webhook(event, announced(order_data(), "12:00:01")).json()["action"] == "created"
    order = Order.objects.get()
    assert (order.is_deleted_on_site, order.recipient_name) == (True, "Мария")
    deleted, created = order.events.all()
    assert (deleted.kind, created.kind) == ("deleted", "created")
    assert deleted.webhook_event_id == WebhookEvent.objects.get(event="order.delete").pk


def test_event_later_than_deletion_creates_unmarked_order(post_webhook):
    post_webhook("order.delete", announced({"ID": 122183}, "13:00:00"))
    post_webhook("order.update", announced(order_data(), "14:00:00"))
    assert not Order.objects.get().is_deleted_on_site


def test_unknown_reference_data_becomes_stub_that_needs_attention(post_webhook):
    properties = {"city": "77", "shopId": "555", "when": "14:00-16:00"}
    answer = post_webhook("order.create", order_data(STATUS_ID="xx", properties=properties)).json()
    assert answer["action"] == "created"
    order = Order.objects.get()
    status = Status.objects.get(code="bitrix_xx")
    assert (order.status, status.stage, status.bitrix_codes, status.needs_attention) == (
        status,
        "problem",
        ["xx"],
        True,
    )
    assert City.objects.get(bitrix_id=77).needs_attention
    assert Shop.objects.get(bitrix_id=555).needs_attention
    slot = DeliverySlot.objects.get(bitrix_id="14:00-16:00")
    assert (order.delivery_slot, slot.starts_at.hour, slot.ends_at.hour, slot.needs_attention) == (slot, 14, 16, False)


def test_status_codes_that_differ_in_case_are_two_statuses(post_webhook):
    post_webhook("order.create", order_data(STATUS_ID="zz"))
    post_webhook("order.create", order_data(ID=5, STATUS_ID="ZZ"))
    assert set(Order.objects.values_list("status", flat=True)) == {"bitrix_zz", "bitrix_ZZ"}


def test_second_site_code_of_status_is_accepted(post_webhook):
    post_webhook("order.create", order_data(STATUS_ID="CF"))
    assert Order.objects.get().status_id == "completed"


def test_completed_at_is_time_of_first_final_status(post_webhook):
    post_webhook("order.create", order_data())
    assert Order.objects.get().completed_at is None
    post_webhook("order.update", next_version(order_data(), STATUS_ID="F"))
    first = Order.objects.get().completed_at
    assert first is not None
    post_webhook("order.update", next_version(next_version(order_data()), STATUS_ID="AP"))
    assert Order.objects.get().completed_at == first


def test_unreadable_fields_are_stored_raw_and_order_is_created(post_webhook):
    data = order_data(PRICE="много", properties={"data": "послезавтра", "phoneRecipient": "нет телефона"})
    assert post_webhook("order.create", data).json()["action"] == "created"
    order = Order.objects.get()
    assert (order.recipient_name, order.recipient_phone, order.delivery_date) == ("Мария", "нет телефона", None)
    assert order.metadata["fields"]["PRICE"] == "много"
    named = {problem["field"] for problem in WebhookEvent.objects.get().problems}
    assert {"PRICE", "properties.data", "properties.phoneRecipient"} <= named
    assert {problem["field"] for problem in order.events.get().details["problems"]} == named


def test_long_name_is_whole_in_product_and_item(post_webhook):
    name = ("Букет из роз " * 30).strip()
    basket = [{"ID": 501, "PRODUCT_ID": 990001, "NAME": name, "PRICE": 1, "QUANTITY": 1}]
    assert post_webhook("order.create", order_data(basket=basket)).json()["action"] == "created"
    assert (OrderItem.objects.get().name, Product.objects.get().name) == (name, name)


def test_name_that_does_not_fit_is_not_cut_in_product(post_webhook):
    name = ("Букет из роз " * 60).strip()
    basket = [{"ID": 501, "PRODUCT_ID": 990001, "NAME": name, "PRICE": 1, "QUANTITY": 1}]
    post_webhook("order.create", order_data(basket=basket))
    assert (OrderItem.objects.get().name, Product.objects.get().name) == (name, "Товар 990001")


def test_item_with_too_large_sum_is_stored_with_unknown_quantity_and_problem(post_webhook):
    basket = [{"ID": 501, "PRODUCT_ID": 9, "NAME": "Роза", "PRICE": "7500000", "QUANTITY": "9000000"}]
    assert post_webhook("order.create", order_data(basket=basket)).json()["action"] == "created"
    item = OrderItem.objects.get()
    assert (item.quantity, item.price, item.unknown_values) == (0, 7500000, {"quantity": "9000000"})
    (problem,) = Order.objects.get().events.get().details["problems"]
    assert (problem["field"], problem["reason"]) == ("basket[0].QUANTITY", "out_of_range")


def test_unreadable_value_is_on_timeline_only_once(post_webhook):
    post_webhook("order.create", order_data())
    bad = next_version(order_data(), properties={"data": "послезавтра"})
    assert post_webhook("order.update", bad).json()["action"] == "unchanged"
    order = Order.objects.get()
    entry = order.events.first()
    assert (entry.kind, entry.reason, entry.changes) == ("noted", "unreadable", [])
    assert [problem["value"] for problem in entry.details["problems"]] == ["послезавтра"]
    post_webhook("order.update", next_version(bad))
    assert order.events.count() == 2
    post_webhook("order.update", next_version(next_version(bad), COMMENTS="домофон 12"))
    assert (order.events.first().kind, order.events.first().details) == ("changed", {})
    worse = next_version(next_version(next_version(bad)), properties={"data": "потом"})
    post_webhook("order.update", worse)
    assert [problem["value"] for problem in order.events.first().details["problems"]] == ["потом"]


def test_raw_value_is_removed_once_field_is_readable(post_webhook):
    basket = [{"ID": 501, "PRODUCT_ID": 1, "NAME": "Роза", "PRICE": "дорого", "QUANTITY": 1}]
    properties = {"data": "послезавтра", "odd": "остаётся"}
    bad = order_data(PRICE="много", user="Айгерим", basket=basket, properties=properties)
    post_webhook("order.create", bad)
    kept = Order.objects.get().metadata
    assert {"PRICE", "user", "basket[0].PRICE"} <= set(kept["fields"])
    assert kept["properties"]["data"] == "послезавтра"
    # An event without these fields does not show whether their values are readable now.
    post_webhook("order.update", {"ID": 122183, "VERSION": 2, "properties": {"city": "2"}})
    assert Order.objects.get().metadata == kept
    post_webhook("order.update", next_version({**order_data(), "VERSION": "2"}))
    order = Order.objects.get()
    assert (order.total_amount, order.delivery_date) == (9000, date(2025, 8, 25))
    assert not {"PRICE", "user", "basket[0].PRICE"} & set(order.metadata["fields"])
    assert (order.metadata["properties"]["odd"], "data" in order.metadata["properties"]) == ("остаётся", False)


def test_line_that_was_not_bought_is_kept_until_it_is_bought(post_webhook):
    line = {"ID": "501", "PRODUCT_ID": "696613", "NAME": "Роза", "PRICE": "1500", "QUANTITY": "1"}
    other = line | {"ID": "9001", "DELAY": "Y"}
    post_webhook("order.create", order_data(basket=[line, other]))
    order = Order.objects.get()
    assert order.items.get().bitrix_basket_id == 501
    assert order.metadata["not_bought"] == [other]
    # An event without the basket does not show whether the line was bought.
    post_webhook("order.update", {"ID": order.bitrix_order_id, "VERSION": 2, "properties": {"city": "2"}})
    assert Order.objects.get().metadata["not_bought"] == [other]
    post_webhook("order.update", {**order_data(basket=[line, other | {"DELAY": "N"}]), "VERSION": "3"})
    order = Order.objects.get()
    assert set(order.items.values_list("bitrix_basket_id", flat=True)) == {501, 9001}
    assert "not_bought" not in order.metadata


def test_product_snapshot_of_item_stays_after_update_of_product(post_webhook):
    post_webhook("order.create", order_data())
    product = {"ID": "696613", "NAME": "Букет Стандарт 2.0", "PRICES": {"BASE": {"PRICE": "8000"}}}
    assert post_webhook("product.update", product, path="/webhooks/bitrix/product").json()["action"] == "updated"
    order = Order.objects.get()
    assert Product.objects.get().name == "Букет Стандарт 2.0"
    assert order.items.get().product_snapshot["name"] == "Букет Стандарт"


def test_product_events_create_update_and_deactivate_product(post_webhook):
    def post(event, **fields):
        return post_webhook(event, {"ID": 31, **fields}, path="/webhooks/bitrix/product").json()["action"]

    assert post("product.create", NAME="Роза &quot;Аваланж&quot;", TIMESTAMP_X="24.08.2025 12:00:00") == "created"
    assert Product.objects.get().name == 'Роза "Аваланж"'
    assert post("product.update", NAME="Роза", TIMESTAMP_X="24.08.2025 13:00:00") == "updated"
    assert post("product.update", NAME="Старая", TIMESTAMP_X="24.08.2025 12:30:00") == "stale"
    assert post("product.delete") == "updated"
    assert post("product.delete") == "unchanged"
    assert (Product.objects.get().name, Product.objects.get().is_active) == ("Роза", False)


@pytest.mark.parametrize("known", [True, False])
def test_product_event_older_than_deletion_does_not_reactivate_product(post_webhook, known):
    def post(event, **fields):
        return post_webhook(event, {"ID": 31, **fields}, path="/webhooks/bitrix/product").json()["action"]

    if known:
        post("product.create", NAME="Роза", ACTIVE="Y", TIMESTAMP_X="2025-08-24 12:00:00")
    post("product.delete", TIMESTAMP_X="2025-08-24 12:30:00", webhook_timestamp="2025-08-24 13:00:00")
    post("product.update", NAME="Роза", ACTIVE="Y", TIMESTAMP_X="2025-08-24 12:30:00")
    assert not Product.objects.get().is_active


def test_user_event_updates_and_creates_customers(post_webhook):
    post_webhook("order.create", order_data())
    assert (
        post_webhook("user.update", {"ID": 1079, "NAME": "Айгерим", "LAST_NAME": "Серикова"}).json()["action"]
        == "updated"
    )
    assert Customer.objects.get().name == "Айгерим Серикова"
    assert post_webhook("user.update", {"ID": 5, "NAME": "Новый"}).json()["action"] == "updated"
    assert Customer.objects.get(bitrix_user_id=5).needs_attention  # the customer has no phone


def test_customer_name_set_by_staff_stays_until_site_changes_it(post_webhook):
    post_webhook("order.create", order_data())
    Customer.objects.update(name="Айгерим апай")
    post_webhook("order.update", next_version(order_data(), COMMENTS="x"))
    assert Customer.objects.get().name == "Айгерим апай"
    post_webhook("user.update", {"ID": 1079, "NAME": "Айгуль"})
    assert Customer.objects.get().name == "Айгуль"


def test_customer_without_account_is_found_by_phone(post_webhook):
    for number in (1, 2):
        post_webhook("order.create", order_data(ID=number, ACCOUNT_NUMBER=str(number), USER_ID=None, user=None))
    assert Customer.objects.get().orders.count() == 2


def order_of_a_caller(number, name, phone, **changes):
    """Return the data of an order with the site's technical account.

    This account has neither the name nor the phone of the caller.
    """
    data = order_data(ID=str(number), ACCOUNT_NUMBER=str(number), USER_ID="1", user={"ID": "1"}, **changes)
    return {**data, "properties": {**data["properties"], "name": name, "phone": phone}}


def test_customers_under_one_account_are_distinguished_by_phone(post_webhook):
    orders = [
        order_of_a_caller(1, "Айгерим", "+77011111111"),
        order_of_a_caller(2, "Бота", "+77022222222"),
        order_of_a_caller(3, "Бота Серикова", "+77022222222"),
    ]
    for data in orders:
        assert post_webhook("order.create", data).json()["action"] == "created"
    post_webhook("order.update", next_version(orders[1], COMMENTS="домофон 12"))
    post_webhook("order.update", {"ID": "2", "USER_ID": "1", "VERSION": "3", "COMMENTS": "без контактов"})
    callers = [(order.customer.name, order.customer.phone) for order in Order.objects.order_by("bitrix_order_id")]
    assert callers[0] == ("Айгерим", "+77011111111")
    assert callers[1] == callers[2]
    assert (callers[1][1], Customer.objects.count()) == ("+77022222222", 2)
    assert Customer.objects.get(bitrix_user_id=1).name == "Айгерим"


def test_typed_name_without_phone_does_not_rename_customer(post_webhook):
    post_webhook("order.create", order_data())
    properties = {"name": "Бота", "phone": None, "email": None}
    post_webhook("order.create", order_data(ID=2, ACCOUNT_NUMBER="2", user=None, properties=properties))
    assert Customer.objects.get(bitrix_user_id=1079).name == "Айгерим"
    order = Order.objects.get(bitrix_order_id=2)
    assert (order.contact_name, order.customer.name, order.customer.bitrix_user_id) == ("Бота", "Бота", None)


def test_customer_of_call_gets_account_id_from_site(post_webhook, manager):
    services.customer_for_call(name="Айгерим", phone="+77771234567")
    post_webhook("order.create", order_data(user=None))
    assert Customer.objects.get().bitrix_user_id is None
    post_webhook("order.update", next_version(order_data()))
    assert (Customer.objects.get().bitrix_user_id, Order.objects.get().customer) == (1079, Customer.objects.get())


def test_update_adds_changes_and_deletes_items(post_webhook):
    post_webhook("order.create", order_data(basket=lines(3)))
    kept = OrderItem.objects.get(bitrix_basket_id=501)
    basket = [
        {**lines(3)[1], "QUANTITY": "2"},
        {"ID": 777, "PRODUCT_ID": 42, "NAME": "Ваза", "PRICE": 3000, "QUANTITY": 1},
    ]
    post_webhook("order.update", next_version(order_data(), basket=basket))
    order = Order.objects.get()
    assert [(item.name, item.quantity, item.total) for item in order.items.all()] == [
        ("Букет 1", Decimal(2), Decimal(2000)),
        ("Ваза", Decimal(1), Decimal(3000)),
    ]
    assert order.items.first().pk == kept.pk


@pytest.mark.parametrize("event", ["order.update", "order.status.change"])
def test_empty_basket_keeps_items(post_webhook, event):
    post_webhook("order.create", order_data())
    post_webhook(event, next_version(order_data(), basket=[], STATUS_ID="AP"))
    order = Order.objects.get()
    assert (order.status_id, order.items.count()) == ("accepted", 1)


def queries_of(post_webhook, event, data):
    with CaptureQueriesContext(connection) as captured:
        assert post_webhook(event, data).status_code == 200
    return captured


def test_number_of_queries_does_not_depend_on_number_of_items(post_webhook):
    PaySystem.objects.create(bitrix_id=1, name="Наличные", payment_method="cash")
    counts = []
    for number, count in enumerate((1, 3, 40), start=1):
        data = order_data(ID=number, ACCOUNT_NUMBER=str(number), USER_ID=number, basket=lines(count))
        data["user"] = {**data["user"], "ID": number}
        first = queries_of(post_webhook, "order.create", data)
        basket = [{**line, "QUANTITY": "2"} for line in lines(count)]
        second = queries_of(post_webhook, "order.update", next_version(data, basket=basket, STATUS_ID="AP"))
        counts.append((len(first), len(second)))
    # Each order also creates stubs of products that are unknown to the CRM.
    assert counts[1] == counts[2], counts
    assert counts[0][0] <= counts[1][0], counts


def test_event_without_new_status_keeps_pending_status(post_webhook, manager):
    post_webhook("order.create", order_data())
    order = Order.objects.get()
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    # The site changes a different field, and the pending status of the CRM is kept.
    post_webhook("order.update", next_version(order_data(), COMMENTS="домофон 12"))
    order.refresh_from_db()
    assert (order.status_id, order.courier_comment, order.sync_state) == ("accepted", "домофон 12", "pending")
    assert order.pushes.get().state == "pending"


def test_status_changed_on_both_sides_takes_site_value_and_records_ours(post_webhook, manager):
    post_webhook("order.create", order_data())
    order = Order.objects.get()
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    post_webhook("order.update", next_version(order_data(), STATUS_ID="DE"))
    order.refresh_from_db()
    event = order.events.first()
    assert (order.status_id, order.sync_state) == ("declined", "conflict")
    assert (event.kind, event.reason, event.details[DESIRED]) == ("conflict", "site_decides", {"status": "accepted"})


def test_field_changed_on_both_sides_keeps_our_value(post_webhook, manager):
    post_webhook("order.create", order_data())
    order = Order.objects.get()
    services.edit_order(order_id=order.pk, changes={"delivery_address": "Достык 5"}, actor=manager)
    post_webhook("order.update", next_version(order_data(), properties={"addressRecipient": "Фурманова 7"}))
    order.refresh_from_db()
    event = order.events.first()
    assert (order.delivery_address, order.sync_state) == ("Достык 5", "pending")
    assert (event.reason, event.details["theirs"]) == ("ours_stays", {"delivery_address": "Фурманова 7"})
