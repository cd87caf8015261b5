"""Tests of single histories of the two sides: lost responses, changes that are undone, and clocks that disagree."""

import threading
import time
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.utils import timezone

from bitrix_bridge.models import Push
from bitrix_bridge.outbound.queueing import queue_missed
from bitrix_bridge.sandbox import Sandbox, faults
from bitrix_bridge.site_client.bridge_client import BridgeClient
from cvety_crm.outbox import WAITS, deliver_due, engine
from orders import services
from orders.models import Order, Status
from orders.services import NotAllowedError
from orders.services.locking import lock_order
from orders.sync.snapshot import ItemSnapshot, OrderSnapshot
from tests.bitrix_bridge.outbound.test_delivery import change, made_here, make_due, status_on_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def echo(site, post_webhook):
    """Return a function that posts the last event of the sandbox and returns the action of the CRM."""

    def post(**without):
        event = site.sender.events[-1]
        data = {key: value for key, value in event.data.items() if key not in without}
        return post_webhook(event.name, data, event_id=event.event_id).json()["action"]

    return post


def line(**changes):
    values = {
        "bitrix_basket_id": None,
        "bitrix_product_id": 696613,
        "quantity": Decimal(1),
        "price": Decimal(7500),
        "product_snapshot": {"name": "Букет"},
    }
    return ItemSnapshot(**{**values, **changes})


class TestUndoneChanges:
    """A manager undoes a change while it is unknown whether the site has received it."""

    def test_undone_status_is_sent_if_the_first_one_arrived(self, site, shared_order, manager):
        change(shared_order, "accepted", manager)
        site.faults.give(faults.answer_lost())
        deliver_due()
        change(shared_order, "new", manager)
        make_due(Push.objects.get())
        deliver_due()
        shared_order.refresh_from_db()
        assert (status_on_site(site, shared_order), shared_order.sync_state) == ("N", "synced")

    def test_undone_status_is_sent_though_the_echo_comes_late(self, site, shared_order, manager, echo):
        change(shared_order, "accepted", manager)
        site.faults.give(faults.answer_lost())
        deliver_due()
        change(shared_order, "new", manager)
        echo()
        make_due(Push.objects.get())
        deliver_due()
        shared_order.refresh_from_db()
        assert (status_on_site(site, shared_order), shared_order.status_id) == ("N", "new")
        assert shared_order.sync_state == "synced"

    def test_later_status_of_the_site_counts_if_ours_never_arrived(self, site, shared_order, manager, echo):
        change(shared_order, "accepted", manager)
        site.faults.give(faults.status(503))
        deliver_due()
        change(shared_order, "new", manager)
        make_due(Push.objects.get())
        deliver_due()
        site.change_status(shared_order.bitrix_order_id, "AP")
        assert echo() == "updated"
        services.edit_order(order_id=shared_order.pk, changes={"comment": "x"}, actor=manager)
        deliver_due()
        shared_order.refresh_from_db()
        assert (shared_order.status_id, status_on_site(site, shared_order)) == ("accepted", "AP")

    def test_conflict_ends_when_the_site_sets_our_status(self, site, shared_order, manager, echo):
        site.change_status(shared_order.bitrix_order_id, "DE")
        change(shared_order, "accepted", manager)
        deliver_due()
        site.change_status(shared_order.bitrix_order_id, "AP")
        echo()
        shared_order.refresh_from_db()
        assert shared_order.status_id == "accepted"

    def test_new_status_is_sent_after_a_lost_answer_and_a_refusal(self, site, shared_order, manager):
        change(shared_order, "accepted", manager)
        site.faults.give(faults.answer_lost())
        deliver_due()
        site.faults.give(faults.status(401))
        make_due(Push.objects.get())
        deliver_due()
        change(shared_order, "delivering", manager)
        deliver_due()
        assert status_on_site(site, shared_order) == "PD"


class TestChangesDuringAnUpdate:
    """The site changes a field just after an update by the CRM.

    The webhook of this change arrives before the response to the update is recorded.
    """

    def change_during(self, monkeypatch, method, interrupt):
        original = getattr(BridgeClient, method)

        def call(client, *args, **kwargs):
            version = original(client, *args, **kwargs)
            monkeypatch.setattr(BridgeClient, method, original)
            interrupt()
            return version

        monkeypatch.setattr(BridgeClient, method, call)

    def test_later_address_of_the_site_is_kept(self, site, shared_order, manager, echo, monkeypatch):
        key = shared_order.bitrix_order_id

        def later():
            site.site.update_order(key, properties={"addressRecipient": "Сатпаева 1"})
            echo()

        self.change_during(monkeypatch, "update_order", later)
        services.edit_order(order_id=shared_order.pk, changes={"delivery_address": "Достык 5"}, actor=manager)
        deliver_due()
        shared_order.refresh_from_db()
        assert (shared_order.delivery_address, shared_order.sync_state) == ("Сатпаева 1", "synced")
        assert site.site.order(key)["properties"]["addressRecipient"] == "Сатпаева 1"
        changed = [event for event in shared_order.events.all() if event.kind == "changed" and event.source == "bitrix"]
        assert changed[0].changes == [{"field": "delivery_address", "old": "Достык 5", "new": "Сатпаева 1"}]

    def test_later_status_of_the_site_is_kept(self, site, shared_order, manager, echo, monkeypatch):
        def later():
            site.change_status(shared_order.bitrix_order_id, "PD")
            echo()

        self.change_during(monkeypatch, "set_status", later)
        change(shared_order, "accepted", manager)
        deliver_due()
        shared_order.refresh_from_db()
        assert (shared_order.status_id, shared_order.sync_state) == ("delivering", "synced")


class TestRepeatedRequests:
    """The response to an update is lost, and staff change the field on the site before the request is repeated."""

    @pytest.fixture
    def lost(self, site, shared_order, manager):
        services.edit_order(order_id=shared_order.pk, changes={"delivery_address": "Достык 5"}, actor=manager)
        site.faults.give(faults.answer_lost(), action="order.update")
        deliver_due()
        assert site.site.order(shared_order.bitrix_order_id)["properties"]["addressRecipient"] == "Достык 5"
        return shared_order

    def again(self):
        make_due(Push.objects.get())
        deliver_due()

    def address_on_site(self, site, order):
        return site.site.order(order.bitrix_order_id)["properties"]["addressRecipient"]

    @pytest.mark.parametrize("is_echoed_before", [True, False])
    def test_later_address_of_the_site_survives_the_repeated_request(self, site, lost, echo, is_echoed_before):
        site.site.update_order(lost.bitrix_order_id, properties={"addressRecipient": "Сатпаева 1"})
        if is_echoed_before:
            echo()
        self.again()
        if not is_echoed_before:
            echo()
        lost.refresh_from_db()
        assert (self.address_on_site(site, lost), lost.delivery_address) == ("Сатпаева 1", "Сатпаева 1")
        assert (site.site.writes, lost.sync_state) == (1, "synced")

    def test_other_pending_changes_are_sent_in_a_new_request(self, site, lost, manager):
        site.site.update_order(lost.bitrix_order_id, properties={"addressRecipient": "Сатпаева 1"})
        services.edit_order(order_id=lost.pk, changes={"courier_comment": "домофон 7"}, actor=manager)
        self.again()
        there = site.site.order(lost.bitrix_order_id)
        assert (self.address_on_site(site, lost), there["COMMENTS"], site.site.writes) == ("Сатпаева 1", "домофон 7", 2)

    def test_new_address_is_sent_in_a_new_request(self, site, lost, manager):
        site.site.update_order(lost.bitrix_order_id, properties={"addressRecipient": "Сатпаева 1"})
        services.edit_order(order_id=lost.pk, changes={"delivery_address": "Абая 150"}, actor=manager)
        self.again()
        assert (self.address_on_site(site, lost), site.site.writes) == ("Абая 150", 2)

    def test_same_address_set_again_is_sent_in_a_new_request(self, site, lost, manager, echo):
        self.again()
        site.site.update_order(lost.bitrix_order_id, properties={"addressRecipient": "Сатпаева 1"})
        echo()
        services.edit_order(order_id=lost.pk, changes={"delivery_address": "Достык 5"}, actor=manager)
        deliver_due()
        assert (self.address_on_site(site, lost), site.site.writes) == ("Достык 5", 2)

    def test_same_address_set_again_is_sent_if_only_the_echo_arrived(self, site, lost, manager, echo):
        echo()
        site.site.update_order(lost.bitrix_order_id, properties={"addressRecipient": "Сатпаева 1"})
        echo()
        services.edit_order(order_id=lost.pk, changes={"delivery_address": "Достык 5"}, actor=manager)
        self.again()
        assert (self.address_on_site(site, lost), site.site.writes) == ("Достык 5", 2)


class TestLines:
    """Both sides change the items, whose ids the site assigns."""

    def test_changed_lines_are_sent_with_the_sites_present_ids(self, site, shared_order, manager, echo):
        first = shared_order.items.order_by("position").first()
        wanted = line(bitrix_basket_id=first.bitrix_basket_id, quantity=Decimal(3))
        services.edit_order(order_id=shared_order.pk, changes={}, items=[wanted], actor=manager)
        site.site.update_order(
            shared_order.bitrix_order_id, items=[{"bitrix_product_id": 696614, "quantity": 1, "price": 9500}]
        )
        echo()
        deliver_due()
        shared_order.refresh_from_db()
        (there,) = site.site.order(shared_order.bitrix_order_id)["basket"]
        assert (there["PRODUCT_ID"], there["QUANTITY"], shared_order.sync_state) == ("696613", "3.0000", "synced")


class TestPendingForever:
    """No push is repeated forever, and no order is pending forever."""

    def test_version_lower_than_ours_is_accepted_after_a_restore_of_the_site(
        self, site, shared_order, manager, post_webhook, monkeypatch
    ):
        monkeypatch.setattr(engine, "SWEEP_SECONDS", 3)
        post_webhook("order.update", {**site.site.order(shared_order.bitrix_order_id), "VERSION": "900"})
        change(shared_order, "accepted", manager)
        deliver_due()
        push = Push.objects.get()
        shared_order.refresh_from_db()
        assert (push.state, push.attempts, shared_order.sync_state) == ("delivered", 1, "synced")
        assert shared_order.bitrix_version < 900

    def test_update_that_is_never_recorded_is_retried_with_delays(self, shared_order, site, manager, monkeypatch):
        monkeypatch.setattr(services, "record_accepted", lambda **_ignored: None)
        change(shared_order, "accepted", manager)
        deliver_due()
        assert (Push.objects.get().state, Push.objects.get().failures) == ("pending", 1)

    def test_status_without_a_site_code_does_not_stop_other_fields(self, site, shared_order, manager):
        Status.objects.create(code="packing", name="Упаковка", stage="making")
        Status.objects.filter(code="new").update(next_codes=[])
        change(shared_order, "packing", manager)
        services.edit_order(order_id=shared_order.pk, changes={"delivery_address": "Достык 5"}, actor=manager)
        deliver_due()
        push = Push.objects.get()
        assert (push.state, "Упаковка" in push.last_error) == ("failed", True)
        assert site.site.order(shared_order.bitrix_order_id)["properties"]["addressRecipient"] == "Достык 5"

    def test_refused_address_does_not_stop_the_status(self, site, shared_order, manager):
        change(shared_order, "accepted", manager)
        services.edit_order(order_id=shared_order.pk, changes={"delivery_address": "Достык 5"}, actor=manager)
        body = '{"success": false, "error": {"code": "bad", "message": "такого адреса нет"}}'
        # The site refuses the address twice: together with the status, and alone.
        site.faults.give(faults.status(422, body=body), action="order.update", times=2)
        deliver_due()
        assert (Push.objects.get().state, status_on_site(site, shared_order)) == ("failed", "AP")

    def test_cancelled_push_is_shown_on_the_order(self, site, shared_order, manager):
        change(shared_order, "accepted", manager)
        assert Push.objects.get().cancel(reason="не нужно")
        shared_order.refresh_from_db()
        event = shared_order.events.first()
        assert (shared_order.sync_state, event.reason) == ("failed", "stopped_by_hand")
        assert queue_missed() == 0

    def test_pending_order_without_a_push_gets_one(self, site, shared_order, manager):
        change(shared_order, "accepted", manager)
        Push.objects.all().delete()
        assert queue_missed() == 1
        deliver_due()
        shared_order.refresh_from_db()
        assert (shared_order.sync_state, status_on_site(site, shared_order)) == ("synced", "AP")
        assert queue_missed() == 0

    def test_repeated_retry_after_does_not_shorten_later_retry_delays(self, site, shared_order, manager):
        change(shared_order, "accepted", manager)
        site.faults.give(faults.status(503, retry_after=1), times=9)
        waits = []
        for _ in range(4):
            deliver_due()
            push = Push.objects.get()
            waits.append((push.due_at - push.updated_at).total_seconds())
            make_due(push)
        assert waits[0] < 2
        assert waits[3] > WAITS[3].total_seconds() * 0.79

    def test_failed_push_does_not_end_the_sweep(self, site, manager, post_webhook):
        orders = []
        for _ in range(3):
            placed = site.place_order()
            post_webhook("order.create", placed)
            orders.append(Order.objects.get(bitrix_order_id=int(placed["ID"])))
            change(orders[-1], "accepted", manager)
        Push.objects.filter(order__in=orders[:2]).update(
            state="sending", failures=len(WAITS), lease_until=timezone.now(), due_at=timezone.now()
        )
        deliver_due()
        assert status_on_site(site, orders[2]) == "AP"

    def test_error_while_recording_does_not_end_the_sweep(self, site, manager, post_webhook, monkeypatch):
        for _ in range(2):
            placed = site.place_order()
            post_webhook("order.create", placed)
            change(Order.objects.get(bitrix_order_id=int(placed["ID"])), "accepted", manager)
        original, calls = engine._record, []

        def record(*args):
            calls.append(args)
            if len(calls) == 1:
                raise RuntimeError("the disk is full")
            original(*args)

        monkeypatch.setattr(engine, "_record", record)
        assert deliver_due() == 2
        assert sorted(Push.objects.values_list("state", flat=True)) == ["delivered", "sending"]


class TestConflict:
    def test_conflict_stays_while_other_fields_are_edited_and_sent(self, site, shared_order, manager):
        site.change_status(shared_order.bitrix_order_id, "DE")
        change(shared_order, "accepted", manager)
        deliver_due()
        services.edit_order(order_id=shared_order.pk, changes={"comment": "перезвонить"}, actor=manager)
        deliver_due()
        shared_order.refresh_from_db()
        assert shared_order.sync_state == "conflict"
        assert site.site.order(shared_order.bitrix_order_id)["USER_DESCRIPTION"] == "перезвонить"

    def test_conflict_ends_when_the_site_sets_our_status_later(self, site, shared_order, manager, echo):
        site.change_status(shared_order.bitrix_order_id, "DE")
        change(shared_order, "accepted", manager)
        deliver_due()
        site.change_status(shared_order.bitrix_order_id, "AP")
        echo()
        shared_order.refresh_from_db()
        assert (shared_order.status_id, shared_order.sync_state) == ("accepted", "synced")

    def test_conflicting_status_can_be_sent_though_the_sites_status_is_final(self, site, shared_order, manager):
        site.change_status(shared_order.bitrix_order_id, "CN")
        change(shared_order, "accepted", manager)
        deliver_due()
        shared_order.refresh_from_db()
        assert shared_order.completed_at is not None
        with pytest.raises(NotAllowedError):
            change(shared_order, "delivering", manager)
        change(shared_order, "accepted", manager)
        deliver_due()
        shared_order.refresh_from_db()
        assert (status_on_site(site, shared_order), shared_order.sync_state) == ("AP", "synced")


class TestItems:
    def test_order_can_not_be_left_without_lines(self, site, shared_order, manager):
        with pytest.raises(NotAllowedError):
            services.edit_order(order_id=shared_order.pk, changes={}, items=[], actor=manager)
        assert shared_order.items.exists()

    @pytest.fixture
    def free_text(self, site, post_webhook):
        placed = site.place_order(
            items=[{"quantity": 1, "price": 5000, "product_snapshot": {"name": "Букет на заказ"}}]
        )
        post_webhook("order.create", placed)
        return Order.objects.get(bitrix_order_id=int(placed["ID"]))

    def test_line_without_a_product_is_renamed_in_the_crm(self, site, free_text, manager):
        item = free_text.items.get()
        renamed = line(
            bitrix_basket_id=item.bitrix_basket_id,
            bitrix_product_id=None,
            price=item.price,
            product_snapshot={"name": "Букет из роз"},
        )
        services.edit_order(order_id=free_text.pk, changes={}, items=[renamed], actor=manager)
        deliver_due()
        assert free_text.items.get().name == "Букет из роз"
        assert site.site.order(free_text.bitrix_order_id)["basket"][0]["NAME"] == "Букет из роз"

    def test_line_without_a_product_is_renamed_on_the_site(self, site, free_text, echo):
        key = free_text.bitrix_order_id
        basket_id = site.site.order(key)["basket"][0]["ID"]
        renamed = {"bitrix_basket_id": basket_id, "quantity": 1, "price": 5000}
        site.site.update_order(key, items=[{**renamed, "product_snapshot": {"name": "Букет из роз"}}])
        echo()
        free_text.refresh_from_db()
        assert (free_text.items.get().name, free_text.sync_state) == ("Букет из роз", "synced")


def test_cancellation_before_the_create_is_sent(site, manager, echo):
    order = made_here(manager)
    services.edit_order(order_id=order.pk, changes={"is_cancelled": True}, actor=manager)
    deliver_due()
    order.refresh_from_db()
    assert site.site.order(order.bitrix_order_id)["CANCELED"] == "Y"
    echo()
    order.refresh_from_db()
    assert order.is_cancelled


def test_unknown_city_chosen_in_the_crm_becomes_a_stub(shared_order, manager):
    services.edit_order(order_id=shared_order.pk, changes={"city": 999}, actor=manager)
    connection.check_constraints()
    assert Order.objects.get().city.needs_attention


class TestTwin:
    """A webhook without the CRM's XML_ID arrives before the response to the request that creates the order."""

    @pytest.fixture
    def twin(self, site, post_webhook, monkeypatch):
        original = BridgeClient.create_order

        def create(client, order):
            created = original(client, order)
            event = site.sender.events[-1]
            if not Order.objects.filter(bitrix_order_id=created.order_id).exists():
                data = {key: value for key, value in event.data.items() if key != "XML_ID"}
                post_webhook(event.name, data, event_id=event.event_id)
            return created

        monkeypatch.setattr(BridgeClient, "create_order", create)

    def test_twin_is_merged_into_our_order(self, twin, site, manager):
        order = made_here(manager)
        deliver_due()
        order.refresh_from_db()
        assert (Order.objects.count(), Push.objects.get().state, order.sync_state) == (1, "delivered", "synced")
        assert order.bitrix_order_id == int(site.site.all_orders()[0]["ID"])

    def test_twin_that_staff_have_edited_is_kept(self, twin, site, manager, monkeypatch):
        order = made_here(manager)
        monkeypatch.setattr("orders.services.outbound.push_results._replace_twin", _refuse)
        deliver_due()
        assert (Push.objects.get().state, Order.objects.count()) == ("failed", 2)
        order.refresh_from_db()
        assert order.sync_state == "failed"


def _refuse(_order, twin):
    raise NotAllowedError(f"staff have worked on {twin.order_number}")


@pytest.mark.parametrize(
    ("code", "field"),
    [
        ("anonymous", "is_anonymous"),
        ("isAnonymous", "is_anonymous"),
        ("surprise", "is_surprise"),
        ("doNotCall", "is_surprise"),
        ("iWillGet", "is_pickup"),
    ],
)
def test_flag_is_cleared_under_the_code_that_the_site_uses(site, post_webhook, manager, echo, code, field):
    placed = site.place_order(properties={code: "Y"})
    post_webhook("order.create", placed)
    order = Order.objects.get()
    assert getattr(order, field) is True
    services.edit_order(order_id=order.pk, changes={field: False}, actor=manager)
    deliver_due()
    echo()
    order.refresh_from_db()
    assert (getattr(order, field), order.sync_state) == (False, "synced")
    assert site.site.order(order.bitrix_order_id)["properties"][code] == "N"


class TestTexts:
    """The site must return a text as it was sent.

    A different text would look like a change made on the site.
    """

    @pytest.mark.parametrize(
        ("field", "text", "kept"),
        [
            ("postcard_text", "a\r\nb", "a\nb"),
            ("postcard_text", "a<br>b", "a\nb"),
            ("recipient_name", "Мария  Иванова", "Мария Иванова"),
            ("comment", "5 &lt; 6 &quot;да&quot;", '5 < 6 "да"'),
            ("comment", "&amp;amp;lt;", "<"),
            ("recipient_phone", "8 701 123 45 67", "+77011234567"),
            ("delivery_address", " Абая 1 ", "Абая 1"),
        ],
    )
    def test_text_comes_back_as_it_was_sent(self, site, shared_order, manager, echo, field, text, kept):
        services.edit_order(order_id=shared_order.pk, changes={field: text}, actor=manager)
        site.faults.give(faults.answer_lost())
        deliver_due()
        echo()
        make_due(Push.objects.get())
        deliver_due()
        site.site.update_order(shared_order.bitrix_order_id, {"ADDITIONAL_INFO": "x"})
        assert echo() == "unchanged"
        shared_order.refresh_from_db()
        assert getattr(shared_order, field) == kept
        assert "conflict" not in shared_order.events.values_list("kind", flat=True)

    @pytest.mark.parametrize(("field", "limit"), [("postcard_text", 500), ("delivery_address", 500), ("comment", 2000)])
    def test_text_that_the_site_would_truncate_is_refused(self, shared_order, manager, field, limit):
        services.edit_order(order_id=shared_order.pk, changes={field: "я" * limit}, actor=manager)
        with pytest.raises(NotAllowedError, match=f"{limit + 1:,}".replace(",", r"\s")):
            services.edit_order(order_id=shared_order.pk, changes={field: "я" * (limit + 1)}, actor=manager)
        shared_order.refresh_from_db()
        assert len(getattr(shared_order, field)) == limit


class TestLegacyEndpoint:
    """The site's legacy endpoint only creates orders, so any other request would also create an order."""

    @pytest.fixture
    def old_site(self, settings):
        with Sandbox(api_token=settings.BITRIX_API_TOKEN, legacy_bridge=True) as old:
            settings.BITRIX_API_URL = old.bridge_url
            yield old

    def test_legacy_endpoint_gets_only_create_requests(self, old_site, post_webhook, manager):
        placed = old_site.place_order()
        post_webhook("order.create", placed)
        order = Order.objects.get()
        changes = {"delivery_address": "Достык 5"}
        services.edit_order(order_id=order.pk, changes=changes, items=[line(quantity=Decimal(2))], actor=manager)
        change(order, "accepted", manager)
        deliver_due()
        order.refresh_from_db()
        assert len(old_site.site.all_orders()) == 1
        assert (order.sync_state, "bitrix_bridge/php" in Push.objects.get().last_error) == ("failed", True)

    def test_create_with_a_lost_answer_is_left_to_a_person(self, old_site, manager):
        order = made_here(manager)
        old_site.faults.give(faults.answer_lost(), action="order.create")
        deliver_due()
        order.refresh_from_db()
        assert (Push.objects.get().state, order.sync_state) == ("failed", "failed")
        assert len(old_site.site.all_orders()) == 1


@pytest.mark.django_db(transaction=True)
class TestConcurrency:
    @staticmethod
    def in_thread(work):
        result = {}

        def run():
            try:
                result["value"] = work()
            except BaseException as error:
                result["error"] = error
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        return thread, result

    @pytest.mark.parametrize("waiting", ["a status", "an edit", "a push's result"])
    def test_service_that_waits_for_a_status_change_continues(self, lone_order, manager, waiting):
        held = threading.Event()

        def webhook():
            with transaction.atomic():
                snapshot = OrderSnapshot(bitrix_order_id=122183, version=2, fields={"status": "AP"})
                services.apply_snapshot(snapshot=snapshot)
                held.set()
                time.sleep(0.5)

        thread, result = self.in_thread(webhook)
        assert held.wait(60)
        try:
            if waiting == "a status":
                services.change_status(order_id=lone_order.pk, status="delivering", actor=manager)
            elif waiting == "an edit":
                services.edit_order(order_id=lone_order.pk, changes={"comment": "важно"}, actor=manager)
            else:
                services.record_accepted(
                    order_id=lone_order.pk,
                    values={"comment": "x"},
                    site_status=None,
                    version=None,
                    push_id=lone_order.pk,
                )
        finally:
            thread.join()
        assert "error" not in result

    def test_failing_push_and_a_manager_do_not_deadlock(self, site, shared_order, manager):
        change(shared_order, "accepted", manager)
        Push.objects.update(state="sending", failures=len(WAITS), lease_until=timezone.now())
        held = threading.Event()

        def work():
            with transaction.atomic():
                lock_order(shared_order.pk)
                held.set()
                time.sleep(0.5)
                services.edit_order(order_id=shared_order.pk, changes={"comment": "важно"}, actor=manager)

        thread, result = self.in_thread(work)
        assert held.wait(60)
        deliver_due()
        thread.join()
        assert "error" not in result
