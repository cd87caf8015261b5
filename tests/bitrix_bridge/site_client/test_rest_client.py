"""REST as the way out: statuses to the stand-in site over HTTP, what stays with the bridge, where the secret is not."""

import logging

import pytest

from bitrix_bridge.models import Push
from bitrix_bridge.payloads import read_order
from bitrix_bridge.refetch import refetch_due
from bitrix_bridge.sandbox import Sandbox, faults
from bitrix_bridge.site_client.rest_client import RestClient
from bitrix_bridge.site_client.transports import NoTransportError, SiteClient
from cvety_crm.masking import MaskingFormatter
from cvety_crm.outbox import MisconfiguredError, PermanentDeliveryError, deliver_due
from orders import services
from orders.models import Order, OrderEvent, Status
from tests.bitrix_bridge.outbound.test_delivery import change, made_here, make_due, status_on_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def by_rest(site, settings):
    """The site, by the bridge and by REST."""
    settings.BITRIX_REST_URL = site.rest_url
    return site


@pytest.fixture
def rest_only(by_rest, settings):
    """The site, by REST alone."""
    settings.BITRIX_API_URL = ""
    return by_rest


def asked(site):
    return [request["action"] for request in site.site.requests if request["action"] != "ping"]


def test_a_status_goes_by_rest(by_rest, shared_order, manager):
    change(shared_order, "accepted", manager)
    deliver_due()
    shared_order.refresh_from_db()
    assert (status_on_site(by_rest, shared_order), shared_order.sync_state) == ("AP", "synced")
    assert [name for name in asked(by_rest) if name != "sale.status.list"] == ["sale.order.get", "sale.order.update"]
    assert shared_order.bitrix_version == int(by_rest.site.order(shared_order.bitrix_order_id)["VERSION"])
    assert (Push.objects.get().state, by_rest.site.writes) == ("delivered", 1)


def test_the_echo_changes_nothing(by_rest, shared_order, manager, post_webhook):
    change(shared_order, "accepted", manager)
    deliver_due()
    echo = by_rest.sender.events[-1]
    assert post_webhook(echo.name, echo.data, event_id=echo.event_id).json()["action"] == "unchanged"
    assert (deliver_due(), by_rest.site.writes) == (0, 1)


def test_the_site_decided_otherwise_meanwhile(by_rest, shared_order, manager):
    by_rest.change_status(shared_order.bitrix_order_id, "DE")
    change(shared_order, "accepted", manager)
    deliver_due()
    shared_order.refresh_from_db()
    assert (shared_order.status_id, shared_order.sync_state) == ("declined", "conflict")
    assert shared_order.bitrix_version == int(by_rest.site.order(shared_order.bitrix_order_id)["VERSION"])
    assert (by_rest.site.writes, "sale.order.update" in asked(by_rest)) == (0, False)
    change(shared_order, "accepted", manager)  # the manager insists
    deliver_due()
    shared_order.refresh_from_db()
    assert (status_on_site(by_rest, shared_order), shared_order.sync_state) == ("AP", "synced")


@pytest.mark.parametrize("method", ["sale.order.get", "sale.order.update"])
@pytest.mark.parametrize(
    "fault",
    [
        faults.answer_lost(),
        faults.html(503),
        faults.status(503, body='{"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}'),
    ],
    ids=["answer lost", "html", "limit"],
)
def test_what_may_pass_is_repeated_and_done_once(by_rest, shared_order, manager, fault, method):
    change(shared_order, "accepted", manager)
    by_rest.faults.give(fault, action=method)
    deliver_due()
    push = Push.objects.get()
    assert (push.state, push.failures) == ("pending", 1)
    make_due(push)
    deliver_due()
    push.refresh_from_db()
    assert (push.state, status_on_site(by_rest, shared_order), by_rest.site.writes) == ("delivered", "AP", 1)


def test_the_site_has_no_such_order(by_rest, lone_order, manager):
    change(lone_order, "accepted", manager)
    deliver_due()
    assert (Push.objects.get().state, lone_order.events.first().reason) == ("failed", "order_gone")


def test_a_status_that_the_site_does_not_have_is_not_written(by_rest, shared_order, manager):
    Status.objects.filter(code="accepted").update(bitrix_codes=["ZZ"])
    change(shared_order, "accepted", manager)
    deliver_due()
    assert "ZZ" in Push.objects.get().last_error
    assert (Push.objects.get().state, status_on_site(by_rest, shared_order), by_rest.site.writes) == ("failed", "N", 0)


def test_a_handler_of_the_site_had_a_say(by_rest, shared_order, manager, monkeypatch):
    honest = RestClient._call

    def call(client, method, request):
        result = honest(client, method, request)
        if method == "sale.order.update":
            by_rest.change_status(shared_order.bitrix_order_id, "DE")
            result["order"]["statusId"] = "DE"
        return result

    monkeypatch.setattr(RestClient, "_call", call)
    change(shared_order, "accepted", manager)
    deliver_due()
    shared_order.refresh_from_db()
    assert (shared_order.status_id, shared_order.sync_state) == ("declined", "conflict")


def test_all_else_goes_by_the_bridge(by_rest, shared_order, manager):
    changes = {"comment": "перезвонить", "delivery_address": "Достык 5"}
    services.edit_order(order_id=shared_order.pk, changes=changes, actor=manager)
    change(shared_order, "accepted", manager)
    deliver_due()
    there = by_rest.site.order(shared_order.bitrix_order_id)
    assert (there["USER_DESCRIPTION"], there["STATUS_ID"]) == ("перезвонить", "AP")
    assert there["properties"]["addressRecipient"] == "Достык 5"
    assert {"order.update", "sale.order.update"} <= set(asked(by_rest))


def test_an_order_made_here_is_created_by_the_bridge_and_gets_its_status_by_rest(by_rest, manager):
    order = made_here(manager)
    change(order, "accepted", manager)
    deliver_due()
    order.refresh_from_db()
    assert (status_on_site(by_rest, order), order.sync_state, len(by_rest.site.all_orders())) == ("AP", "synced", 1)


class TestWithoutABridge:
    def test_columns_go_by_rest(self, rest_only, shared_order, manager):
        changes = {"comment": "перезвонить", "courier_comment": "домофон 7"}
        services.edit_order(order_id=shared_order.pk, changes=changes, actor=manager)
        deliver_due()
        there = rest_only.site.order(shared_order.bitrix_order_id)
        assert (there["USER_DESCRIPTION"], there["COMMENTS"]) == ("перезвонить", "домофон 7")
        shared_order.refresh_from_db()
        assert shared_order.sync_state == "synced"

    def test_what_it_can_not_do_says_so_and_keeps_no_status_back(self, rest_only, shared_order, manager):
        before = rest_only.site.order(shared_order.bitrix_order_id)["properties"]
        services.edit_order(order_id=shared_order.pk, changes={"delivery_address": "Достык 5"}, actor=manager)
        change(shared_order, "accepted", manager)
        deliver_due()
        push = Push.objects.get()
        assert (push.state, "bitrix_bridge/php" in push.last_error) == ("failed", True)
        there = rest_only.site.order(shared_order.bitrix_order_id)
        assert (there["STATUS_ID"], there["properties"]) == ("AP", before)

    def test_an_order_is_not_created(self, rest_only, manager):
        made_here(manager)
        deliver_due()
        assert "BITRIX_API_URL" in Push.objects.get().last_error
        assert rest_only.site.all_orders() == []

    def test_the_rest_of_a_stub_is_asked_for(self, rest_only, post_webhook):
        placed = rest_only.place_order()
        post_webhook("order.status.change", {"ID": placed["ID"], "STATUS_ID": "N"})
        assert Order.objects.get().is_stub
        assert refetch_due() == 1
        order = Order.objects.get()
        assert (order.is_stub, order.bitrix_order_id) == (False, int(placed["ID"]))
        assert order.recipient_name == placed["properties"]["nameRecipient"]
        assert order.items.count() == len(placed["basket"])
        assert asked(rest_only) == ["sale.order.get"]

    def test_it_is_read_as_the_webhook_is(self, rest_only):
        placed = rest_only.place_order()
        snapshot, told = read_order(SiteClient().get_order(int(placed["ID"]))), read_order(placed)
        assert (snapshot.version, snapshot.updated_at, snapshot.problems) == (told.version, told.updated_at, ())
        for field in ("status", "total_amount", "recipient_name", "delivery_address", "delivery_date", "city", "shop"):
            assert snapshot.fields[field] == told.fields[field]


class TestEndpointThatOnlyCreates:
    def test_what_rest_can_do_goes_by_rest(self, settings, post_webhook, manager):
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
    def test_only_columns_are_changed(self, rest_only, changes):
        with pytest.raises(MisconfiguredError):
            RestClient().update_order(1, changes)
        assert asked(rest_only) == []

    @pytest.mark.parametrize("behind", ["", "profile.json", "sale.order.get"])
    def test_the_address_may_be_copied_with_an_example_behind_it(self, rest_only, behind):
        placed = rest_only.place_order()
        client = RestClient(url=rest_only.rest_url + behind)
        assert client.get_order(int(placed["ID"]))["id"] == int(placed["ID"])

    @pytest.mark.parametrize("url", ["", "https://cvety.kz/", "https://cvety.kz/rest/", "cvety.kz/rest/1/abcdef12/"])
    def test_an_address_of_something_else_is_not_called(self, url):
        with pytest.raises(MisconfiguredError, match="BITRIX_REST_URL"):
            RestClient(url=url).get_order(1)

    @pytest.mark.parametrize("result", [[], {}, {"order": []}, {"order": {"statusId": "N"}}, None])
    def test_an_answer_without_an_order_is_shown_to_a_person(self, rest_only, result, monkeypatch):
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
    ids=["refused", "redirect", "page", "nobody listens"],
)
def test_the_secret_reaches_no_row_and_no_log(by_rest, shared_order, manager, settings, caplog, fault):
    caplog.set_level(logging.DEBUG)
    if fault is None:
        settings.BITRIX_REST_URL = f"http://127.0.0.1:9/rest/1/{by_rest.rest_secret}/"
    else:
        told = {"body": fault.body, "location": fault.location}
        told = {name: text.replace("{secret}", by_rest.rest_secret) for name, text in told.items()}
        by_rest.faults.give(type(fault)(**{**vars(fault), **told}), action="sale.order.get")
    change(shared_order, "accepted", manager)
    deliver_due()
    push = Push.objects.get()
    assert push.last_error
    rows = [*Push.objects.values(), *push.attempt_log.values(), *OrderEvent.objects.values(), *Order.objects.values()]
    assert by_rest.rest_secret not in str(rows)
    # As the logs' handlers write them: urllib3 names the path at the level DEBUG.
    assert by_rest.rest_secret not in "\n".join(map(MaskingFormatter().format, caplog.records))
