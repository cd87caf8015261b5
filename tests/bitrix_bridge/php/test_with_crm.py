"""Tests of the real PHP and the real CRM, over HTTP in both directions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.utils import timezone

from bitrix_bridge.models import Difference, Push, WebhookEvent
from bitrix_bridge.reconciliation import runs
from bitrix_bridge.reconciliation.runs import comparisons
from bitrix_bridge.reconciliation.slices import work
from bitrix_bridge.site_client.bridge_client import BridgeClient
from cvety_crm.outbox import TemporaryDeliveryError, deliver_due
from orders import services
from orders.models import Customer, Order, Product, SyncState
from orders.services import NewItem

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def settle(connected):
    """Return a function that delivers all events of both sides until none are pending."""

    def until_quiet():
        for _round in range(5):
            connected.call("ping")
            connected.wait_for_empty_queue()
            if not deliver_due():
                return
        raise AssertionError("the two sides still have events to deliver")

    return until_quiet


def arrived(site, **order):
    order_id = site.place_order(**order)
    site.wait_for_empty_queue()
    return Order.objects.get(bitrix_order_id=order_id)


def actions():
    return list(WebhookEvent.objects.order_by("created_at").values_list("event", "action"))


def test_order_saved_in_bitrix_arrives_in_the_crm(connected):
    order = arrived(connected, fields={"USER_DESCRIPTION": "без лилий"}, properties={"nameRecipient": "Дана"})
    assert (order.total_amount, order.delivery_fee) == (Decimal(9000), Decimal(1500))
    assert (order.status.bitrix_code, order.comment, order.recipient_name) == ("N", "без лилий", "Дана")
    assert (order.city.name, order.delivery_slot.bitrix_id, order.shop.bitrix_id) == ("Алматы", "18", 17008)
    item = order.items.get()
    assert (item.name, item.price, item.quantity, item.bitrix_product_id) == ("Букет Стандарт", 7500, 1, 696613)
    # The order was placed with another name than that of the account, so it belongs to another customer.
    assert (order.bitrix_user_id, order.customer.bitrix_user_id, order.customer.name) == (1079, None, "Мария")
    assert order.customer.phone == "+77011234567"
    event = WebhookEvent.objects.get()
    assert (event.event, event.action, event.problems) == ("order.create", "created", [])
    assert order.sync_state == SyncState.SYNCED
    assert not Push.objects.exists()


def test_changes_on_the_site_arrive_in_the_crm(connected):
    order = arrived(connected)
    number = order.bitrix_order_id
    connected.hit(["change", number, {"STATUS_ID": "AP"}])
    connected.wait_for_empty_queue()
    connected.hit(["pay", number])
    connected.wait_for_empty_queue()
    connected.hit(["user", 1079, {"NAME": "Айгерім"}])
    connected.wait_for_empty_queue()
    order.refresh_from_db()
    assert (order.status.bitrix_code, order.payment_status) == ("AP", "paid")
    assert Customer.objects.get(bitrix_user_id=1079).name.startswith("Айгерім")
    # Bitrix does not delete a paid order.
    connected.hit(["unpay", number])
    connected.wait_for_empty_queue()
    connected.hit(["delete", number])
    connected.wait_for_empty_queue()
    order.refresh_from_db()
    assert order.is_deleted_on_site
    assert actions() == [
        ("order.create", "created"),
        ("order.update", "updated"),
        ("order.update", "updated"),
        ("user.update", "updated"),
        ("order.update", "updated"),
        ("order.delete", "updated"),
    ]


def test_crm_receives_each_order_once_after_a_downtime(connected, live_server):
    first = arrived(connected)
    folder = connected.document_root / "local/php_interface/init.php"
    text = folder.read_text()
    folder.write_text(text.replace(live_server.url, "http://127.0.0.1:1"))
    ids = [connected.place_order(fields={"COMMENTS": f"заказ {number}"}) for number in range(5)]
    for order_id in (*ids, first.bitrix_order_id):
        for status in ("AP", "PD"):
            connected.hit(["change", order_id, {"STATUS_ID": status}])
    connected.hit(["delete", ids[0]])
    connected.run_agents()
    assert WebhookEvent.objects.count() == 1
    assert len(connected.queue()) == 5 + 2 * 6 + 1

    folder.write_text(text)
    connected.run_agents()
    assert connected.queue() == []
    orders = Order.objects.order_by("bitrix_order_id")
    assert [order.bitrix_order_id for order in orders] == [first.bitrix_order_id, *ids[1:]]
    assert {order.status.bitrix_code for order in orders} == {"PD"}
    events = actions()[1:]
    assert events == [
        ("order.delete", "ignored"),
        *[("order.create", "created")] * 4,
        ("order.update", "updated"),
    ], "one event for each, in the order in which they were queued"
    created = WebhookEvent.objects.filter(action="created").order_by("created_at").values_list("object_id", flat=True)
    assert list(created)[1:] == ids[1:]
    connected.run_agents()
    assert WebhookEvent.objects.count() == 7, "each arrived once"


def test_event_with_a_lost_answer_is_recognised(connected):
    arrived(connected)
    event = WebhookEvent.objects.get().payload["event_id"]
    connected.hit(["change", 1, {"COMMENTS": "x"}], dies=True)
    connected.execute("UPDATE cvety_crm_queue SET EVENT_ID = ?, EVENT = 'order.create'", event)
    connected.run_agents()
    assert connected.queue() == []
    assert actions() == [("order.create", "created"), ("order.create", "duplicate")]


def test_status_set_in_the_crm_reaches_the_site_and_its_echo_changes_nothing(connected, settle, manager):
    order = arrived(connected)
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    settle()
    row = connected.order(order.bitrix_order_id)
    assert (row["STATUS_ID"], row["VERSION"]) == ("AP", 1)
    order.refresh_from_db()
    assert (order.status_id, order.sync_state) == ("accepted", SyncState.SYNCED)
    assert actions() == [("order.create", "created"), ("order.update", "unchanged")]
    assert [push.state for push in Push.objects.all()] == ["delivered"]
    settle()
    assert connected.order(order.bitrix_order_id)["VERSION"] == 1


def test_earlier_status_of_the_site_wins(connected, settle, manager):
    order = arrived(connected)
    connected.hit(["change", order.bitrix_order_id, {"STATUS_ID": "PD"}], dies=True)
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    deliver_due()
    connected.run_agents()
    settle()
    order.refresh_from_db()
    assert connected.order(order.bitrix_order_id)["STATUS_ID"] == order.status.bitrix_code == "PD"
    assert connected.order(order.bitrix_order_id)["VERSION"] == 1


def test_edits_in_the_crm_reach_the_site(connected, settle, manager):
    order = arrived(connected, properties={"postcardText": "С праздником!"})
    services.edit_order(
        order_id=order.pk,
        changes={"recipient_name": "Әлия", "comment": "Позвонить за час", "delivery_fee": Decimal(2000)},
        actor=manager,
    )
    settle()
    row = connected.order(order.bitrix_order_id)
    assert (row["USER_DESCRIPTION"], row["PRICE_DELIVERY"]) == ("Позвонить за час", "2000.0000")
    properties = connected.properties(order.bitrix_order_id)
    assert (properties["nameRecipient"], properties["postcardText"]) == ("Әлия", "С праздником!")
    order.refresh_from_db()
    assert order.sync_state == SyncState.SYNCED
    assert Decimal(row["PRICE"]) == order.total_amount


def test_order_of_the_crm_is_created_on_the_site_once(connected, settle, manager):
    product = Product.objects.create(name="Букет Стандарт", price=7500, bitrix_product_id=696613)
    order = services.create_order(
        items=[NewItem(product=product)],
        fields={"recipient_name": "Мария", "delivery_fee": Decimal(1500), "postcard_text": "Құттықтаймын 🌹"},
        actor=manager,
    )
    settle()
    order.refresh_from_db()
    (row,) = connected.rows("SELECT * FROM b_sale_order")
    assert order.bitrix_order_id == row["ID"]
    assert (row["XML_ID"], row["PRICE"]) == (f"crm-{order.pk}", "9000.0000")
    assert connected.properties(row["ID"])["postcardText"] == "Құттықтаймын 🌹"
    assert order.sync_state == SyncState.SYNCED
    assert Order.objects.count() == 1, "its webhook concerns the same order"


class TestPayment:
    @pytest.fixture(autouse=True)
    def _pay_systems(self, settings):
        settings.BITRIX_PAY_SYSTEMS = {1: "cash", 2: "card", 3: "kaspi"}

    def edit(self, order, manager, **changes):
        services.edit_order(order_id=order.pk, changes=changes, actor=manager)

    def both(self, connected, order):
        order.refresh_from_db()
        row = connected.order(order.bitrix_order_id)
        return row["PAYED"], Decimal(row["SUM_PAID"]), order.payment_status, order.paid_amount, order.sync_state

    def test_order_is_marked_paid_and_then_refunded(self, connected, settle, manager):
        order = arrived(connected)
        self.edit(order, manager, payment_status="paid", payment_method="kaspi")
        settle()
        assert self.both(connected, order) == ("Y", 9000, "paid", 9000, "synced")
        assert connected.order(order.bitrix_order_id)["PAY_SYSTEM_ID"] == 3
        self.edit(order, manager, payment_status="refunded")
        settle()
        assert self.both(connected, order) == ("N", 0, "refunded", 0, "synced")
        connected.hit(["pay", order.bitrix_order_id])
        settle()
        assert self.both(connected, order) == ("Y", 9000, "paid", 9000, "synced")
        assert connected.order(order.bitrix_order_id)["VERSION"] == 3

    def test_paid_order_can_not_be_cancelled(self, connected, settle, manager):
        order = arrived(connected)
        connected.hit(["pay", order.bitrix_order_id])
        settle()
        self.edit(order, manager, is_cancelled=True, recipient_name="Дана")
        settle()
        order.refresh_from_db()
        assert (order.sync_state, connected.order(order.bitrix_order_id)["CANCELED"]) == ("failed", "N")
        assert "активные оплаты" in Push.objects.get().last_error
        assert connected.properties(order.bitrix_order_id)["nameRecipient"] == "Дана"
        self.edit(order, manager, payment_status="refunded")
        settle()
        order.refresh_from_db()
        row = connected.order(order.bitrix_order_id)
        assert (order.sync_state, row["CANCELED"], row["PAYED"]) == ("synced", "Y", "N")

    def test_order_is_created_as_paid(self, connected, settle, manager):
        order = services.create_order(
            items=[NewItem(name="Букет на заказ", price=Decimal(5000))],
            fields={"payment_status": "paid", "payment_method": "card"},
            actor=manager,
        )
        settle()
        assert self.both(connected, order) == ("Y", 5000, "paid", 5000, "synced")
        assert connected.order(order.bitrix_order_id)["PAY_SYSTEM_ID"] == 2


class TestDeletedBeforeItsIdIsKnown:
    """The create request gets no response, and staff delete the order on the site."""

    @pytest.fixture
    def lost(self, connected, manager, monkeypatch, live_server):
        init = connected.document_root / "local/php_interface/init.php"
        text = init.read_text()
        init.write_text(text.replace(live_server.url, "http://127.0.0.1:1"))
        BridgeClient().knows_all_actions()
        honest = BridgeClient.create_order

        def create(client, order):
            honest(client, order)
            raise TemporaryDeliveryError("no answer")

        monkeypatch.setattr(BridgeClient, "create_order", create)
        order = services.create_order(items=[NewItem(name="Букет", price=Decimal(5000))], actor=manager)
        deliver_due()
        monkeypatch.undo()
        (row,) = connected.rows("SELECT * FROM b_sale_order")
        connected.hit(["delete", row["ID"]])
        return order, row["ID"], lambda: init.write_text(text)

    def test_repeated_create_does_not_create_a_deleted_order_again(self, connected, lost):
        order, number, reconnect = lost
        Push.objects.update(due_at=timezone.now())
        deliver_due()
        order.refresh_from_db()
        assert (order.bitrix_order_id, order.is_deleted_on_site) == (number, True)
        assert connected.rows("SELECT ID FROM b_sale_order") == []
        reconnect()
        connected.run_agents()
        assert connected.queue() == []
        assert (Order.objects.count(), Push.objects.get().state) == (1, "cancelled")

    def test_deletion_event_contains_the_xml_id(self, connected, lost):
        order, number, reconnect = lost
        reconnect()
        connected.run_agents()
        order.refresh_from_db()
        assert (order.bitrix_order_id, order.is_deleted_on_site) == (number, True)
        Push.objects.update(due_at=timezone.now())
        deliver_due()
        assert connected.rows("SELECT ID FROM b_sale_order") == []
        assert Push.objects.get().state == "cancelled"


def test_many_concurrent_checkouts_all_arrive(connected):
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: connected.place_order(), range(24)))
    connected.execute("UPDATE cvety_crm_queue SET NEXT_TRY_AT = 0")
    connected.run_agents()
    connected.wait_for_empty_queue()
    assert set(Order.objects.values_list("bitrix_order_id", flat=True)) == set(ids)
    assert WebhookEvent.objects.filter(action="created").count() == 24


def test_order_arrives_although_the_installation_fails(connected):
    connected.execute("DROP TABLE IF EXISTS cvety_crm_queue")
    connected.execute("DROP TABLE b_agent")
    number = connected.place_order()
    connected.wait_for_empty_queue()
    assert Order.objects.get().bitrix_order_id == number
    assert "not installed" in connected.log_path.read_text()


def test_reconciliation_compares_and_repairs_both_sides(connected, settle):
    first, second = arrived(connected), arrived(connected)
    Order.objects.filter(pk=first.pk).update(status="accepted")
    Order.objects.filter(pk=second.pk).delete()

    def compare():
        run = runs.start(origin=runs.Origin.COMMAND, is_repair=True)
        assert work(comparisons.claim(run.pk)) is None
        run.refresh_from_db()
        assert (run.state, run.error) == ("done", "")
        return run

    run = compare()
    found = set(Difference.objects.filter(run=run).values_list("bitrix_order_id", "field", "kind"))
    assert found == {(first.bitrix_order_id, "status", "field"), (second.bitrix_order_id, "", "missing_here")}
    assert (run.compared, run.repaired) == (2, 2)
    settle()
    assert Order.objects.get(bitrix_order_id=second.bitrix_order_id).total_amount == second.total_amount
    on_site = connected.call("order.get", order_id=first.bitrix_order_id).json()["order"]
    assert (compare().differences, on_site["STATUS_ID"]) == (0, "AP")
