"""Tests of pushes to the sandbox over HTTP: their requests, their results, and the effects of faults."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from bitrix_bridge.models import Push
from bitrix_bridge.sandbox import faults
from cvety_crm.outbox import WAITS, deliver_due, deliver_one, deliverers
from cvety_crm.outbox.deliverers import deliverer_of
from cvety_crm.outbox.engine import JITTER, PASSING_FAILURES
from orders import services
from orders.models import Customer, Order, Product
from orders.services import NewItem

pytestmark = pytest.mark.django_db


def status_on_site(site, order):
    return site.site.order(order.bitrix_order_id)["STATUS_ID"]


def change(order, status, manager):
    services.change_status(order_id=order.pk, status=status, actor=manager)


def make_due(push):
    Push.objects.filter(pk=push.pk).update(due_at=timezone.now())


def made_here(manager, **fields):
    product = Product.objects.create(name="Букет Стандарт", price=7500, bitrix_product_id=696613)
    customer = Customer.objects.create(name="Айгерим", phone="+77771234567")
    fields = {"recipient_name": "Мария", "delivery_fee": Decimal(1500), "delivery_address": "Абая 150", **fields}
    return services.create_order(items=[NewItem(product=product)], customer=customer, fields=fields, actor=manager)


def test_order_is_found_by_its_first_number_after_site_renumbers_it(site, manager, client):
    """The order's page shows both numbers after the site has assigned its own number."""
    order = made_here(manager)
    first_number = order.order_number
    assert first_number.startswith("CRM-")
    assert deliver_due() == 1
    order.refresh_from_db()
    assert (order.own_number, order.order_number != first_number) == (first_number, True)
    client.force_login(manager)
    for typed in (first_number, first_number.lower(), first_number.removeprefix("CRM-"), order.order_number):
        found = client.get(reverse("admin:orders_order_changelist"), {"q": typed}).content.decode()
        assert f"№\xa0{order.order_number}" in found or f"№&nbsp;{order.order_number}" in found, typed
    page = client.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()
    assert f"при приёме №\xa0{first_number}" in page


def test_status_change_is_sent_to_the_site(site, shared_order, manager):
    change(shared_order, "accepted", manager)
    push = Push.objects.get()
    assert (push.state, push.fields) == ("pending", ["status"])
    assert deliver_due() == 1
    shared_order.refresh_from_db()
    push.refresh_from_db()
    assert status_on_site(site, shared_order) == "AP"
    assert (push.state, push.attempts, shared_order.sync_state) == ("delivered", 1, "synced")
    attempt = push.attempt_log.get()
    assert (attempt.number, attempt.outcome, attempt.code, attempt.actor) == (1, "delivered", "200", None)
    assert attempt.duration_ms is not None
    sent, changed, _created = shared_order.events.all()
    assert (sent.kind, sent.details["values"], sent.push_id) == ("sent", {"status": "accepted"}, push.pk)
    assert (changed.actor, changed.source) == (manager, "admin")


def test_echo_of_our_change_is_not_sent_back(site, shared_order, manager, post_webhook):
    change(shared_order, "accepted", manager)
    deliver_due()
    echo = site.sender.events[-1]
    assert echo.data["STATUS_ID"] == "AP"
    assert post_webhook(echo.name, echo.data, event_id=echo.event_id).json()["action"] == "unchanged"
    assert Push.objects.count() == 1
    assert (deliver_due(), site.site.writes) == (0, 1)


def test_echo_may_arrive_before_the_response(site, shared_order, manager, post_webhook):
    change(shared_order, "accepted", manager)
    site.faults.give(faults.answer_lost())
    deliver_due()
    echo = site.sender.events[-1]
    post_webhook(echo.name, echo.data, event_id=echo.event_id)
    shared_order.refresh_from_db()
    assert (shared_order.status_id, shared_order.sync_state) == ("accepted", "synced")
    make_due(Push.objects.get())
    deliver_due()
    assert (Push.objects.get().state, site.site.writes) == ("cancelled", 1)


def test_newer_change_is_added_to_the_queued_push(site, shared_order, manager):
    change(shared_order, "accepted", manager)
    services.edit_order(order_id=shared_order.pk, changes={"courier_comment": "домофон 7"}, actor=manager)
    change(shared_order, "delivering", manager)
    push = Push.objects.get()
    assert push.fields == ["courier_comment", "status"]
    deliver_due()
    there = site.site.order(shared_order.bitrix_order_id)
    assert (there["STATUS_ID"], there["COMMENTS"], site.site.writes) == ("PD", "домофон 7", 1)


def test_change_during_delivery_is_sent_too(site, shared_order, manager, monkeypatch):
    change(shared_order, "accepted", manager)
    from bitrix_bridge.site_client.bridge_client import BridgeClient

    original = BridgeClient.set_status

    def set_status_while_a_manager_edits(self, *args, **kwargs):
        monkeypatch.setattr(BridgeClient, "set_status", original)
        version = original(self, *args, **kwargs)
        change(shared_order, "delivering", manager)
        return version

    monkeypatch.setattr(BridgeClient, "set_status", set_status_while_a_manager_edits)
    deliver_due()
    deliver_due()
    shared_order.refresh_from_db()
    assert (status_on_site(site, shared_order), shared_order.sync_state) == ("PD", "synced")
    assert Push.objects.count() == 1


def test_push_contains_only_changed_fields(site, shared_order, manager):
    services.edit_order(
        order_id=shared_order.pk, changes={"postcard_text": "Құттықтаймын! 🌷", "is_surprise": True}, actor=manager
    )
    deliver_due()
    request = site.site.requests[-1]["body"]
    assert request["properties"] == {"postcardText": "Құттықтаймын! 🌷", "isSurprise": "Y"}
    assert "fields" not in request
    assert site.site.order(shared_order.bitrix_order_id)["properties"]["postcardText"] == "Құттықтаймын! 🌷"


def test_status_changed_on_site_is_a_conflict(site, shared_order, manager):
    site.change_status(shared_order.bitrix_order_id, "DE")
    change(shared_order, "accepted", manager)
    deliver_due()
    shared_order.refresh_from_db()
    event = shared_order.events.first()
    assert (shared_order.status_id, shared_order.sync_state) == ("declined", "conflict")
    assert (event.kind, event.reason, event.details["desired"]) == (
        "conflict",
        "site_has_other",
        {"status": "accepted"},
    )
    assert (status_on_site(site, shared_order), site.site.writes) == ("DE", 0)
    # The manager sets the status again with one click.
    change(shared_order, "accepted", manager)
    deliver_due()
    shared_order.refresh_from_db()
    assert (status_on_site(site, shared_order), shared_order.sync_state) == ("AP", "synced")


@pytest.mark.parametrize(
    "fault",
    [
        faults.status(500),
        faults.status(503),
        faults.status(429),
        faults.html(),
        faults.garbage(),
        faults.answer_lost(),
    ],
    ids=["500", "503", "429", "html", "garbage", "response lost"],
)
def test_temporary_failure_is_retried_and_change_is_made_once(site, shared_order, manager, fault):
    change(shared_order, "accepted", manager)
    site.faults.give(fault)
    deliver_due()
    push = Push.objects.get()
    assert (push.state, push.failures, push.attempts) == ("pending", 1, 1)
    assert push.last_error
    wait = push.due_at - push.updated_at
    assert WAITS[0] * 0.79 < wait < WAITS[0] * 1.21
    assert deliver_due() == 0  # the retry delay has not passed yet
    make_due(push)
    deliver_due()
    push.refresh_from_db()
    assert (push.state, status_on_site(site, shared_order), site.site.writes) == ("delivered", "AP", 1)
    assert [attempt.outcome for attempt in push.attempt_log.order_by("number")] == ["postponed", "delivered"]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (faults.status(401), "BITRIX_API_TOKEN"),
        (faults.status(403), "BITRIX_API_TOKEN"),
        (faults.redirect("/auth/"), "/auth/"),
        (faults.status(422, body='{"success": false, "error": {"code": "x", "message": "нет товара"}}'), "нет товара"),
        (faults.status(400, body='{"success": false, "error": "плохо"}'), "плохо"),
        (faults.success_false_200("нельзя"), "нельзя"),
    ],
    ids=["401", "403", "redirect", "422", "400", "success false with 200"],
)
def test_permanent_failure_fails_at_once_with_its_reason(site, shared_order, manager, fault, says):
    change(shared_order, "accepted", manager)
    site.faults.give(fault)
    deliver_due()
    push = Push.objects.get()
    shared_order.refresh_from_db()
    assert (push.state, shared_order.sync_state) == ("failed", "failed")
    assert says in push.last_error
    event = shared_order.events.first()
    assert (event.kind, says in event.details["message"]) == ("refused", True)


def test_push_fails_when_site_has_no_such_order(site, lone_order, manager):
    change(lone_order, "accepted", manager)
    deliver_due()
    assert (Push.objects.get().state, lone_order.events.first().reason) == ("failed", "order_gone")


@pytest.mark.parametrize(
    "fault",
    [faults.status(401), faults.status(403), faults.redirect("/auth/"), faults.html()],
    ids=["401", "403", "redirect", "html"],
)
def test_site_that_has_worked_is_tried_a_few_times_more(site, shared_order, manager, fault):
    change(shared_order, "accepted", manager)
    assert deliver_due() == 1
    change(shared_order, "processing", manager)
    push = Push.objects.exclude(state="delivered").get()
    site.faults.give(fault)
    deliver_due()
    push.refresh_from_db()
    assert (push.state, push.failures, status_on_site(site, shared_order)) == ("pending", 1, "AP")
    make_due(push)
    deliver_due()
    push.refresh_from_db()
    shared_order.refresh_from_db()
    assert (push.state, shared_order.sync_state, status_on_site(site, shared_order)) == ("delivered", "synced", "P")


def test_wrong_settings_fail_after_a_few_times(site, shared_order, manager):
    change(shared_order, "accepted", manager)
    deliver_due()
    change(shared_order, "processing", manager)
    push = Push.objects.exclude(state="delivered").get()
    for failures in range(1, PASSING_FAILURES + 1):
        site.faults.give(faults.status(401))
        deliver_due()
        push.refresh_from_db()
        assert (push.state, push.failures) == ("pending", failures)
        make_due(push)
    site.faults.give(faults.status(401))
    deliver_due()
    push.refresh_from_db()
    assert (push.state, "BITRIX_API_TOKEN" in push.last_error) == ("failed", True)


def test_retries_last_longer_than_three_days():
    assert (1 - JITTER) * sum(WAITS, timedelta()) > timedelta(hours=72)


def test_push_fails_at_once_without_bridge_address(lone_order, manager, settings):
    settings.BITRIX_API_URL = ""
    change(lone_order, "accepted", manager)
    deliver_due()
    assert "BITRIX_API_URL" in Push.objects.get().last_error


def test_staff_can_retry_a_failed_push(site, shared_order, manager):
    change(shared_order, "accepted", manager)
    site.faults.give(faults.status(401))
    deliver_due()
    push = Push.objects.get()
    assert push.retry(by=manager)
    assert not push.retry(by=manager)
    deliver_due()
    push.refresh_from_db()
    shared_order.refresh_from_db()
    assert (push.state, push.failures, push.attempts, shared_order.sync_state) == ("delivered", 0, 2, "synced")
    assert push.attempt_log.get(number=2).actor == manager


def test_newer_push_replaces_a_failed_one(site, shared_order, manager):
    change(shared_order, "accepted", manager)
    site.faults.give(faults.status(401))
    deliver_due()
    failed = Push.objects.get()
    change(shared_order, "delivering", manager)
    failed.refresh_from_db()
    assert failed.state == "cancelled"
    deliver_due()
    assert status_on_site(site, shared_order) == "PD"
    assert not failed.retry() or deliver_due() == 1


def test_retry_after_header_sets_the_next_attempt(site, shared_order, manager):
    change(shared_order, "accepted", manager)
    site.faults.give(faults.status(429, retry_after=7200))
    deliver_due()
    push = Push.objects.get()
    assert abs(push.due_at - timezone.now() - timedelta(hours=2)) < timedelta(seconds=20)


def test_push_fails_after_last_retry_and_staff_are_notified(site, shared_order, manager, monkeypatch):
    alerts = []
    monkeypatch.setattr("cvety_crm.outbox.engine.raise_alert", alerts.append)
    change(shared_order, "accepted", manager)
    push = Push.objects.get()
    site.faults.give(faults.status(500), times=len(WAITS) + 1)
    for expected in range(1, len(WAITS) + 1):
        make_due(push)
        deliver_due()
        push.refresh_from_db()
        assert (push.state, push.failures) == ("pending", expected)
        wait = push.due_at - push.updated_at
        assert WAITS[expected - 1] * 0.79 < wait < WAITS[expected - 1] * 1.21
        assert len(alerts) == (1 if expected >= 4 else 0)
    make_due(push)
    deliver_due()
    push.refresh_from_db()
    shared_order.refresh_from_db()
    assert (push.state, push.attempts, shared_order.sync_state) == ("failed", len(WAITS) + 1, "failed")
    assert shared_order.events.first().reason == "gave_up"
    assert len(alerts) == 2
    assert deliver_due() == 0


def test_attempt_of_a_killed_worker_is_counted(site, shared_order, manager):
    change(shared_order, "accepted", manager)
    push = Push.objects.get()
    Push.objects.update(state="sending", attempts=1, lease_until=timezone.now() + timedelta(seconds=30))
    push.attempt_log.create(number=1)
    assert deliver_due() == 0  # the lease of the push has not expired
    Push.objects.update(lease_until=timezone.now())
    deliver_due()
    push.refresh_from_db()
    assert (push.state, push.attempts, status_on_site(site, shared_order)) == ("delivered", 2, "AP")
    assert [attempt.outcome for attempt in push.attempt_log.order_by("number")] == ["died", "delivered"]


def test_push_that_kills_every_worker_fails_without_another_request(site, shared_order, manager):
    change(shared_order, "accepted", manager)
    Push.objects.update(state="sending", failures=len(WAITS), lease_until=timezone.now())
    requests = len(site.site.requests)
    deliver_due()
    shared_order.refresh_from_db()
    assert (Push.objects.get().state, shared_order.sync_state) == ("failed", "failed")
    assert len(site.site.requests) == requests


def test_result_of_worker_with_expired_lease_is_ignored(site, shared_order, manager, monkeypatch):
    change(shared_order, "accepted", manager)
    push = Push.objects.get()
    label = Push._meta.label
    usual = deliverer_of(label)

    def deliver_too_slowly(_push):
        monkeypatch.setitem(deliverers._registered, label, usual)
        Push.objects.update(lease_until=timezone.now())
        assert deliver_one(Push, push.pk)  # a different worker claims the push and succeeds
        raise RuntimeError("too late")

    monkeypatch.setitem(deliverers._registered, label, replace(usual, deliver=deliver_too_slowly))
    deliver_one(Push, push.pk)
    push.refresh_from_db()
    assert (push.state, push.attempts, push.failures) == ("delivered", 2, 0)
    assert [attempt.outcome for attempt in push.attempt_log.order_by("number")] == ["postponed", "delivered"]


def test_new_order_is_created_on_the_site_once(site, manager):
    order = made_here(manager)
    assert (order.order_number[:4], order.sync_state, order.source) == ("CRM-", "pending", "admin")
    deliver_due()
    order.refresh_from_db()
    there = site.site.order_by_xml_id(f"crm-{order.pk}")
    assert (order.bitrix_order_id, order.order_number) == (int(there["ID"]), there["ACCOUNT_NUMBER"])
    assert (order.sync_state, len(site.site.all_orders())) == ("synced", 1)
    assert there["properties"]["when"] == "18"
    assert there["properties"]["shopId"] == "17008"
    assert (there["PRICE"], there["PRICE_DELIVERY"]) == ("9000.0000", "1500.0000")
    assert [(line["PRODUCT_ID"], float(line["QUANTITY"])) for line in there["basket"]] == [("696613", 1.0)]


@pytest.mark.parametrize("edit_between", [False, True])
def test_lost_response_to_create_makes_no_second_order(site, manager, edit_between):
    order = made_here(manager)
    site.faults.give(faults.answer_lost())
    deliver_due()
    if edit_between:
        services.edit_order(order_id=order.pk, changes={"delivery_address": "Достык 5"}, actor=manager)
    make_due(Push.objects.get())
    deliver_due()
    order.refresh_from_db()
    assert len(site.site.all_orders()) == 1
    there = site.site.order(order.bitrix_order_id)
    assert there["properties"]["addressRecipient"] == order.delivery_address
    assert order.sync_state == "synced"


def test_webhook_before_response_to_create_finds_our_order(site, manager, post_webhook):
    order = made_here(manager)
    site.faults.give(faults.answer_lost())
    deliver_due()
    echo = site.sender.events[-1]
    assert post_webhook(echo.name, echo.data, event_id=echo.event_id).json()["order_id"] == str(order.pk)
    order.refresh_from_db()
    assert (order.bitrix_order_id, order.source, Order.objects.count()) == (int(echo.data["ID"]), "admin", 1)
    assert order.items.get().bitrix_basket_id is not None
    make_due(Push.objects.get())
    deliver_due()
    order.refresh_from_db()
    assert (order.sync_state, len(site.site.all_orders())) == ("synced", 1)
    assert order.order_number == echo.data["ACCOUNT_NUMBER"]


def test_status_set_before_create_is_sent_afterwards(site, manager):
    order = made_here(manager)
    change(order, "accepted", manager)
    deliver_due()
    order.refresh_from_db()
    assert (status_on_site(site, order), order.sync_state, Push.objects.count()) == ("AP", "synced", 1)


def test_stub_is_completed_by_a_fetch(site, post_webhook):
    from bitrix_bridge.refetch import refetch_due

    placed = site.place_order()
    site.change_status(placed["ID"], "AP")
    post_webhook("order.status.change", {"ID": placed["ID"], "STATUS_ID": "AP"})
    assert refetch_due() == 1
    order = Order.objects.get()
    assert (order.is_stub, order.status_id) == (False, "accepted")
    assert order.recipient_name == placed["properties"]["nameRecipient"]
    assert refetch_due() == 0


def test_push_of_order_deleted_on_site_is_cancelled(site, shared_order, manager, post_webhook):
    change(shared_order, "accepted", manager)
    post_webhook("order.delete", {"ID": shared_order.bitrix_order_id})
    deliver_due()
    shared_order.refresh_from_db()
    assert (Push.objects.get().state, shared_order.sync_state, site.site.writes) == ("cancelled", "synced", 0)


def test_earlier_endpoint_gets_its_own_request_format(settings, manager):
    from bitrix_bridge.sandbox import Sandbox

    with Sandbox(api_token=settings.BITRIX_API_TOKEN, legacy_bridge=True) as old_site:
        settings.BITRIX_API_URL = old_site.bridge_url
        order = made_here(manager, postcard_text="С днём рождения!", delivery_date=None)
        deliver_due()
        order.refresh_from_db()
        request = old_site.site.requests[-1]["body"]
    assert order.bitrix_order_id
    assert request["total_amount"] == 9000.0
    assert request["items"] == [
        {
            "bitrix_product_id": 696613,
            "quantity": 1,
            "price": 7500.0,
            "product_snapshot": {"name": "Букет Стандарт", "currency": "KZT"},
        }
    ]
    assert (request["delivery_id"], request["payment_method_id"]) == (1, 1)
    assert request["properties"]["postcardText"] == "С днём рождения!"


def test_token_at_the_truncation_limit_is_masked_completely(site, shared_order, manager, settings):
    change(shared_order, "accepted", manager)
    token = settings.BITRIX_API_TOKEN
    site.faults.give(faults.redirect("/" + "x" * (200 - len(token)) + token))
    deliver_due()
    assert token[:8] not in Push.objects.get().last_error


def test_stored_attempts_contain_no_token(site, shared_order, manager, settings):
    change(shared_order, "accepted", manager)
    site.faults.give(
        faults.status(422, body=f'{{"success": false, "error": "token {settings.BITRIX_API_TOKEN} is bad"}}')
    )
    deliver_due()
    push = Push.objects.get()
    attempt = push.attempt_log.get()
    kept = f"{push.last_error} {push.request} {attempt.answer} {shared_order.events.first().details}"
    assert settings.BITRIX_API_TOKEN not in kept
    assert "•••" in attempt.answer
