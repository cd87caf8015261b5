"""End-to-end tests of the acceptance scenarios of the shop, over HTTP with the sandbox."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from bitrix_bridge.models import Push, WebhookEvent
from notifications.models import TelegramMessage
from orders import services
from orders.models import Customer, Order, Product
from orders.services import NewItem

pytestmark = pytest.mark.django_db(transaction=True)

STATUS_CODES = ["AP", "PD", "CO", "RD", "DE", "F"]
"""The statuses that the order of a test gets after N, in this sequence."""
STATUSES = {
    "AP": "accepted",
    "PD": "delivering",
    "CO": "completed",
    "RD": "returned",
    "DE": "declined",
    "F": "finished",
}

COMPLETE: dict[str, Any] = {
    "user_id": 1079,
    "recipient_name": "Мария",
    "recipient_phone": "+77011234567",
    "delivery_address": "ул. Абая 150, кв 25",
    "delivery_date": "2025-08-25",
    "postcard_text": "С днём рождения, мама! 🌹",
    "comment": "без лилий, аллергия",
    "total_amount": 9000.0,
    "delivery_fee": 1500.0,
    "items": [
        {
            "bitrix_product_id": 696613,
            "quantity": 1,
            "price": 7500.0,
            "product_snapshot": {"name": "Букет Стандарт", "currency": "KZT"},
        }
    ],
    "properties": {
        "city": "2",
        "when": "18",
        "data": "2025-08-25",
        "shopId": "17008",
        "postcardText": "С днём рождения, мама! 🌹",
        "phone": "+77771234567",
        "email": "aigerim@cvety.kz",
        "name": "Айгерим",
        "pickup": "N",
        "iWillGet": "N",
    },
}


@pytest.mark.parametrize("origin", ["on the site", "in the CRM"])
def test_complete_order_is_the_same_in_both_systems(origin, site, arrived, settle, manager):
    if origin == "on the site":
        order = arrived(**COMPLETE)
    else:
        product = Product.objects.create(name="Букет Стандарт", price=7500, bitrix_product_id=696613)
        order = services.create_order(
            items=[NewItem(product=product)],
            fields={
                "recipient_name": "Мария",
                "delivery_date": date(2025, 8, 25),
                "delivery_fee": Decimal(1500),
                "postcard_text": "С днём рождения, мама! 🌹",
                "comment": "без лилий, аллергия",
            },
            actor=manager,
        )
        settle()
        order.refresh_from_db()
    assert (order.city.name, order.city.bitrix_id) == ("Алматы", 2)
    assert (order.delivery_slot.bitrix_id, f"{order.delivery_slot.starts_at:%H:%M}") == ("18", "15:00")
    assert f"{order.delivery_slot.ends_at:%H:%M}" == "16:00"
    assert order.delivery_date == date(2025, 8, 25)
    assert (order.shop.name, order.shop.bitrix_id) == ("CVETYKZ", 17008)
    assert order.postcard_text == "С днём рождения, мама! 🌹"
    assert "С днём" not in order.comment + order.courier_comment
    item = order.items.get()
    assert (item.name, item.price, item.quantity) == ("Букет Стандарт", Decimal(7500), Decimal(1))
    assert order.total_amount == Decimal(9000)
    there = site.site.order(order.bitrix_order_id)
    assert order.bitrix_order_id == int(there["ID"])
    assert order.order_number == there["ACCOUNT_NUMBER"]
    assert there["properties"]["postcardText"] == order.postcard_text
    assert order.sync_state == "synced"


def test_all_properties_of_an_order_are_stored(site, arrived):
    order = arrived(
        **{
            **COMPLETE,
            "courier_comment": "позвонить за час",
            "properties": {**COMPLETE["properties"], "isAnonymous": "Y", "isSurprise": "Y", "floor": "5"},
        }
    )
    assert (order.recipient_name, order.recipient_phone) == ("Мария", "+77011234567")
    assert order.delivery_address == "ул. Абая 150, кв 25"
    assert (order.comment, order.courier_comment) == ("без лилий, аллергия", "позвонить за час")
    assert (order.is_anonymous, order.is_surprise, order.is_pickup) == (True, True, False)
    assert (order.customer.name, order.customer.phone) == ("Айгерим", "+77771234567")
    assert (order.delivery_fee, order.currency, order.payment_status) == (Decimal(1500), "KZT", "pending")
    assert order.metadata["properties"]["floor"] == "5"
    there = site.site.order(order.bitrix_order_id)
    stored = {**order.metadata["fields"], **order.metadata["properties"]}
    mapped = {"nameRecipient", "phoneRecipient", "addressRecipient", "data", "when", "city", "shopId", "postcardText"}
    flags = {"pickup", "iWillGet", "isAnonymous", "isSurprise"}
    assert set(there["properties"]) - mapped - flags <= set(stored)


def test_order_with_25_lines_is_stored_with_all_lines(arrived):
    items: list[dict[str, Any]] = [
        {
            "bitrix_product_id": 700000 + n,
            "quantity": n % 3 + 1,
            "price": 1000.0 * n + 500,
            "product_snapshot": {"name": f"Товар {n} «Ұлттық» 🌷", "currency": "KZT"},
        }
        for n in range(1, 26)
    ]
    order = arrived(**{**COMPLETE, "items": items, "total_amount": 1_000_000.0})
    lines = list(order.items.all())
    assert len(lines) == 25
    for line, sent in zip(lines, items, strict=True):
        assert line.product.bitrix_product_id == sent["bitrix_product_id"]
        assert line.product_snapshot["name"] == sent["product_snapshot"]["name"]
        assert (line.quantity, line.price) == (Decimal(sent["quantity"]), Decimal(str(sent["price"])))
        assert line.total == line.quantity * line.price
        assert line.bitrix_basket_id
    assert Product.objects.filter(needs_attention=True).count() == 25


def test_status_changes_on_the_site_are_applied_and_not_pushed_back(site, arrived, settle):
    order = arrived()
    for code in STATUS_CODES:
        site.change_status(order.bitrix_order_id, code)
        settle()
        order.refresh_from_db()
        assert (order.status_id, order.sync_state) == (STATUSES[code], "synced")
    assert order.completed_at is not None
    assert [event.kind for event in order.events.all()] == ["status"] * 6 + ["created"]
    assert not Push.objects.exists()  # a change received from the site is not pushed to the site


def test_status_changes_by_a_manager_are_pushed_to_the_site(site, arrived, settle, manager):
    order = arrived()
    for code in STATUS_CODES:
        services.change_status(order_id=order.pk, status=STATUSES[code], actor=manager)
        settle()
        order.refresh_from_db()
        assert site.site.order(order.bitrix_order_id)["STATUS_ID"] == code
        assert (order.status_id, order.sync_state) == (STATUSES[code], "synced")
    assert site.site.writes == len(STATUS_CODES)
    # Each echo was received and changed nothing.
    assert WebhookEvent.objects.filter(action="unchanged").count() == len(STATUS_CODES)
    kinds = [event.kind for event in order.events.all()]
    assert (kinds.count("status"), kinds.count("sent")) == (len(STATUS_CODES), len(STATUS_CODES))


def test_order_created_in_the_crm_is_created_on_the_site(site, settle, manager):
    products = [
        Product.objects.create(name=f"Букет {n}", price=5000 * n, bitrix_product_id=800000 + n) for n in (1, 2, 3)
    ]
    customer = Customer.objects.create(name="Айгерим", phone="+77771234567", email="aigerim@cvety.kz")
    order = services.create_order(
        items=[NewItem(product=product, quantity=Decimal(2)) for product in products],
        customer=customer,
        fields={
            "recipient_name": "Мария",
            "recipient_phone": "+77011234567",
            "delivery_address": "Достык 5",
            "delivery_date": date(2025, 8, 25),
            "delivery_fee": Decimal(1500),
            "postcard_text": "Құттықтаймын! 🌷\nӘрқашан күліп жүр",
            "comment": "без лилий",
            "courier_comment": "код 12",
            "is_anonymous": True,
            "payment_method": "cash",
        },
        actor=manager,
    )
    settle()
    order.refresh_from_db()
    (there,) = site.site.all_orders()
    assert there["XML_ID"] == f"crm-{order.pk}"
    assert (order.bitrix_order_id, order.order_number) == (int(there["ID"]), there["ACCOUNT_NUMBER"])
    assert {line["PRODUCT_ID"]: float(line["QUANTITY"]) for line in there["basket"]} == {
        "800001": 2.0,
        "800002": 2.0,
        "800003": 2.0,
    }
    assert float(there["PRICE"]) == 61500.0
    assert (there["USER_DESCRIPTION"], there["COMMENTS"]) == ("без лилий", "код 12")
    expected = {
        "nameRecipient": "Мария",
        "phoneRecipient": "+77011234567",
        "addressRecipient": "Достык 5",
        "data": "2025-08-25",
        "when": "18",
        "city": "2",
        "shopId": "17008",
        "postcardText": "Құттықтаймын! 🌷\nӘрқашан күліп жүр",
        "isAnonymous": "Y",
        "phone": "+77771234567",
        "email": "aigerim@cvety.kz",
        "name": "Айгерим",
    }
    assert {key: there["properties"].get(key) for key in expected} == expected
    # The site's webhook about the new order was matched to this order, and no second order was created.
    assert (Order.objects.count(), order.source, order.sync_state, order.items.count()) == (1, "admin", "synced", 3)
    assert Customer.objects.count() == 1


def test_telegram_receives_new_order_and_status_changes(site, bot_api, arrived, settle, manager):
    order = arrived(**{**COMPLETE, "properties": {**COMPLETE["properties"], "isSurprise": "Y"}})
    (new,) = bot_api.messages
    for part in (
        f"№ {order.order_number}",
        "9 000 ₸",
        "не оплачен",
        "Мария",
        "+7 701 123-45-67",
        "ул. Абая 150, кв 25",
        "Букет Стандарт",
        "1 шт × 7 500 ₸",
        "25 августа",
        "15:00–16:00",
        "1 500 ₸",
        "С днём рождения, мама! 🌹",
        "без лилий, аллергия",
        "Айгерим",
    ):
        assert part in new.text.replace("\xa0", " "), f"{part!r} is missing from:\n{new.text}"

    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    settle()
    site.change_status(order.bitrix_order_id, "PD")
    settle()
    texts = [message.text.replace("\xa0", " ") for message in bot_api.messages]
    assert len(texts) == 3  # the echo of the manager's change causes no message
    assert "Принят" in texts[1]
    assert "Данияр" in texts[1]
    assert "Доставляется" in texts[2]
    assert all(order.order_number in text and "Мария" in text for text in texts)


def test_disabled_telegram_causes_no_failure(arrived, settle, manager):
    order = arrived(**COMPLETE)
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    settle()
    messages = TelegramMessage.objects.all()
    assert {(message.state, message.kind) for message in messages} == {
        ("cancelled", "new_order"),
        ("cancelled", "status"),
    }
    assert all("TELEGRAM_NOTIFICATIONS_ENABLED" in message.last_error for message in messages)
