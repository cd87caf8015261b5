"""Tests of orders made by staff that are deleted on the site before the CRM has received their ids."""

import pytest

from bitrix_bridge.models import Push, WebhookEvent
from bitrix_bridge.outbound.queueing import queue_missed
from bitrix_bridge.sandbox import Sandbox, faults
from bitrix_bridge.site_client.bridge_client import BridgeClient
from cvety_crm.outbox import deliver_due
from orders import services
from orders.models import Order
from tests.bitrix_bridge.outbound.test_delivery import made_here, make_due

pytestmark = pytest.mark.django_db


@pytest.fixture
def unconfirmed_order(site, manager):
    """Return an order that the site has created. Neither the response nor the webhook has arrived."""
    order = made_here(manager)
    site.faults.give(faults.answer_lost(), action="order.create")
    deliver_due()
    return order


def only_order_on_site(site):
    (order,) = site.site.all_orders()
    return order


def post(post_webhook, event, **without):
    data = {key: value for key, value in event.data.items() if key not in without}
    return post_webhook(event.name, data, event_id=event.event_id).json()["action"]


def is_everything_synced():
    Push.objects.filter(state="pending").update(due_at="2020-01-01T00:00:00Z")
    for _ in range(3):
        queue_missed()
        deliver_due()
    return not Push.objects.filter(state__in=("pending", "sending")).exists()


def test_deleted_order_is_marked_and_not_created_again(site, unconfirmed_order, post_webhook):
    number = int(only_order_on_site(site)["ID"])
    site.site.delete_order(number)
    assert post(post_webhook, site.sender.events[-1]) == "updated"
    unconfirmed_order.refresh_from_db()
    assert (unconfirmed_order.bitrix_order_id, unconfirmed_order.is_deleted_on_site, unconfirmed_order.sync_state) == (
        number,
        True,
        "synced",
    )
    assert unconfirmed_order.events.first().kind == "deleted"
    assert is_everything_synced()
    assert site.site.all_orders() == []
    assert (Push.objects.get().state, Order.objects.count()) == ("cancelled", 1)


def test_late_creation_event_keeps_order_deleted(site, unconfirmed_order, post_webhook):
    created = site.sender.events[-1]
    site.site.delete_order(int(created.data["ID"]))
    post(post_webhook, site.sender.events[-1])
    post(post_webhook, created)
    unconfirmed_order.refresh_from_db()
    assert unconfirmed_order.is_deleted_on_site
    assert Order.objects.count() == 1
    assert is_everything_synced()
    assert site.site.all_orders() == []


def test_repeated_create_reports_deletion_before_its_event(settings, manager, post_webhook):
    """The site's webhooks do not arrive either, so the response to the repeated create request reports the deletion."""
    with Sandbox("http://127.0.0.1:1/", api_token=settings.BITRIX_API_TOKEN) as site:
        settings.BITRIX_API_URL = site.bridge_url
        order = made_here(manager)
        BridgeClient().knows_all_actions()
        site.faults.give(faults.answer_lost(), action="order.create")
        deliver_due()
        number = int(only_order_on_site(site)["ID"])
        site.site.delete_order(number)
        make_due(Push.objects.get())
        deliver_due()
        order.refresh_from_db()
        assert (order.bitrix_order_id, order.is_deleted_on_site) == (number, True)
        assert is_everything_synced()
        assert site.site.all_orders() == []
        for event in site.sender.events:
            post(post_webhook, event)
        order.refresh_from_db()
        assert order.is_deleted_on_site
        assert Order.objects.count() == 1


def test_deletion_event_arrives_before_response_to_create(site, manager, post_webhook, monkeypatch):
    """The deletion event has only an id, and it arrives before the response to the create request."""
    original = BridgeClient.create_order

    def create(client, order):
        created = original(client, order)
        site.site.delete_order(created.order_id)
        assert post(post_webhook, site.sender.events[-1], XML_ID=True) == "ignored"
        return created

    monkeypatch.setattr(BridgeClient, "create_order", create)
    order = made_here(manager)
    deliver_due()
    order.refresh_from_db()
    assert order.is_deleted_on_site
    assert is_everything_synced()
    deleted = order.events.get(kind="deleted")
    assert deleted.webhook_event_id == WebhookEvent.objects.get(event="order.delete").pk


class TestBareId:
    """The site's earlier sender sends only the id, so the event matches no order in the CRM."""

    @pytest.fixture
    def late_creation_event(self, site, unconfirmed_order, post_webhook):
        created = site.sender.events[-1]
        site.site.delete_order(int(created.data["ID"]))
        assert post(post_webhook, site.sender.events[-1], XML_ID=True) == "ignored"
        return created

    def test_order_is_created_again_once(self, site, unconfirmed_order, late_creation_event):
        make_due(Push.objects.get())
        deliver_due()
        unconfirmed_order.refresh_from_db()
        assert is_everything_synced()
        assert (unconfirmed_order.bitrix_order_id, unconfirmed_order.is_deleted_on_site) == (
            int(only_order_on_site(site)["ID"]),
            False,
        )

    def test_late_creation_event_creates_no_second_order(
        self, site, unconfirmed_order, late_creation_event, post_webhook
    ):
        make_due(Push.objects.get())
        deliver_due()
        assert post(post_webhook, late_creation_event) == "stale"
        assert Order.objects.count() == 1
        assert WebhookEvent.objects.latest("created_at").order == unconfirmed_order

    def test_late_creation_event_marks_order_as_deleted(
        self, site, unconfirmed_order, late_creation_event, post_webhook
    ):
        post(post_webhook, late_creation_event)
        unconfirmed_order.refresh_from_db()
        assert unconfirmed_order.is_deleted_on_site
        assert Order.objects.count() == 1
        assert is_everything_synced()
        assert site.site.all_orders() == []


def test_order_created_again_just_after_its_deletion_is_kept(site, unconfirmed_order, monkeypatch):
    """The second create request was sent just before the deletion event arrived.

    The new order on the site is therefore valid.
    """
    first = int(only_order_on_site(site)["ID"])
    site.site.delete_order(first)
    original = BridgeClient.create_order

    def create(client, order):
        services.mark_deleted(bitrix_order_id=first, crm_order_id=unconfirmed_order.pk)
        return original(client, order)

    monkeypatch.setattr(BridgeClient, "create_order", create)
    make_due(Push.objects.get())
    deliver_due()
    unconfirmed_order.refresh_from_db()
    assert (unconfirmed_order.bitrix_order_id, unconfirmed_order.is_deleted_on_site) == (
        int(only_order_on_site(site)["ID"]),
        False,
    )
    assert is_everything_synced()
    unconfirmed_order.refresh_from_db()
    assert unconfirmed_order.sync_state == "synced"
