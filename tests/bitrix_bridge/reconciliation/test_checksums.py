"""Tests of the checksum, which finds changes without an event and without a new version.

They are changes of properties, items and payments.
"""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bitrix_bridge.models import Difference
from bitrix_bridge.payloads.listing import ListedOrder, read_listed_order
from bitrix_bridge.reconciliation.comparison import CHECKSUM, VERSION, compare, looks_alike
from bitrix_bridge.reconciliation.decisions import Side, decide
from bitrix_bridge.reconciliation.labels import rows
from orders import services
from orders.models import Order, OrderEvent, Reason, Status
from orders.sync.agreement import Agreement
from tests.bitrix_bridge.reconciliation.conftest import found, outcomes
from tests.bitrix_bridge.reconciliation.test_comparison import CODES, PUSHED, VALUES, ours

pytestmark = pytest.mark.django_db

ROW = {**VALUES, "status": "N"}


def theirs(checksum, *, version=3, **values):
    return ListedOrder(5, None, version, {**ROW, **values}, checksum=checksum)


def verdict(our, their):
    return compare(our, their, codes=CODES, pushed=PUSHED)


def named(our, their):
    found = verdict(our, their)
    return [one.field for one in found.differences], list(found.on_their_way)


class TestCompare:
    @pytest.mark.parametrize("is_final", [False, True])
    def test_equal_checksums_are_no_difference(self, is_final):
        our = ours(checksum="a", is_final=is_final)
        assert named(our, theirs("a")) == ([], [])
        assert looks_alike(our, theirs("a"), CODES)

    @pytest.mark.parametrize("is_final", [False, True])
    def test_another_checksum_is_a_difference(self, is_final):
        our = ours(checksum="a", is_final=is_final)
        assert named(our, theirs("b")) == ([CHECKSUM], [])
        assert not looks_alike(our, theirs("b"), CODES)

    def test_missing_site_checksum_is_no_difference(self):
        assert named(ours(checksum="a"), theirs(None)) == ([], [])
        assert looks_alike(ours(checksum="a"), theirs(None), CODES)

    def test_unknown_checksum_of_an_active_order_is_a_difference(self):
        assert named(ours(), theirs("b")) == ([CHECKSUM], [])
        assert not looks_alike(ours(), theirs("b"), CODES)

    def test_unknown_checksum_of_a_final_order_is_no_difference(self):
        our = ours(is_final=True)
        assert named(our, theirs("b")) == ([], [])
        assert looks_alike(our, theirs("b"), CODES)
        assert not looks_alike(our, theirs("b", total_amount="7.00"), CODES)

    def test_another_version_is_reported_in_place_of_the_checksum(self):
        assert named(ours(checksum="a"), theirs("b", version=4)) == ([VERSION], [])

    def test_checksum_is_on_its_way_after_our_live_push(self):
        our = ours(checksum="a", sent={"postcard_text": ["x"]}, has_live_push=True)
        assert named(our, theirs("b")) == ([], [CHECKSUM])

    def test_checksum_is_a_difference_when_the_live_push_has_sent_nothing(self):
        assert named(ours(checksum="a", has_live_push=True), theirs("b")) == ([CHECKSUM], [])


def stored_checksum(order):
    order.refresh_from_db()
    return Agreement.from_json(order.bitrix_state).checksum


@pytest.mark.parametrize("raw", ["9f2c", "sha1:0a/+=", 12345])
def test_listed_checksum_is_read(raw):
    assert read_listed_order({"order_id": 5, "checksum": raw}).checksum == str(raw)


@pytest.mark.parametrize("raw", [None, "", [], {}, True, "с пробелом", "x" * 129])
def test_invalid_listed_checksum_is_ignored(raw):
    assert read_listed_order({"order_id": 5, "checksum": raw}).checksum is None


def test_checksum_of_a_complete_order_is_stored_only_in_its_state(site, place):
    (order,) = place(1)
    assert stored_checksum(order) == site.site.order(order.bitrix_order_id)["checksum"]
    assert "checksum" not in str(order.metadata).casefold()


def test_order_without_a_checksum_makes_it_unknown(site, place, post_webhook):
    """The older sender of the shop sends no checksum."""
    (order,) = place(1)
    site.site.update_order(order.bitrix_order_id, {"COMMENTS": "x"})
    data = {name: value for name, value in site.site.order(order.bitrix_order_id).items() if name != "checksum"}
    assert post_webhook("order.update", data).json()["action"] == "updated"
    assert stored_checksum(order) is None


def test_status_event_keeps_the_stored_checksum(place, post_webhook):
    (order,) = place(1)
    before = stored_checksum(order)
    post_webhook("order.status.change", {"ID": order.bitrix_order_id, "STATUS_ID": "AP"})
    assert stored_checksum(order) == before is not None


class TestRuns:
    def test_silent_property_change_is_found_and_applied(self, site, place, compare_sides):
        order, other = place(2)
        site.site.set_property_silently(order.bitrix_order_id, "addressRecipient", "Достык 5")
        assert found(compare_sides()) == {(order.bitrix_order_id, CHECKSUM)}
        run = compare_sides(repair=True)
        order.refresh_from_db()
        assert (outcomes(run), order.delivery_address) == ({"repaired": 1}, "Достык 5")
        assert order.events.first().reason == Reason.COMPARED
        assert compare_sides().differences == 0
        assert stored_checksum(other) is not None

    def test_checksum_difference_hides_values_and_offers_only_the_site(self, site, place, compare_sides, manager):
        (order,) = place(1)
        site.site.set_property_silently(order.bitrix_order_id, "addressRecipient", "Достык 5")
        difference = Difference.objects.select_related("order", "run", "resolved_by").get(run=compare_sides())
        (row,) = rows([difference], may_decide=True, reader=manager)
        assert difference.theirs not in (row.ours, row.theirs, row.label)
        assert [button.side for button in row.buttons] == ["site"]
        decide(difference.pk, Side.SITE, actor=manager)
        order.refresh_from_db()
        assert order.delivery_address == "Достык 5"

    def test_active_order_without_a_checksum_is_fetched(self, place, compare_sides):
        (order,) = place(1)
        self.clear_checksum(order)
        run = compare_sides(repair=True)
        assert (found(run), outcomes(run)) == ({(order.bitrix_order_id, CHECKSUM)}, {"repaired": 1})
        assert stored_checksum(order) is not None
        assert order.events.count() == 1, "nothing had changed"

    def test_checksums_of_final_orders_are_stored_with_one_query(self, site, place, compare_sides):
        place(3)
        counts = []
        for number in (0, 20):
            place(number)
            for order in Order.objects.all():
                self.make_final(site, order)
                self.clear_checksum(order)
            events = OrderEvent.objects.count()
            with CaptureQueriesContext(connection) as captured:
                run = compare_sides(repair=True)
            counts.append(len(captured))
            assert (run.differences, run.agreed) == (0, Order.objects.count())
            assert OrderEvent.objects.count() == events
            for order in Order.objects.all():
                assert stored_checksum(order) == site.site.order(order.bitrix_order_id)["checksum"]
        assert counts[0] == counts[1]
        assert len([one for one in captured if "jsonb_set" in one["sql"]]) == 1

    def test_final_order_with_another_difference_is_fetched(self, site, place, compare_sides):
        (order,) = place(1)
        self.make_final(site, order)
        self.clear_checksum(order)
        site.site.write_raw(order.bitrix_order_id, {"PRICE": "7.0000"})
        assert found(compare_sides(repair=True)) == {(order.bitrix_order_id, "total_amount")}
        assert stored_checksum(order) is not None

    def test_run_without_repair_stores_no_checksum(self, site, place, compare_sides):
        (order,) = place(1)
        self.make_final(site, order)
        self.clear_checksum(order)
        assert compare_sides().differences == 0
        assert stored_checksum(order) is None

    def test_listed_checksum_does_not_replace_a_newer_one(self, place):
        (order,) = place(1)
        listed = services.ListedChecksum(order.pk, order.bitrix_version, "older")
        services.note_checksums([listed])
        assert stored_checksum(order) != "older"
        self.clear_checksum(order)
        services.note_checksums([services.ListedChecksum(order.pk, order.bitrix_version + 1, "of another version")])
        assert stored_checksum(order) is None
        services.note_checksums([listed])
        assert stored_checksum(order) == "older"

    def test_rest_orders_without_checksums_have_no_difference(self, site, place, compare_sides, settings):
        (order,) = place(1)
        settings.BITRIX_REST_URL, settings.BITRIX_API_URL = site.rest_url, ""
        self.clear_checksum(order)
        assert compare_sides(repair=True).differences == 0

    def clear_checksum(self, order):
        order.refresh_from_db()
        order.bitrix_state["checksum"] = None
        order.save(update_fields=["bitrix_state"])

    def make_final(self, site, order):
        site.site.write_raw(order.bitrix_order_id, {"STATUS_ID": "F"})
        status = Status.objects.get(bitrix_codes__contains=["F"], is_final=True)
        Order.objects.filter(pk=order.pk).update(status=status)
