"""Tests of changes that are newer than the copy of the site's database: the import keeps them.

The changes were made on the site or by staff.
"""

import pytest

from bitrix_bridge.models import ImportRow, ImportRun, Push
from orders import services
from orders.models import Order, Product
from tests.bitrix_bridge.history.tables import Schema
from tests.bitrix_bridge.history.test_import import imported as all_imported
from tests.bitrix_bridge.history.week import ORDERS

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("schema", [Schema.NEW])]
ID = ORDERS[0].id


def imported(source, **selection) -> ImportRun:
    """Import the selected orders, by default the first two."""
    return all_imported(source, **(selection or {"count": 2}))


def the_order() -> Order:
    return Order.objects.get(bitrix_order_id=ID)


def reasons() -> list[str]:
    row = ImportRow.objects.get(run=ImportRun.objects.first(), bitrix_order_id=ID)
    return [reason["code"] for reason in row.reasons]


class TestAfterWebhookWithoutVersionAndDate:
    @pytest.fixture(autouse=True)
    def _bare_webhook(self, source, post_webhook):
        imported(source)
        bare = {"ID": ID, "PRICE": "1.00", "properties": {"nameRecipient": "Новое Имя"}}
        assert post_webhook("order.update", bare).json()["action"] == "updated"

    def test_import_of_the_same_copy_changes_nothing(self, source):
        run = imported(source)
        assert (run.updated, run.unchanged) == (0, 2)
        assert (the_order().total_amount, the_order().recipient_name) == (1, "Новое Имя")
        assert reasons() == ["newer_here"]

    @pytest.mark.parametrize("newer", ["VERSION = VERSION + 1", "DATE_UPDATE = '2026-01-01'"])
    def test_import_of_a_newer_copy_updates_the_order(self, source, site_copy, newer):
        site_copy.execute(f"UPDATE b_sale_order SET {newer} WHERE ID = %s", [ID])
        assert imported(source).updated == 1
        assert the_order().total_amount > 1

    def test_copy_is_compared_by_version_after_a_webhook_with_version(self, source, site_copy, post_webhook):
        post_webhook("order.update", {"ID": ID, "PRICE": "2.00", "VERSION": the_order().bitrix_version + 1})
        site_copy.execute("UPDATE b_sale_order SET VERSION = VERSION + 1, COMMENTS = 'x' WHERE ID = %s", [ID])
        imported(source)
        assert the_order().courier_comment == "x"


@pytest.mark.parametrize("version", [None, 99])
def test_import_keeps_an_edit_that_the_site_has_accepted(source, manager, version):
    imported(source)
    services.edit_order(order_id=the_order().pk, changes={"recipient_name": "Айдана"}, actor=manager)
    push = Push.objects.get()
    services.record_accepted(
        order_id=push.order_id,
        values={"recipient_name": "Айдана"},
        site_status=None,
        version=version,
        push_id=push.pk,
    )
    assert imported(source).updated == 0
    assert the_order().recipient_name == "Айдана"


def test_import_keeps_a_pending_edit_and_its_single_push(source, site_copy, manager):
    imported(source)
    services.edit_order(order_id=the_order().pk, changes={"recipient_name": "Айдана"}, actor=manager)
    before = Push.objects.values().get()
    imported(source)
    site_copy.execute("UPDATE b_sale_order SET PRICE = 5, VERSION = VERSION + 1 WHERE ID = %s", [ID])
    assert imported(source).updated == 1
    assert Push.objects.values().get() == before
    order = the_order()
    assert (order.recipient_name, order.total_amount, order.sync_state) == ("Айдана", 5, "pending")


def test_order_and_product_deleted_before_the_import_stay_deleted(source, post_webhook):
    """The deletions were received before the order and the product were imported."""
    post_webhook("order.delete", {"ID": ID})
    post_webhook("product.delete", {"ID": 696613})
    run = all_imported(source)
    assert (run.created, run.failed) == (54, 0)
    assert list(Order.objects.filter(is_deleted_on_site=True)) == [the_order()]
    assert not Product.objects.get(bitrix_product_id=696613).is_active
    assert Product.objects.get(bitrix_product_id=696630).is_active
    assert not Push.objects.exists()
    assert the_order().sync_state == "synced"


def test_order_deleted_after_the_import_stays_deleted(source, post_webhook):
    imported(source)
    post_webhook("order.delete", {"ID": ID})
    assert imported(source).updated == 0
    assert the_order().is_deleted_on_site


@pytest.mark.parametrize("account", [0, 7777])
def test_two_names_with_one_phone_are_two_customers_unless_they_have_one_account(source, site_copy, account):
    """Neither order has an account in the copy of the site's database."""
    site_copy.execute("UPDATE b_sale_order SET USER_ID = %s WHERE ID IN (122125, 122126)", [account])
    phone = "UPDATE b_sale_order_props_value SET VALUE = '+7 701 345 51 25' WHERE CODE = 'phone' AND ORDER_ID = 122126"
    site_copy.execute(phone)
    both = (122125, 122126)

    # An account and a phone together are one person, a phone alone is not.
    expected = ["Жанна", "Жанна"] if account else ["Жанна", "Арман"]

    def names():
        return [Order.objects.get(bitrix_order_id=number).customer.name for number in both]

    imported(source, order_ids=both)
    for ids in (both, both[:1]):
        run = imported(source, order_ids=ids)
        assert (run.updated, run.failed) == (0, 0)
        assert names() == expected
    site_copy.execute("UPDATE b_sale_order SET VERSION = VERSION + 1 WHERE ID = 122125")
    imported(source, order_ids=both)
    assert names() == expected
