"""Tests of REST as the transport to the sandbox.

Statuses are sent over REST, and other requests over the bridge.
"""

import logging

import pytest

from bitrix_bridge.models import Push
from bitrix_bridge.payloads import read_order
from bitrix_bridge.refetch import refetch_due
from bitrix_bridge.sandbox import Sandbox, faults
from bitrix_bridge.site_client.rest_client import RestClient
from bitrix_bridge.site_client.transports import NoTransportError, SiteClient
from cvety_crm.log_formats import LineFormatter
from cvety_crm.outbox import MisconfiguredError, PermanentDeliveryError, deliver_due
from orders import services
from orders.models import Order, OrderEvent, Status
from tests.bitrix_bridge.outbound.test_delivery import change, made_here, make_due, status_on_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def with_rest(site, settings):
    """Return the site, which the CRM can reach over the bridge and over REST."""
    settings.BITRIX_REST_URL = site.rest_url
    return site


@pytest.fixture
def rest_only(with_rest, settings):
    """Return the site, which the CRM can reach only over REST."""
    settings.BITRIX_API_URL = ""
    return with_rest


def rest_methods(site):
    return [request["action"] for request in site.site.requests if request["action"] != "ping"]


def test_status_is_sent_over_rest(with_rest, shared_order, manager):
    change(shared_order, "accepted", manager)
    deliver_due()
    shared_order.refresh_from_db()
    assert (status_on_site(with_rest, shared_order), shared_order.sync_state) == ("AP", "synced")
    assert [name for name in rest_methods(with_rest) if name != "sale.status.list"] == [
        "sale.order.get",
        "sale.order.update",
    ]
    assert shared_order.bitrix_version == int(with_rest.site.order(shared_order.bitrix_order_id)["VERSION"])
    assert (Push.objects.get().state, with_rest.site.writes) == ("delivered", 1)


def test_echo_of_status_changes_nothing(with_rest, shared_order, manager, post_webhook):
    change(shared_order, "accepted", manager)
    deliver_due()
    echo = with_rest.sender.events[-1]
    assert post_webhook(echo.name, echo.data, event_id=echo.event_id).json()["action"] == "unchanged"
    assert (deliver_due(), with_rest.site.writes) == (0, 1)


def test_status_changed_on_site_is_a_conflict(with_rest, shared_order, manager):
    with_rest.change_status(shared_order.bitrix_order_id, "DE")
    change(shared_order, "accepted", manager)
    deliver_due()
    shared_order.refresh_from_db()
    assert (shared_order.status_id, shared_order.sync_state) == ("declined", "conflict")
    assert shared_order.bitrix_version == int(with_rest.site.order(shared_order.bitrix_order_id)["VERSION"])
    assert (with_rest.site.writes, "sale.order.update" in rest_methods(with_rest)) == (0, False)
    change(shared_order, "accepted", manager)  # the manager sets the status again
    deliver_due()
    shared_order.refresh_from_db()
    assert (status_on_site(with_rest, shared_order), shared_order.sync_state) == ("AP", "synced")


@pytest.mark.parametrize("method", ["sale.order.get", "sale.order.update"])
@pytest.mark.parametrize(
    "fault",
    [
        faults.answer_lost(),
        faults.html(503),
        faults.status(503, body='{"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}'),
    ],
    ids=["response lost", "html", "limit"],
)
def test_temporary_failure_is_retried_and_change_is_made_once(with_rest, shared_order, manager, fault, method):
    change(shared_order, "accepted", manager)
    with_rest.faults.give(fault, action=method)
    deliver_due()
    push = Push.objects.get()
    assert (push.state, push.failures) == ("pending", 1)
    make_due(push)
    deliver_due()
    push.refresh_from_db()
    assert (push.state, status_on_site(with_rest, shared_order), with_rest.site.writes) == ("delivered", "AP", 1)


def test_push_fails_when_site_has_no_such_order(with_rest, lone_order, manager):
    change(lone_order, "accepted", manager)
    deliver_due()
    assert (Push.objects.get().state, lone_order.events.first().reason) == ("failed", "order_gone")


def test_status_unknown_to_the_site_is_not_written(with_rest, shared_order, manager):
    Status.objects.filter(code="accepted").update(bitrix_codes=["ZZ"])
    change(shared_order, "accepted", manager)
    deliver_due()
    assert "ZZ" in Push.objects.get().last_error
    assert (Push.objects.get().state, status_on_site(with_rest, shared_order), with_rest.site.writes) == (
        "failed",
        "N",
        0,
    )


def test_status_changed_by_handler_of_site_is_a_conflict(with_rest, shared_order, manager, monkeypatch):
    honest = RestClient._call

    def call(client, method, request):
        result = honest(client, method, request)
        if method == "sale.order.update":
            with_rest.change_status(shared_order.bitrix_order_id, "DE")
            result["order"]["statusId"] = "DE"
        return result

    monkeypatch.setattr(RestClient, "_call", call)
    change(shared_order, "accepted", manager)
    deliver_due()
    shared_order.refresh_from_db()
    assert (shared_order.status_id, shared_order.sync_state) == ("declined", "conflict")


def test_other_changes_are_sent_over_the_bridge(with_rest, shared_order, manager):
    changes = {"comment": "перезвонить", "delivery_address": "Достык 5"}
    services.edit_order(order_id=shared_order.pk, changes=changes, actor=manager)
    change(shared_order, "accepted", manager)
    deliver_due()
    there = with_rest.site.order(shared_order.bitrix_order_id)
    assert (there["USER_DESCRIPTION"], there["STATUS_ID"]) == ("перезвонить", "AP")
    assert there["properties"]["addressRecipient"] == "Достык 5"
    assert {"order.update", "sale.order.update"} <= set(rest_methods(with_rest))


def test_new_order_is_created_over_bridge_and_status_sent_over_rest(with_rest, manager):
    order = made_here(manager)
    change(order, "accepted", manager)
    deliver_due()
    order.refresh_from_db()
    assert (status_on_site(with_rest, order), order.sync_state, len(with_rest.site.all_orders())) == ("AP", "synced", 1)


class TestWithoutBridge:
    def test_columns_are_changed_over_rest(self, rest_only, shared_order, manager):
        changes = {"comment": "перезвонить", "courier_comment": "домофон 7"}
        services.edit_order(order_id=shared_order.pk, changes=changes, actor=manager)
        deliver_due()
        there = rest_only.site.order(shared_order.bitrix_order_id)
        assert (there["USER_DESCRIPTION"], there["COMMENTS"]) == ("перезвонить", "домофон 7")
        shared_order.refresh_from_db()
        assert shared_order.sync_state == "synced"

    def test_unsupported_change_fails_and_status_is_sent(self, rest_only, shared_order, manager):
        before = rest_only.site.order(shared_order.bitrix_order_id)["properties"]
        services.edit_order(order_id=shared_order.pk, changes={"delivery_address": "Достык 5"}, actor=manager)
        change(shared_order, "accepted", manager)
        deliver_due()
        push = Push.objects.get()
        assert (push.state, "bitrix_bridge/php" in push.last_error) == ("failed", True)
        there = rest_only.site.order(shared_order.bitrix_order_id)
        assert (there["STATUS_ID"], there["properties"]) == ("AP", before)

    def test_new_order_cannot_be_created_over_rest(self, rest_only, manager):
        made_here(manager)
        deliver_due()
        assert "BITRIX_API_URL" in Push.objects.get().last_error
        assert rest_only.site.all_orders() == []

    def test_stub_is_completed_over_rest(self, rest_only, post_webhook):
        placed = rest_only.place_order()
        post_webhook("order.status.change", {"ID": placed["ID"], "STATUS_ID": "N"})
        assert Order.objects.get().is_stub
        assert refetch_due() == 1
        order = Order.objects.get()
        assert (order.is_stub, order.bitrix_order_id) == (False, int(placed["ID"]))
        assert order.recipient_name == placed["properties"]["nameRecipient"]
        assert order.items.count() == len(placed["basket"])
        assert rest_methods(rest_only) == ["sale.order.get"]

    def test_order_from_rest_equals_order_from_webhook(self, rest_only):
        placed = rest_only.place_order()
        snapshot, received = read_order(SiteClient().get_order(int(placed["ID"]))), read_order(placed)
        assert (snapshot.version, snapshot.updated_at, snapshot.problems) == (received.version, received.updated_at, ())
        for field in ("status", "total_amount", "recipient_name", "delivery_address", "delivery_date", "city", "shop"):
            assert snapshot.fields[field] == received.fields[field]


class TestEarlierEndpoint:
    def test_changes_supported_by_rest_are_sent_over_rest(self, settings, post_webhook, manager):
        with Sandbox(api_token=settings.BITRIX_API_TOKEN, legacy_bridge=True) as old:
            settings.BITRIX_API_URL, settings.BITRIX_REST_URL = old.bridge_url, old.rest_url
            post_webhook("order.create", old.place_order())
            order = Order.objects.get()
            services.edit_order(order_id=order.pk, changes={"comment": "важно"}, actor=manager)
            change(order, "accepted", manager)
            deliver_due()
            there = old.site.order(order.bitrix_order_id)
            assert (there["STATUS_ID"], there["USER_DESCRIPTION"], len(old.site.all_orders())) == ("AP", "важно", 1)
            with pytest.raises(NoTransportError):
                SiteClient().update_order(order.bitrix_order_id, {"properties": {"city": "2"}})


class TestRequests:
    @pytest.mark.parametrize(
        "changes",
        [
            {"properties": {"city": "2"}},
            {"fields": {"COMMENTS": "x"}, "items": []},
            {"fields": {"PRICE": "1"}},
            {},
        ],
    )
    def test_change_that_rest_does_not_support_is_refused(self, rest_only, changes):
        with pytest.raises(MisconfiguredError):
            RestClient().update_order(1, changes)
        assert rest_methods(rest_only) == []

    @pytest.mark.parametrize("behind", ["", "profile.json", "sale.order.get"])
    def test_example_method_after_the_address_is_ignored(self, rest_only, behind):
        placed = rest_only.place_order()
        client = RestClient(url=rest_only.rest_url + behind)
        assert client.get_order(int(placed["ID"]))["id"] == int(placed["ID"])

    @pytest.mark.parametrize("url", ["", "https://cvety.kz/", "https://cvety.kz/rest/", "cvety.kz/rest/1/abcdef12/"])
    def test_address_that_is_no_webhook_is_not_requested(self, url):
        with pytest.raises(MisconfiguredError, match="BITRIX_REST_URL"):
            RestClient(url=url).get_order(1)

    @pytest.mark.parametrize("result", [[], {}, {"order": []}, {"order": {"statusId": "N"}}, None])
    def test_response_without_an_order_is_a_permanent_failure(self, rest_only, result, monkeypatch):
        monkeypatch.setattr(RestClient, "_call", lambda *_args: result)
        with pytest.raises(PermanentDeliveryError):
            RestClient().get_order(1)


@pytest.mark.parametrize(
    "fault",
    [
        faults.status(401, body='{"error": "NO_AUTH_FOUND", "error_description": "Wrong {secret}"}'),
        faults.redirect("https://www.cvety.kz/rest/1/{secret}/sale.order.get"),
        faults.html(200, "<p>https://cvety.kz/rest/1/{secret}/ {secret}</p>"),
        None,
    ],
    ids=["refused", "redirect", "page", "no server"],
)
def test_secret_is_in_no_row_and_no_log(with_rest, shared_order, manager, settings, caplog, fault):
    caplog.set_level(logging.DEBUG)
    if fault is None:
        settings.BITRIX_REST_URL = f"http://127.0.0.1:9/rest/1/{with_rest.rest_secret}/"
    else:
        values = {"body": fault.body, "location": fault.location}
        values = {name: text.replace("{secret}", with_rest.rest_secret) for name, text in values.items()}
        with_rest.faults.give(type(fault)(**{**vars(fault), **values}), action="sale.order.get")
    change(shared_order, "accepted", manager)
    deliver_due()
    push = Push.objects.get()
    assert push.last_error
    rows = [*Push.objects.values(), *push.attempt_log.values(), *OrderEvent.objects.values(), *Order.objects.values()]
    assert with_rest.rest_secret not in str(rows)
    # The records are formatted as the log handlers format them, because urllib3 logs the path at the level DEBUG.
    assert with_rest.rest_secret not in "\n".join(map(LineFormatter().format, caplog.records))
