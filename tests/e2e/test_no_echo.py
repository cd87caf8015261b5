"""A thousand changes made here, and some hundreds made on the site: each crosses once, and none comes back."""

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
    """Thousands of lines about what goes well cost a fifth of the time."""
    logging.disable(logging.INFO)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def orders(site, settle, settings, quiet):
    """Orders that both sides know, and reference data with the site's names; nothing is left to say."""
    settings.WEBHOOK_RATE = ""  # no test's matter here, and the site would wait for its minute to pass
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
    """Makes one real change of an order at a time, each of them one that the site must be told."""

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
        """One more of a line, at another price, as the order's page does it: with the new sum."""
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
        place = self.source.randrange(len(lines))
        old = lines[place]
        lines[place] = ItemSnapshot(
            bitrix_basket_id=old.bitrix_basket_id,
            bitrix_product_id=old.bitrix_product_id,
            quantity=old.quantity + 1,
            price=old.price + 10,
            product_snapshot=old.product_snapshot,
        )
        more = lines[place].quantity * lines[place].price - old.quantity * old.price
        self._edit(order, items=lines, total_amount=order.total_amount + more)

    def _text(self, order):
        field = self.source.choice(["comment", "courier_comment", "postcard_text", "recipient_name"])
        self._edit(order, **{field: text(self.source, ["Құттықтаймын 🌹", "С днём рождения", "позвонить"])})

    def _flag(self, order):
        field = self.source.choice(["is_anonymous", "is_surprise"])
        self._edit(order, **{field: not getattr(order, field)})


class Shop:
    """Makes one real change of an order on the site at a time."""

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
    """Return where the two sides have an order otherwise: its id on the site, the field, ours, theirs."""
    found = []
    for order in Order.objects.select_related("status").prefetch_related("items"):
        snapshot = read_order(site.order(order.bitrix_order_id))
        ours = order_values(order, PUSHED, list(order.items.all())) | {"status": order.status.bitrix_code}
        theirs = {name: comparable(value) for name, value in snapshot.fields.items() if name in PUSHED}
        theirs[ITEMS] = comparable_items(snapshot.items)
        if theirs["status"] in order.status.bitrix_codes:  # several codes of the site may be one status of ours
            theirs["status"] = ours["status"]
        assert len(theirs) > 12
        found += [
            (order.bitrix_order_id, name, ours[name], value) for name, value in theirs.items() if ours[name] != value
        ]
    return found


def test_a_thousand_changes_made_here_reach_the_site_once_and_echo_nowhere(site, settle, orders, manager):
    staff, began = Manager(manager, random.Random(SEED)), time.process_time()
    rounds = 1000 // ORDERS
    before = site.site.writes
    attempted = 0
    for _round in range(rounds):
        staff.source.shuffle(orders)
        for key in orders:
            staff.change(key)
        # The echo of the first is on its way back while the second is sent.
        attempted += deliver_due()
        site.flush(timeout=60)
    settle()
    made = sum(staff.made.values())
    actions = Counter(WebhookEvent.objects.values_list("action", flat=True))
    figures = {
        "changes made here": made,
        "of them": dict(staff.made),
        "deliveries": attempted,
        "writes on the site": site.site.writes - before,
        "echoes": dict(actions),
        "pushes": Push.objects.count(),
        "seconds of the processor": round(time.process_time() - began, 1),
    }
    print(figures)
    assert made == attempted == 1000, figures
    assert site.site.writes - before == made, figures
    assert dict(actions) == {"unchanged": made}, figures
    assert Counter(Push.objects.values_list("state", "attempts")) == {("delivered", 1): made}, figures
    assert PushAttempt.objects.count() == made, figures
    assert not OrderEvent.objects.filter(source=Source.SITE).exclude(kind=EventKind.CREATED).exists(), figures
    assert set(Order.objects.values_list("sync_state", flat=True)) == {"synced"}, figures
    assert differences(site.site) == [], figures
    assert min(staff.made.values()) > 30, f"too one-sided: {figures}"
    assert len(staff.made) == 8, f"too one-sided: {figures}"


def test_changes_made_on_the_site_are_taken_over_and_never_written_back(site, settle, orders):
    shop, source = Shop(site.site, random.Random(SEED)), random.Random(SEED)
    ids = list(Order.objects.values_list("bitrix_order_id", flat=True))
    before = site.site.writes
    for _change in range(300):
        shop.change(source.choice(ids))
    site.flush(timeout=60)
    settle()
    actions = Counter(WebhookEvent.objects.values_list("action", flat=True))
    figures = {"changes on the site": 300, "events": dict(actions), "writes back": site.site.writes - before}
    print(figures)
    assert dict(actions) == {"updated": 300}, figures
    assert (site.site.writes - before, Push.objects.count(), deliver_due()) == (0, 0, 0), figures
    assert set(Order.objects.values_list("sync_state", flat=True)) == {"synced"}, figures
    assert differences(site.site) == [], figures
