"""Tests of orders in the site's archive.

They are marked as archived and not as deleted, and receive no more pushes.
"""

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape
from django.utils.translation import gettext

from bitrix_bridge import refetch
from bitrix_bridge.inbound import status_check
from bitrix_bridge.models import Difference, Push, WebhookEvent
from bitrix_bridge.outbound.queueing import queue_missed
from bitrix_bridge.payloads import read_order
from bitrix_bridge.payloads.listing import read_listed_order
from bitrix_bridge.reconciliation import repair
from bitrix_bridge.reconciliation.decisions import Side, decide
from bitrix_bridge.sandbox import faults
from bitrix_bridge.site_client.errors import Meaning, OrderArchivedError, OrderNotFoundError, Transport, meaning_of
from bitrix_bridge.site_client.transports import SiteClient
from cvety_crm.outbox import State, deliver_due
from notifications.texts import _warnings
from orders import services
from orders.models import Order
from orders.presentation.timeline import timeline
from orders.selectors.dashboard import metrics
from orders.sync.snapshot import HistoryRead
from tests.bitrix_bridge.outbound.test_delivery import change, made_here, make_due
from tests.bitrix_bridge.reconciliation.conftest import compare_sides as compare_sides
from tests.bitrix_bridge.reconciliation.conftest import found, outcomes
from tests.bitrix_bridge.reconciliation.conftest import place as place

pytestmark = pytest.mark.django_db


def archive(site, *orders):
    for order in orders:
        site.site.archive_order(order.bitrix_order_id)


def marks(order):
    order.refresh_from_db()
    return order.is_archived_on_site, order.is_deleted_on_site


ARCHIVED, DELETED, THERE = (True, False), (False, True), (False, False)


@pytest.mark.parametrize(
    ("transport", "status", "code", "meaning"),
    [
        (Transport.BRIDGE, 404, "order_archived", Meaning.ARCHIVED),
        (Transport.BRIDGE, 404, "order_not_found", Meaning.NO_SUCH_ORDER),
        (Transport.BRIDGE, 422, "order_archived", Meaning.REFUSED),
        (Transport.REST, 404, "order_archived", Meaning.REFUSED),
    ],
)
def test_error_table_recognizes_archived_order(transport, status, code, meaning):
    assert meaning_of(transport, status, code, is_json=True) is meaning


def test_archived_order_is_not_reported_as_missing(site, shared_order):
    archive(site, shared_order)
    with pytest.raises(OrderArchivedError) as refusal:
        SiteClient().get_order(shared_order.bitrix_order_id)
    assert not isinstance(refusal.value, OrderNotFoundError)


def test_list_row_shows_that_order_is_archived(site, shared_order):
    archive(site, shared_order)
    (row,) = SiteClient().list_orders().orders
    assert (row.bitrix_order_id, row.is_archived, row.version) == (shared_order.bitrix_order_id, True, None)
    assert not read_listed_order({"order_id": 1, "archived": False}).is_archived


class TestMarking:
    def test_order_is_marked_as_archived_once(self, shared_order, manager):
        key = shared_order.bitrix_order_id
        assert services.mark_archived([key, 404], actor=manager) == [shared_order]
        assert marks(shared_order) == ARCHIVED
        event = shared_order.events.first()
        assert (event.kind, event.source, event.actor) == ("archived", "bitrix", manager)
        assert services.mark_archived([key]) == []
        assert shared_order.events.filter(kind="archived").count() == 1
        (entry,) = timeline([event])
        assert entry.title
        assert [(one.old, one.new) for one in entry.changes] == [("нет", "да")]

    def test_archived_order_is_no_longer_marked_as_deleted(self, shared_order):
        services.mark_deleted(bitrix_order_id=shared_order.bitrix_order_id)
        services.mark_archived([shared_order.bitrix_order_id])
        assert marks(shared_order) == ARCHIVED
        assert len(shared_order.events.first().changes) == 2

    def test_number_of_queries_is_constant_for_many_orders(self, place, django_assert_num_queries):
        for number in (2, 20):
            keys = [order.bitrix_order_id for order in place(number)]
            with django_assert_num_queries(5):  # two queries are for a savepoint, because a test is one transaction
                services.mark_archived(keys)

    def test_archived_order_has_no_pending_changes(self, shared_order, manager):
        change(shared_order, "accepted", manager)
        services.mark_archived([shared_order.bitrix_order_id])
        shared_order.refresh_from_db()
        assert (shared_order.sync_state, queue_missed()) == ("synced", 0)
        deliver_due()
        assert Push.objects.get().state == State.CANCELLED
        services.edit_order(order_id=shared_order.pk, changes={"comment": "x"}, actor=manager)
        shared_order.refresh_from_db()
        assert (shared_order.sync_state, Push.objects.count()) == ("synced", 1)


class TestPushes:
    @pytest.mark.parametrize("what", ["a status", "a field", "both"])
    def test_push_is_cancelled_when_order_is_archived(self, site, shared_order, manager, what):
        archive(site, shared_order)
        if what != "a field":
            change(shared_order, "accepted", manager)
        if what != "a status":
            services.edit_order(order_id=shared_order.pk, changes={"comment": "x"}, actor=manager)
        deliver_due()
        push = Push.objects.get()
        assert (push.state, push.last_error) == (State.CANCELLED, gettext("The order is in the site's archive."))
        assert marks(shared_order) == ARCHIVED
        assert (shared_order.sync_state, queue_missed(), deliver_due()) == ("synced", 0, 0)

    def test_repeated_create_reports_archived_order(self, site, manager):
        order = made_here(manager)
        site.faults.give(faults.answer_lost(), action="order.create")
        deliver_due()
        (there,) = site.site.all_orders()
        site.site.archive_order(int(there["ID"]))
        make_due(Push.objects.get())
        deliver_due()
        assert marks(order) == ARCHIVED
        assert (order.bitrix_order_id, site.site.all_orders()) == (int(there["ID"]), [])
        assert Push.objects.get().state == State.CANCELLED


class TestEvents:
    def test_event_takes_order_out_of_archive(self, site, shared_order, manager, post_webhook):
        data = site.site.order(shared_order.bitrix_order_id)
        services.mark_archived([shared_order.bitrix_order_id])
        newer = {**data, "VERSION": "7", "DATE_UPDATE": "2040-01-01 10:00:00"}
        assert post_webhook("order.update", newer).json()["action"] == "updated"
        assert marks(shared_order) == THERE
        assert shared_order.events.first().changes == [{"field": "is_archived_on_site", "old": True, "new": False}]
        change(shared_order, "accepted", manager)
        deliver_due()
        assert site.site.order(shared_order.bitrix_order_id)["STATUS_ID"] == "AP"

    def test_pending_change_is_sent_when_order_leaves_archive(self, site, shared_order, manager, post_webhook):
        data = site.site.order(shared_order.bitrix_order_id)
        services.mark_archived([shared_order.bitrix_order_id])
        services.edit_order(order_id=shared_order.pk, changes={"comment": "без лилий"}, actor=manager)
        post_webhook("order.update", {**data, "VERSION": "7", "DATE_UPDATE": "2040-01-01 10:00:00"})
        deliver_due()
        assert site.site.order(shared_order.bitrix_order_id)["USER_DESCRIPTION"] == "без лилий"

    def test_outdated_event_leaves_order_archived(self, site, shared_order, post_webhook):
        site.site.update_order(shared_order.bitrix_order_id, {"COMMENTS": "x"})
        newest = site.site.order(shared_order.bitrix_order_id)
        post_webhook("order.update", {**newest, "VERSION": "7", "DATE_UPDATE": "2040-01-01 10:00:00"})
        services.mark_archived([shared_order.bitrix_order_id])
        late = {**newest, "VERSION": "6", "DATE_UPDATE": "2039-01-01 10:00:00"}
        assert post_webhook("order.update", late).json()["action"] == "stale"
        assert marks(shared_order) == ARCHIVED

    def test_dump_import_leaves_order_archived(self, site, shared_order):
        data = site.site.order(shared_order.bitrix_order_id)
        services.mark_archived([shared_order.bitrix_order_id])
        services.record_histories([(read_order({**data, "VERSION": "7"}), HistoryRead())])
        assert marks(shared_order) == ARCHIVED

    def test_status_check_marks_order_as_archived(self, site, shared_order, post_webhook):
        newest = {**site.site.order(shared_order.bitrix_order_id), "VERSION": "7"}
        post_webhook("order.update", newest)
        row = WebhookEvent.objects.get(
            pk=post_webhook("order.update", {**newest, "VERSION": "3", "COMMENTS": "x"}).json()["event_id"]
        )
        assert row.state == "waiting"
        archive(site, shared_order)
        status_check.check_status(str(shared_order.pk))
        row.refresh_from_db()
        assert (row.state, marks(shared_order)) == ("processed", ARCHIVED)

    def test_deletion_of_archived_order_marks_it_as_deleted(self, shared_order, post_webhook):
        services.mark_archived([shared_order.bitrix_order_id])
        post_webhook("order.delete", {"ID": shared_order.bitrix_order_id})
        assert marks(shared_order) == DELETED

    def test_archived_stub_is_not_fetched_again(self, site, post_webhook):
        placed = site.place_order()
        post_webhook("order.status.change", {"ID": placed["ID"], "STATUS_ID": "N"})
        order = Order.objects.get()
        archive(site, order)
        refetch.refetch_due()
        assert (marks(order), order.is_stub) == (ARCHIVED, True)
        requests = len(site.site.requests)
        refetch.refetch_due()
        assert len(site.site.requests) == requests


class TestComparison:
    def test_archived_orders_are_marked_without_a_difference(self, site, place, compare_sides):
        orders = place(4)
        archive(site, *orders[:3])
        # A bridge that did not support archives has reported this order as deleted.
        services.mark_deleted(bitrix_order_id=orders[2].bitrix_order_id)
        run = compare_sides(repair=True)
        assert (run.compared, run.agreed, run.archived, run.differences) == (4, 1, 3, 0)
        assert [marks(order) for order in orders] == [ARCHIVED, ARCHIVED, ARCHIVED, THERE]
        assert orders[0].events.first().reason == "compared_archived"
        again = compare_sides(repair=True)
        assert (again.agreed, again.archived, again.differences) == (4, 0, 0)

    def test_comparison_without_repair_marks_no_order(self, site, place, compare_sides):
        (order,) = place(1)
        archive(site, order)
        run = compare_sides()
        assert (run.archived, run.differences, marks(order)) == (1, 0, THERE)

    def test_unknown_archived_order_is_ignored(self, site, place, compare_sides):
        place(1)
        site.site.archive_order(int(site.place_order()["ID"]))
        run = compare_sides(repair=True)
        assert (run.compared, run.missing_here, run.archived, Order.objects.count()) == (1, 0, 0, 1)

    def test_order_archived_after_list_request_is_marked(self, site, place, compare_sides, monkeypatch):
        (order,) = place(1)
        original = SiteClient.list_orders

        def list_orders(client, **options):
            page = original(client, **options)
            return type(page)(tuple(row for row in page.orders if not row.is_archived), page.is_last)

        archive(site, order)
        monkeypatch.setattr(SiteClient, "list_orders", list_orders)
        run = compare_sides(repair=True)
        assert (run.archived, run.missing_there, marks(order)) == (1, 0, ARCHIVED)

    def test_order_archived_before_repair_is_marked(self, site, place, compare_sides, monkeypatch):
        (order,) = place(1)
        site.site.write_raw(order.bitrix_order_id, {"PRICE": "7.0000"})
        original = repair.read_site_order

        def read(client, key):
            archive(site, order)
            monkeypatch.setattr(repair, "read_site_order", original)
            return original(client, key)

        monkeypatch.setattr(repair, "read_site_order", read)
        run = compare_sides(repair=True)
        assert (outcomes(run), marks(order)) == ({"repaired": 1}, ARCHIVED)

    def test_order_back_from_archive_is_fetched(self, site, place, compare_sides):
        (order,) = place(1)
        services.mark_archived([order.bitrix_order_id])
        assert found(compare_sides()) == {(order.bitrix_order_id, "is_archived_on_site")}
        assert outcomes(compare_sides(repair=True)) == {"repaired": 1}
        assert marks(order) == THERE

    def test_archive_marks_are_kept_when_transport_has_no_archive(self, site, place, compare_sides, settings):
        first, second = place(2)
        archive(site, first)
        services.mark_archived([first.bitrix_order_id])
        settings.BITRIX_REST_URL, settings.BITRIX_API_URL = site.rest_url, ""
        run = compare_sides(repair=True)
        assert (run.differences, marks(first), marks(second)) == (0, ARCHIVED, THERE)

    def test_many_archived_orders_do_not_count_as_restored_site(self, site, place, compare_sides, monkeypatch):
        monkeypatch.setattr("bitrix_bridge.reconciliation.repair.MOST_DELETED", 2)
        orders = place(5)
        archive(site, *orders)
        assert compare_sides(repair=True).archived == 5

    @pytest.mark.parametrize("field", ["total_amount", "version"])
    def test_manager_decides_difference_of_archived_order(self, site, place, compare_sides, manager, field):
        (order,) = place(1)
        if field == "version":
            site.site.update_order(order.bitrix_order_id, {"COMMENTS": "x"})
        else:
            site.site.write_raw(order.bitrix_order_id, {"PRICE": "7.0000"})
        difference = Difference.objects.get(run=compare_sides(), field=field)
        archive(site, order)
        decided = decide(difference.pk, Side.SITE, actor=manager)
        assert (decided.outcome, marks(order)) == ("resolved", ARCHIVED)
        assert decided.why == gettext("It is in the site's archive.")


class TestPages:
    @pytest.fixture
    def order(self, shared_order):
        services.mark_archived([shared_order.bitrix_order_id])
        shared_order.refresh_from_db()
        return shared_order

    @pytest.mark.usefixtures("template_contexts")
    def test_archive_is_shown_where_a_deletion_is_shown(self, order, manager, client):
        client.force_login(manager)
        page = client.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()
        assert escape(gettext("in the site's archive")) in page
        for value, count in (("archived", 1), ("deleted", 0)):
            listed = client.get(reverse("admin:orders_order_changelist"), {"problem": value})
            assert listed.context["cl"].result_count == count
        assert gettext("In the site's archive.") in "".join(_warnings(order))

    def test_archived_order_is_counted_like_any_other(self, order):
        today = timezone.localdate()
        Order.objects.filter(pk=order.pk).update(delivery_date=today)
        assert metrics(today).today.orders == 1
