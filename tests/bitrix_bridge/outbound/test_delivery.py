"""Pushes to the stand-in site over HTTP: what leaves, what comes of it, and what a fault on the way costs."""

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
from orders import services
from orders.models import Customer, Order, Product
from orders.services import NewItem

pytestmark = pytest.mark.django_db


def status_on_site(site, order):
    return site.site.order(order.bitrix_order_id)["STATUS_ID"]


def change(order, status, manager):
    services.change_status(order_id=order.pk, status=status, actor=manager)


def hurry(push):
    Push.objects.filter(pk=push.pk).update(due_at=timezone.now())


def made_here(manager, **fields):
    product = Product.objects.create(name="Букет Стандарт", price=7500, bitrix_product_id=696613)
    customer = Customer.objects.create(name="Айгерим", phone="+77771234567")
    fields = {"recipient_name": "Мария", "delivery_fee": Decimal(1500), "delivery_address": "Абая 150", **fields}
    return services.create_order(items=[NewItem(product=product)], customer=customer, fields=fields, actor=manager)


def test_an_order_is_found_by_the_number_that_its_customer_was_told(site, manager, client):
    """Also after the site has given its own, and its page says both."""
    order = made_here(manager)
    told = order.order_number
    assert told.startswith("CRM-")
    assert deliver_due() == 1
    order.refresh_from_db()
    assert (order.own_number, order.order_number != told) == (told, True)
    client.force_login(manager)
    for typed in (told, told.lower(), told.removeprefix("CRM-"), order.order_number):
        found = client.get(reverse("admin:orders_order_changelist"), {"q": typed}).content.decode()
        assert f"№\xa0{order.order_number}" in found or f"№&nbsp;{order.order_number}" in found, typed
    page = client.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()
    assert f"при приёме №\xa0{told}" in page


def test_a_status_reaches_the_site(site, shared_order, manager):
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
    sent, wished, _created = shared_order.events.all()
    assert (sent.kind, sent.details["values"], sent.push_id) == ("sent", {"status": "accepted"}, push.pk)
    assert (wished.actor, wished.source) == (manager, "admin")


def test_the_echo_changes_nothing_and_is_not_sent_back(site, shared_order, manager, post_webhook):
    change(shared_order, "accepted", manager)
    deliver_due()
    echo = site.sender.events[-1]
    assert echo.data["STATUS_ID"] == "AP"
    assert post_webhook(echo.name, echo.data, event_id=echo.event_id).json()["action"] == "unchanged"
    assert Push.objects.count() == 1
    assert (deliver_due(), site.site.writes) == (0, 1)


def test_an_echo_that_beats_the_answer(site, shared_order, manager, post_webhook):
    change(shared_order, "accepted", manager)
    site.faults.give(faults.answer_lost())
    deliver_due()
    echo = site.sender.events[-1]
    post_webhook(echo.name, echo.data, event_id=echo.event_id)
    shared_order.refresh_from_db()
    assert (shared_order.status_id, shared_order.sync_state) == ("accepted", "synced")
    hurry(Push.objects.get())
    deliver_due()
    assert (Push.objects.get().state, site.site.writes) == ("cancelled", 1)


def test_a_newer_wish_is_folded_into_the_push_that_waits(site, shared_order, manager):
    change(shared_order, "accepted", manager)
    services.edit_order(order_id=shared_order.pk, changes={"courier_comment": "домофон 7"}, actor=manager)
    change(shared_order, "delivering", manager)
    push = Push.objects.get()
    assert push.fields == ["courier_comment", "status"]
    deliver_due()
    there = site.site.order(shared_order.bitrix_order_id)
    assert (there["STATUS_ID"], there["COMMENTS"], site.site.writes) == ("PD", "домофон 7", 1)


def test_a_wish_while_the_push_is_under_way_goes_out_too(site, shared_order, manager, monkeypatch):
    change(shared_order, "accepted", manager)
    from bitrix_bridge.site_client.bridge_client import BridgeClient

    honest = BridgeClient.set_status

    def set_status_while_a_manager_goes_on(self, *args, **kwargs):
        monkeypatch.setattr(BridgeClient, "set_status", honest)
        version = honest(self, *args, **kwargs)
        change(shared_order, "delivering", manager)
        return version

    monkeypatch.setattr(BridgeClient, "set_status", set_status_while_a_manager_goes_on)
    deliver_due()
    deliver_due()
    shared_order.refresh_from_db()
    assert (status_on_site(site, shared_order), shared_order.sync_state) == ("PD", "synced")
    assert Push.objects.count() == 1


def test_only_changed_fields_are_sent(site, shared_order, manager):
    services.edit_order(
        order_id=shared_order.pk, changes={"postcard_text": "Құттықтаймын! 🌷", "is_surprise": True}, actor=manager
    )
    deliver_due()
    request = site.site.requests[-1]["body"]
    assert request["properties"] == {"postcardText": "Құттықтаймын! 🌷", "isSurprise": "Y"}
    assert "fields" not in request
    assert site.site.order(shared_order.bitrix_order_id)["properties"]["postcardText"] == "Құттықтаймын! 🌷"


def test_the_site_decided_otherwise_meanwhile(site, shared_order, manager):
    site.change_status(shared_order.bitrix_order_id, "DE")
    change(shared_order, "accepted", manager)
    deliver_due()
    shared_order.refresh_from_db()
    event = shared_order.events.first()
    assert (shared_order.status_id, shared_order.sync_state) == ("declined", "conflict")
    assert (event.kind, event.reason, event.details["wish"]) == ("conflict", "site_has_other", {"status": "accepted"})
    assert (status_on_site(site, shared_order), site.site.writes) == ("DE", 0)
    # The manager insists: one click.
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
    ids=["500", "503", "429", "html", "garbage", "answer lost"],
)
def test_what_may_pass_is_repeated_and_done_once(site, shared_order, manager, fault):
    change(shared_order, "accepted", manager)
    site.faults.give(fault)
    deliver_due()
    push = Push.objects.get()
    assert (push.state, push.failures, push.attempts) == ("pending", 1, 1)
    assert push.last_error
    wait = push.due_at - push.updated_at
    assert WAITS[0] * 0.79 < wait < WAITS[0] * 1.21
    assert deliver_due() == 0  # not yet
    hurry(push)
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
def test_what_will_not_pass_fails_at_once_and_says_why(site, shared_order, manager, fault, says):
    change(shared_order, "accepted", manager)
    site.faults.give(fault)
    deliver_due()
    push = Push.objects.get()
    shared_order.refresh_from_db()
    assert (push.state, shared_order.sync_state) == ("failed", "failed")
    assert says in push.last_error
    event = shared_order.events.first()
    assert (event.kind, says in event.details["message"]) == ("refused", True)


def test_the_site_has_no_such_order(site, lone_order, manager):
    change(lone_order, "accepted", manager)
    deliver_due()
    assert (Push.objects.get().state, lone_order.events.first().reason) == ("failed", "order_gone")


def test_without_an_address_it_fails_at_once(lone_order, manager, settings):
    settings.BITRIX_API_URL = ""
    change(lone_order, "accepted", manager)
    deliver_due()
    assert "BITRIX_API_URL" in Push.objects.get().last_error


def test_a_failed_push_can_be_retried_by_hand(site, shared_order, manager):
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


def test_a_newer_push_takes_the_place_of_a_failed_one(site, shared_order, manager):
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


def test_retry_after_is_obeyed(site, shared_order, manager):
    change(shared_order, "accepted", manager)
    site.faults.give(faults.status(429, retry_after=7200))
    deliver_due()
    push = Push.objects.get()
    assert abs(push.due_at - timezone.now() - timedelta(hours=2)) < timedelta(seconds=20)


def test_it_gives_up_after_the_last_pause_and_staff_are_told(site, shared_order, manager, monkeypatch):
    told = []
    monkeypatch.setattr("cvety_crm.outbox.engine.raise_alert", told.append)
    change(shared_order, "accepted", manager)
    push = Push.objects.get()
    site.faults.give(faults.status(500), times=len(WAITS) + 1)
    for expected in range(1, len(WAITS) + 1):
        hurry(push)
        deliver_due()
        push.refresh_from_db()
        assert (push.state, push.failures) == ("pending", expected)
        wait = push.due_at - push.updated_at
        assert WAITS[expected - 1] * 0.79 < wait < WAITS[expected - 1] * 1.21
        assert len(told) == (1 if expected >= 4 else 0)
    hurry(push)
    deliver_due()
    push.refresh_from_db()
    shared_order.refresh_from_db()
    assert (push.state, push.attempts, shared_order.sync_state) == ("failed", len(WAITS) + 1, "failed")
    assert shared_order.events.first().reason == "gave_up"
    assert len(told) == 2
    assert deliver_due() == 0


def test_a_worker_that_died_has_tried(site, shared_order, manager):
    change(shared_order, "accepted", manager)
    push = Push.objects.get()
    Push.objects.update(state="sending", attempts=1, lease_until=timezone.now() + timedelta(seconds=30))
    push.attempt_log.create(number=1)
    assert deliver_due() == 0  # its lease still runs
    Push.objects.update(lease_until=timezone.now())
    deliver_due()
    push.refresh_from_db()
    assert (push.state, push.attempts, status_on_site(site, shared_order)) == ("delivered", 2, "AP")
    assert [attempt.outcome for attempt in push.attempt_log.order_by("number")] == ["died", "delivered"]


def test_an_entry_that_kills_every_worker_is_given_up_without_a_further_call(site, shared_order, manager):
    change(shared_order, "accepted", manager)
    Push.objects.update(state="sending", failures=len(WAITS), lease_until=timezone.now())
    requests = len(site.site.requests)
    deliver_due()
    shared_order.refresh_from_db()
    assert (Push.objects.get().state, shared_order.sync_state) == ("failed", "failed")
    assert len(site.site.requests) == requests


def test_a_late_result_of_a_worker_whose_lease_expired_changes_nothing(site, shared_order, manager, monkeypatch):
    change(shared_order, "accepted", manager)
    push = Push.objects.get()
    label = Push._meta.label
    usual = deliverer_of(label)

    def deliver_too_slowly(_push):
        monkeypatch.setitem(deliverers._registered, label, usual)
        Push.objects.update(lease_until=timezone.now())
        assert deliver_one(Push, push.pk)  # another worker claims it and succeeds
        raise RuntimeError("too late")

    monkeypatch.setitem(deliverers._registered, label, replace(usual, deliver=deliver_too_slowly))
    deliver_one(Push, push.pk)
    push.refresh_from_db()
    assert (push.state, push.attempts, push.failures) == ("delivered", 2, 0)
    assert [attempt.outcome for attempt in push.attempt_log.order_by("number")] == ["postponed", "delivered"]


def test_an_order_made_here_appears_on_the_site_once(site, manager):
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
def test_a_lost_answer_creates_nothing_twice(site, manager, edit_between):
    order = made_here(manager)
    site.faults.give(faults.answer_lost())
    deliver_due()
    if edit_between:
        services.edit_order(order_id=order.pk, changes={"delivery_address": "Достык 5"}, actor=manager)
    hurry(Push.objects.get())
    deliver_due()
    order.refresh_from_db()
    assert len(site.site.all_orders()) == 1
    there = site.site.order(order.bitrix_order_id)
    assert there["properties"]["addressRecipient"] == order.delivery_address
    assert order.sync_state == "synced"


def test_a_webhook_that_beats_the_answer_is_matched(site, manager, post_webhook):
    order = made_here(manager)
    site.faults.give(faults.answer_lost())
    deliver_due()
    echo = site.sender.events[-1]
    assert post_webhook(echo.name, echo.data, event_id=echo.event_id).json()["order_id"] == str(order.pk)
    order.refresh_from_db()
    assert (order.bitrix_order_id, order.source, Order.objects.count()) == (int(echo.data["ID"]), "admin", 1)
    assert order.items.get().bitrix_basket_id is not None
    hurry(Push.objects.get())
    deliver_due()
    order.refresh_from_db()
    assert (order.sync_state, len(site.site.all_orders())) == ("synced", 1)
    assert order.order_number == echo.data["ACCOUNT_NUMBER"]


def test_a_status_set_before_the_site_has_the_order_follows(site, manager):
    order = made_here(manager)
    change(order, "accepted", manager)
    deliver_due()
    order.refresh_from_db()
    assert (status_on_site(site, order), order.sync_state, Push.objects.count()) == ("AP", "synced", 1)


def test_the_rest_of_a_stub_is_asked_for(site, post_webhook):
    from bitrix_bridge.refetch import refetch_due

    placed = site.place_order()
    site.change_status(placed["ID"], "AP")
    post_webhook("order.status.change", {"ID": placed["ID"], "STATUS_ID": "AP"})
    assert refetch_due() == 1
    order = Order.objects.get()
    assert (order.is_stub, order.status_id) == (False, "accepted")
    assert order.recipient_name == placed["properties"]["nameRecipient"]
    assert refetch_due() == 0


def test_an_order_deleted_on_the_site_is_pushed_no_more(site, shared_order, manager, post_webhook):
    change(shared_order, "accepted", manager)
    post_webhook("order.delete", {"ID": shared_order.bitrix_order_id})
    deliver_due()
    shared_order.refresh_from_db()
    assert (Push.objects.get().state, shared_order.sync_state, site.site.writes) == ("cancelled", "synced", 0)


def test_the_live_endpoint_gets_the_shape_it_knows(settings, manager):
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


def test_a_token_on_the_edge_of_what_is_kept_is_masked_whole(site, shared_order, manager, settings):
    change(shared_order, "accepted", manager)
    token = settings.BITRIX_API_TOKEN
    site.faults.give(faults.redirect("/" + "x" * (200 - len(token)) + token))
    deliver_due()
    assert token[:8] not in Push.objects.get().last_error


def test_no_token_in_what_is_kept(site, shared_order, manager, settings):
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
