"""Tests of a discount on both sides: it is sent as prices of items, and it is computed from these prices again."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bitrix_bridge.models import Push
from bitrix_bridge.sandbox import faults
from cvety_crm.outbox import deliver_due
from orders import services
from orders.models import Order, Product
from orders.rules.discounts import discount_of, goods_of, list_sum
from orders.services import NewItem
from orders.services.items import as_snapshot
from tests.bitrix_bridge.outbound.test_delivery import made_here
from tests.bitrix_bridge.two_systems.test_examples import echo  # noqa: F401

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(site, post_webhook) -> Order:
    """Return an order that both sides have: one bouquet for 7500 KZT and delivery for 1500 KZT."""
    items = [{"bitrix_product_id": 696613, "quantity": 1, "price": 7500}]
    placed = site.place_order(items=items, delivery_fee=1500, total_amount=9000)
    post_webhook("order.create", placed)
    return Order.objects.get()


def order_on_site(site, order):
    return site.site.order(order.bitrix_order_id)


def lines_on_site(site, order):
    return [(line["PRICE"], line["BASE_PRICE"], line["QUANTITY"]) for line in order_on_site(site, order)["basket"]]


def edit(order, manager, items=None, **changes):
    services.edit_order(order_id=order.pk, changes=changes, items=items, actor=manager)


def check(site, order):
    """Check that both sides have the same sums, and that the prices of the items add up to them."""
    order.refresh_from_db()
    items = list(order.items.all())
    assert order.sync_state == "synced"
    assert order.total_amount == goods_of(items) + order.delivery_fee == Decimal(order_on_site(site, order)["PRICE"])
    lines = [tuple(map(Decimal, line)) for line in lines_on_site(site, order)]
    off = [max(base - price, Decimal(0)) * count for price, base, count in lines]
    assert order.discount_amount == discount_of(items) == sum(off)


def test_discount_from_crm_lowers_line_prices_on_site(site, order, manager, echo):  # noqa: F811
    for discount, price in ((1500, "6000.0000"), (2000, "5500.0000"), (0, "7500.0000")):
        edit(order, manager, discount_amount=Decimal(discount))
        assert deliver_due() == 1
        request = site.site.requests[-1]["body"]
        assert "DISCOUNT_VALUE" not in request.get("fields", {})
        assert lines_on_site(site, order) == [(price, "7500.0000", "1.0000")]
        assert order_on_site(site, order)["DISCOUNT_VALUE"] == f"{discount}.0000", (
            "the discount of the lines, for people to read"
        )
        assert echo() == "unchanged"
        check(site, order)
    assert site.site.writes == 3


def test_lower_total_becomes_a_discount_on_site(site, order, manager, echo):  # noqa: F811
    edit(order, manager, total_amount=order.total_amount - 700)
    deliver_due()
    assert echo() == "unchanged"
    check(site, order)
    assert order.discount_amount == 700


def test_higher_total_is_no_discount_on_site(site, order, manager, echo):  # noqa: F811
    edit(order, manager, total_amount=order.total_amount + 700)
    deliver_due()
    assert echo() == "unchanged"
    check(site, order)
    assert order.discount_amount == 0


def test_line_split_by_discount_is_split_on_site_too(site, manager, post_webhook, echo):  # noqa: F811
    placed = site.place_order(items=[{"bitrix_product_id": 696613, "quantity": 3, "price": 5000}])
    post_webhook("order.create", placed)
    order = Order.objects.get()
    edit(order, manager, discount_amount=Decimal(1000))
    deliver_due()
    assert lines_on_site(site, order) == [("4667.0000", "5000.0000", "2.0000"), ("4666.0000", "5000.0000", "1.0000")]
    assert echo() == "unchanged"
    check(site, order)
    known = [item.bitrix_basket_id for item in order.items.all()]
    assert known == [int(line["ID"]) for line in order_on_site(site, order)["basket"]]

    edit(order, manager, discount_amount=Decimal(0))
    deliver_due()
    assert echo() == "unchanged"
    check(site, order)
    assert (order.discount_amount, list_sum(order.items.all())) == (0, 15000)


def test_new_order_is_created_on_site_with_discount(site, manager, post_webhook):
    order = made_here(manager, discount_amount=Decimal(1500))
    deliver_due()
    request = site.site.requests[-1]["body"]
    assert not request.get("discount_amount")
    assert (request["total_amount"], request["delivery_fee"]) == (7500.0, 1500.0)
    (item,) = request["items"]
    assert (item["price"], item["base_price"]) == (6000.0, 7500.0)
    order.refresh_from_db()
    event = site.sender.events[-1]
    post_webhook(event.name, event.data, event_id=event.event_id)
    check(site, order)
    assert order.discount_amount == 1500
    assert not order.events.filter(source="bitrix", changes__contains=[{"field": "discount_amount"}]).exists()


def test_line_without_list_price_is_sent_without_base_price(site, manager):
    made_here(manager)
    deliver_due()
    (item,) = site.site.requests[-1]["body"]["items"]
    assert "base_price" not in item


def test_line_below_catalogue_price_is_sent_with_base_price(site, manager):
    product = Product.objects.create(name="Букет Стандарт", price=7500, bitrix_product_id=696613)
    services.create_order(items=[NewItem(product=product, price=Decimal(7000))], actor=manager)
    deliver_due()
    (item,) = site.site.requests[-1]["body"]["items"]
    assert (item["price"], item["base_price"]) == (7000.0, 7500.0)


def test_lower_price_of_one_line_is_a_discount(site, order, manager, echo):  # noqa: F811
    line = as_snapshot(order.items.get())
    edit(order, manager, items=[replace(line, price=Decimal(7000))])
    deliver_due()
    assert lines_on_site(site, order) == [("7000.0000", "7500.0000", "1.0000")]
    assert echo() == "unchanged"
    check(site, order)
    assert order.discount_amount == 500


def test_discount_from_site_is_stored(site, order, echo):  # noqa: F811
    (line,) = order_on_site(site, order)["basket"]
    item = {"bitrix_basket_id": line["ID"], "quantity": 1, "price": 6500, "base_price": 7500}
    site.site.update_order(order.bitrix_order_id, items=[item])
    assert echo() == "updated"
    check(site, order)
    assert order.discount_amount == 1000
    event = order.events.first()
    assert {change["field"] for change in event.changes} == {"items", "total_amount", "discount_amount"}


def test_outdated_event_with_lines_keeps_our_discount(site, order, manager, echo):  # noqa: F811
    edit(order, manager, discount_amount=Decimal(1500))
    site.site.update_order(order.bitrix_order_id, {"COMMENTS": "домофон 7"})
    assert echo() == "updated"
    order.refresh_from_db()
    assert (order.discount_amount, order.total_amount) == (1500, 7500)
    deliver_due()
    assert echo() == "unchanged"
    check(site, order)


def test_discount_removed_on_site_is_removed_after_lost_echo(site, order, manager, echo):  # noqa: F811
    edit(order, manager, discount_amount=Decimal(1500))
    deliver_due()
    (line,) = order_on_site(site, order)["basket"]
    item = {"bitrix_basket_id": line["ID"], "quantity": 1, "price": 7500, "base_price": 7500}
    site.site.update_order(order.bitrix_order_id, items=[item])
    assert echo() == "updated"
    check(site, order)
    assert order.discount_amount == 0


def test_discount_stays_when_our_lines_are_kept(site, order, manager, echo):  # noqa: F811
    edit(order, manager, discount_amount=Decimal(1500))
    (line,) = order_on_site(site, order)["basket"]
    item = {"bitrix_basket_id": line["ID"], "quantity": 1, "price": 7000, "base_price": 7500}
    site.site.update_order(order.bitrix_order_id, items=[item])
    echo()
    order.refresh_from_db()
    assert (order.discount_amount, order.items.get().price) == (1500, 6000)
    deliver_due()
    echo()
    check(site, order)


def test_event_without_lines_keeps_the_discount(order, manager, site, echo):  # noqa: F811
    edit(order, manager, discount_amount=Decimal(1500))
    deliver_due()
    assert echo() == "unchanged"
    site.site.update_order(order.bitrix_order_id, {"COMMENTS": "домофон 7"})
    assert echo(basket=None) == "updated"
    check(site, order)


def test_discount_of_failed_push_is_sent_with_the_lines(site, order, manager, echo):  # noqa: F811
    edit(order, manager, discount_amount=Decimal(1500))
    site.faults.give(faults.status(503))
    deliver_due()
    Push.objects.update(due_at=Push.objects.get().created_at)
    deliver_due()
    assert echo() == "unchanged"
    check(site, order)
