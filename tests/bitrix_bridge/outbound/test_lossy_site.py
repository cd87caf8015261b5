"""Tests of values that the site damages: ours stay, staff see it, and later changes of the site still count."""

from decimal import Decimal

import pytest
from django.urls import reverse

from bitrix_bridge.models import Push, Reconciliation
from bitrix_bridge.payloads.storage import read_limits
from bitrix_bridge.probes import storage
from bitrix_bridge.reconciliation import runs
from bitrix_bridge.reconciliation.runs import comparisons
from bitrix_bridge.reconciliation.slices import work
from bitrix_bridge.sandbox.bridge import Bridge
from bitrix_bridge.sandbox.column_storage import ColumnStorage
from cvety_crm.outbox import deliver_due
from orders import services
from orders.models import Order, SiteReport
from orders.presentation.timeline import timeline
from orders.sync.agreement import Agreement
from orders.sync.snapshot import ItemSnapshot
from tests.bitrix_bridge.outbound.test_delivery import made_here
from tests.bitrix_bridge.two_systems.test_examples import echo as echo

pytestmark = pytest.mark.django_db

TEXT = "Құттықтаймын! 🌷 Мама"
HELD = "Құттықтаймын! ? Мама"


@pytest.fixture(params=["reports", "silent"])
def lossy(request, site, monkeypatch):
    """Return a site in three-byte utf8, with a bridge that reports what it holds, and with one that does not."""
    site.site.storage = ColumnStorage("utf8mb3", price_decimals=0)
    if request.param == "silent":
        monkeypatch.setattr(Bridge, "_held", lambda *_arguments: {})
    return site


def edit(order, manager, **changes):
    services.edit_order(order_id=order.pk, changes=changes, actor=manager)
    deliver_due()
    order.refresh_from_db()


def damaged(order):
    order.refresh_from_db()
    return {name: pair.theirs for name, pair in Agreement.from_json(order.bitrix_state).damaged.items()}


def compare():
    run = runs.start(origin=runs.Origin.COMMAND, is_repair=True)
    claimed = comparisons.claim(run.pk)
    while work(claimed) is not None:
        pass
    return Reconciliation.objects.get(pk=run.pk)


def test_our_text_stays_and_is_not_sent_again(lossy, shared_order, manager, echo):
    edit(shared_order, manager, postcard_text=TEXT)
    assert echo() == "unchanged"
    assert damaged(shared_order) == {"postcard_text": HELD}
    assert (shared_order.postcard_text, shared_order.sync_state) == (TEXT, "synced")
    writes = lossy.site.writes
    edit(shared_order, manager, comment="без лилий")
    run = compare()
    assert (run.differences, run.damaged, lossy.site.writes) == (0, 1, writes + 1)
    assert Push.objects.exclude(state="delivered").count() == 0
    (entry,) = timeline(shared_order.events.filter(kind="warned"))
    assert "Сайт хранит «Открытка» иначе" in " ".join(map(str, entry.notes))


def test_later_change_of_the_site_is_taken(lossy, shared_order, manager, echo):
    edit(shared_order, manager, postcard_text=TEXT)
    echo()
    lossy.site.update_order(shared_order.bitrix_order_id, properties={"postcardText": "Другой текст"})
    assert echo() == "updated"
    assert damaged(shared_order) == {}
    assert (shared_order.postcard_text, shared_order.sync_state) == ("Другой текст", "synced")


def test_site_that_returns_to_its_form_of_our_text_returns_to_our_text(lossy, shared_order, manager, echo):
    edit(shared_order, manager, postcard_text=TEXT)
    echo()
    for text in ("Другой текст", HELD):
        lossy.site.update_order(shared_order.bitrix_order_id, properties={"postcardText": text})
        assert echo() == "updated"
    assert damaged(shared_order) == {"postcard_text": HELD}
    assert (shared_order.postcard_text, shared_order.sync_state) == (TEXT, "synced")


def test_echo_before_the_response_is_recognised(lossy, shared_order, manager, echo, monkeypatch):
    original = services.record_accepted

    def record(**arguments):
        echo()
        return original(**arguments)

    monkeypatch.setattr(services, "record_accepted", record)
    edit(shared_order, manager, postcard_text=TEXT)
    assert (shared_order.postcard_text, damaged(shared_order)) == (TEXT, {"postcard_text": HELD})
    assert not shared_order.events.filter(kind="conflict").exists()


def test_new_text_of_ours_is_sent_and_ends_the_damage(lossy, shared_order, manager, echo):
    edit(shared_order, manager, postcard_text=TEXT)
    echo()
    edit(shared_order, manager, postcard_text="Поздравляю")
    echo()
    assert damaged(shared_order) == {}
    assert lossy.site.order(shared_order.bitrix_order_id)["properties"]["postcardText"] == "Поздравляю"


def test_site_that_can_store_the_text_later_ends_the_damage(lossy, shared_order, manager, echo):
    edit(shared_order, manager, postcard_text=TEXT)
    echo()
    lossy.site.storage = ColumnStorage()
    lossy.site.update_order(shared_order.bitrix_order_id, properties={"postcardText": TEXT})
    assert echo() == "unchanged"
    assert damaged(shared_order) == {}


def test_rounded_prices_stay_ours(lossy, shared_order, manager, echo):
    items = [line_of(item, price="7500.40") for item in shared_order.items.all()]
    services.edit_order(order_id=shared_order.pk, changes={}, items=items, actor=manager)
    total = Order.objects.get(pk=shared_order.pk).total_amount
    deliver_due()
    echo()
    shared_order.refresh_from_db()
    assert {item.price for item in shared_order.items.all()} == {Decimal("7500.40")}
    assert (shared_order.total_amount, shared_order.sync_state) == (total, "synced")
    assert damaged(shared_order).keys() == {"items", "total_amount"}
    writes = lossy.site.writes
    assert compare().differences == 0
    assert lossy.site.writes == writes


def test_site_that_returns_to_its_form_of_our_prices_returns_to_our_prices(lossy, shared_order, manager, echo):
    items = [line_of(item, price="7500.40") for item in shared_order.items.all()]
    services.edit_order(order_id=shared_order.pk, changes={}, items=items, actor=manager)
    total = Order.objects.get(pk=shared_order.pk).total_amount
    deliver_due()
    echo()
    for price in (8000, 7500):
        there = [
            {"bitrix_product_id": item.bitrix_product_id, "quantity": str(item.quantity), "price": price}
            for item in items
        ]
        lossy.site.update_order(shared_order.bitrix_order_id, items=there)
        assert echo() == "updated"
    shared_order.refresh_from_db()
    assert {item.price for item in shared_order.items.all()} == {Decimal("7500.40")}
    assert (shared_order.total_amount, shared_order.sync_state) == (total, "synced")
    assert damaged(shared_order).keys() == {"items", "total_amount"}


def line_of(item, **changes):
    return ItemSnapshot(
        bitrix_basket_id=item.bitrix_basket_id,
        bitrix_product_id=item.bitrix_product_id,
        quantity=item.quantity,
        price=Decimal(changes["price"]),
        product_snapshot=item.product_snapshot,
    )


def test_order_made_here_keeps_its_texts(lossy, manager, echo):
    order = made_here(manager, postcard_text=TEXT)
    deliver_due()
    echo()
    order.refresh_from_db()
    assert (order.postcard_text, order.sync_state, damaged(order)) == (TEXT, "synced", {"postcard_text": HELD})


def test_change_by_a_handler_of_the_site_keeps_ours(site, shared_order, manager, echo):
    site.site.storage = ColumnStorage(changes={"Достык 5": "пр. Достык, дом 5"})
    edit(shared_order, manager, delivery_address="Достык 5")
    assert echo() == "unchanged"
    assert (shared_order.delivery_address, damaged(shared_order)) == (
        "Достык 5",
        {"delivery_address": "пр. Достык, дом 5"},
    )


def test_page_of_the_order_shows_both_values(lossy, shared_order, manager, echo, admin_client):
    edit(shared_order, manager, postcard_text=TEXT)
    echo()
    page = admin_client.get(reverse("admin:orders_order_change", args=[shared_order.pk])).content.decode()
    assert "Сайт не может это хранить" in page
    assert HELD in page


def test_comparison_stores_and_shows_what_the_site_can_t_store(site, shared_order, admin_client):
    site.site.storage = ColumnStorage("cp1251", lengths={"VALUE": 100})
    run = compare()
    assert services.current_limits() == read_limits({"storage": site.site.storage.report()})
    page = admin_client.get(reverse("admin:bitrix_bridge_reconciliation_change", args=[run.pk])).content.decode()
    assert "нет казахских букв" in page
    assert "нет казахских букв" in storage.run().figure


def test_unknown_limits_are_said_to_be_unknown():
    assert not SiteReport.objects.exists()
    assert "не сообщал" in storage.run().figure
