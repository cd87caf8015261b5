"""Tests with many changes in the CRM and on the site: each change is transferred once, and none is sent back."""

import logging
import random
import time
from collections import Counter
from decimal import Decimal

import pytest

from bitrix_bridge import reference
from bitrix_bridge.models import Push, PushAttempt, WebhookEvent
from bitrix_bridge.payloads import read_order
from bitrix_bridge.sandbox.reference import ORDER_STATUSES, SLOT_IDS
from cvety_crm.outbox import deliver_due
from orders import services
from orders.admin.actions.status import next_statuses
from orders.models import EventKind, Order, OrderEvent, Source
from orders.sync.fields import ITEMS, PUSHED, comparable, comparable_items, order_values
from orders.sync.snapshot import ItemSnapshot

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

ORDERS = 50
SEED = 20250825


@pytest.fixture
def quiet():
    """Disable log messages about successful requests, which would use a fifth of the time of the test."""
    logging.disable(logging.INFO)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def orders(site, settle, settings, quiet):
    """Return the ids of orders that both systems have.

    The CRM has the reference data of the site, and no order has pending changes.
    """
    settings.WEBHOOK_RATE = ""  # with a rate limit the site would have to wait
    for _ in range(ORDERS):
        site.place_order()
    site.flush(timeout=60)
    settle()
    reference.refresh()
    WebhookEvent.objects.all().delete()
    found = list(Order.objects.order_by("bitrix_order_id").values_list("pk", flat=True))
    assert len(found) == ORDERS
    return found


def text(source, words):
    return f"{source.choice(words)} {source.randrange(1, 10**6)}"


class Manager:
    """A manager who makes one change of an order at a time. Each change must be pushed to the site."""

    def __init__(self, actor, source):
        self.actor, self.source = actor, source
        self.made = Counter()

    def change(self, key):
        order = Order.objects.select_related("status").get(pk=key)
        kinds = ["address", "slot", "sum", "fee", "items", "text", "flag"] + ["status"] * 4 * bool(next_statuses(order))
        kind = self.source.choice(kinds)
        self.made[kind] += 1
        getattr(self, f"_{kind}")(order)

    def _edit(self, order, items=None, **changes):
        services.edit_order(order_id=order.pk, changes=changes, items=items, actor=self.actor)

    def _status(self, order):
        services.change_status(
            order_id=order.pk, status=self.source.choice(next_statuses(order)).code, actor=self.actor
        )

    def _address(self, order):
        self._edit(order, delivery_address=text(self.source, ["ул. Абая", "пр. Достык", "мкр. Самал-2, Әуезов"]))

    def _slot(self, order):
        others = [str(slot) for slot in SLOT_IDS if str(slot) != order.delivery_slot_id]
        self._edit(order, delivery_slot=self.source.choice(others))

    def _sum(self, order):
        self._edit(order, total_amount=order.total_amount + Decimal(self.source.randrange(1, 10**5)) / 100)

    def _fee(self, order):
        more = self.source.randrange(100, 900)
        self._edit(order, delivery_fee=order.delivery_fee + more, total_amount=order.total_amount + more)

    def _items(self, order):
        """Increase the quantity and the price of an item, and the total, with the service of the order's page."""
        lines = [
            ItemSnapshot(
                bitrix_basket_id=item.bitrix_basket_id,
                bitrix_product_id=item.bitrix_product_id,
                quantity=item.quantity,
                price=item.price,
                product_snapshot=item.product_snapshot,
            )
            for item in order.items.all()
        ]
        index = self.source.randrange(len(lines))
        old = lines[index]
        lines[index] = ItemSnapshot(
            bitrix_basket_id=old.bitrix_basket_id,
            bitrix_product_id=old.bitrix_product_id,
            quantity=old.quantity + 1,
            price=old.price + 10,
            product_snapshot=old.product_snapshot,
        )
        more = lines[index].quantity * lines[index].price - old.quantity * old.price
        self._edit(order, items=lines, total_amount=order.total_amount + more)

    def _text(self, order):
        field = self.source.choice(["comment", "courier_comment", "postcard_text", "recipient_name"])
        self._edit(order, **{field: text(self.source, ["Құттықтаймын 🌹", "С днём рождения", "позвонить"])})

    def _flag(self, order):
        field = self.source.choice(["is_anonymous", "is_surprise"])
        self._edit(order, **{field: not getattr(order, field)})


class Shop:
    """A shop whose staff make one change of an order on the site at a time."""

    def __init__(self, site, source):
        self.site, self.source = site, source

    def change(self, bitrix_order_id):
        there = self.site.order(bitrix_order_id)
        kind = self.source.choice(["status", "address", "slot", "items", "paid", "comment"])
        if kind == "status":
            self.site.change_status(
                bitrix_order_id, self.source.choice(sorted({*ORDER_STATUSES} - {there["STATUS_ID"]}))
            )
        elif kind == "address":
            address = text(self.source, ["ул. Сатпаева", "ул. Розыбакиева"])
            self.site.update_order(bitrix_order_id, properties={"addressRecipient": address})
        elif kind == "slot":
            slots = sorted({str(slot) for slot in SLOT_IDS} - {there["properties"]["when"]})
            self.site.update_order(bitrix_order_id, properties={"when": self.source.choice(slots)})
        elif kind == "items":
            items = [
                {"bitrix_basket_id": line["ID"], "quantity": Decimal(line["QUANTITY"]) + 1, "price": line["PRICE"]}
                for line in there["basket"]
            ]
            self.site.update_order(bitrix_order_id, items=items)
        elif kind == "paid":
            self.site.update_order(bitrix_order_id, {"PAYED": "N" if there["PAYED"] == "Y" else "Y"})
        else:
            self.site.update_order(bitrix_order_id, {"USER_DESCRIPTION": text(self.source, ["без лилий", "к 8 марта"])})


def differences(site):
    """Return the differences between the two systems.

    A difference is the order's id on the site, the field, the value in the CRM, and the value on the site.
    """
    found = []
    for order in Order.objects.select_related("status").prefetch_related("items"):
        snapshot = read_order(site.order(order.bitrix_order_id))
        ours = order_values(order, PUSHED, list(order.items.all())) | {"status": order.status.bitrix_code}
        theirs = {name: comparable(value) for name, value in snapshot.fields.items() if name in PUSHED}
        theirs[ITEMS] = comparable_items(snapshot.items)
        # Several codes of the site can belong to one status in the CRM.
        if theirs["status"] in order.status.bitrix_codes:
            theirs["status"] = ours["status"]
        assert len(theirs) > 12
        found += [
            (order.bitrix_order_id, name, ours[name], value) for name, value in theirs.items() if ours[name] != value
        ]
    return found


def test_thousand_changes_in_the_crm_are_pushed_once_without_echo(site, settle, orders, manager):
    staff, began = Manager(manager, random.Random(SEED)), time.process_time()
    rounds = 1000 // ORDERS
    before = site.site.writes
    attempted = 0
    for _round in range(rounds):
        staff.source.shuffle(orders)
        for key in orders:
            staff.change(key)
        # The site sends the echo of the first push while the second push is delivered.
        attempted += deliver_due()
        site.flush(timeout=60)
    settle()
    made = sum(staff.made.values())
    actions = Counter(WebhookEvent.objects.values_list("action", flat=True))
    results = {
        "changes in the CRM": made,
        "by kind": dict(staff.made),
        "deliveries": attempted,
        "writes on the site": site.site.writes - before,
        "echoes": dict(actions),
        "pushes": Push.objects.count(),
        "seconds of the processor": round(time.process_time() - began, 1),
    }
    print(results)
    assert made == attempted == 1000, results
    assert site.site.writes - before == made, results
    assert dict(actions) == {"unchanged": made}, results
    assert Counter(Push.objects.values_list("state", "attempts")) == {("delivered", 1): made}, results
    assert PushAttempt.objects.count() == made, results
    assert not OrderEvent.objects.filter(source=Source.SITE).exclude(kind=EventKind.CREATED).exists(), results
    assert set(Order.objects.values_list("sync_state", flat=True)) == {"synced"}, results
    assert differences(site.site) == [], results
    assert min(staff.made.values()) > 30, f"the kinds of changes are not mixed: {results}"
    assert len(staff.made) == 8, f"the kinds of changes are not mixed: {results}"


def test_changes_on_the_site_are_applied_and_not_pushed_back(site, settle, orders):
    shop, source = Shop(site.site, random.Random(SEED)), random.Random(SEED)
    ids = list(Order.objects.values_list("bitrix_order_id", flat=True))
    before = site.site.writes
    for _change in range(300):
        shop.change(source.choice(ids))
    site.flush(timeout=60)
    settle()
    actions = Counter(WebhookEvent.objects.values_list("action", flat=True))
    results = {"changes on the site": 300, "events": dict(actions), "writes back": site.site.writes - before}
    print(results)
    assert dict(actions) == {"updated": 300}, results
    assert (site.site.writes - before, Push.objects.count(), deliver_due()) == (0, 0, 0), results
    assert set(Order.objects.values_list("sync_state", flat=True)) == {"synced"}, results
    assert differences(site.site) == [], results
