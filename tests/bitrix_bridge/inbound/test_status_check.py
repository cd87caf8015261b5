"""Tests of a status event that may be outdated: the order is fetched from the site, and the fetched status decides."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from bitrix_bridge.inbound import inbox, status_check
from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.sandbox import faults
from cvety_crm.outbox import WAITS, deliver_due
from orders.models import Customer, Order, Status
from tests.bitrix_bridge.outbound.test_delivery import change
from tests.bitrix_bridge.two_systems.test_examples import echo as echo

pytestmark = pytest.mark.django_db


@pytest.fixture
def updated_order(site, shared_order, manager):
    """Return an order that the CRM moved N -> AP -> PD on the site. Its webhooks have not arrived yet."""
    for status in ("accepted", "delivering"):
        change(shared_order, status, manager)
        deliver_due()
    shared_order.refresh_from_db()
    assert (shared_order.status_id, shared_order.sync_state) == ("delivering", "synced")
    return shared_order


@pytest.fixture
def post_status(post_webhook):
    """Return a function that posts a status like the site's earlier sender, and returns the stored event."""

    def post(order, code, event="order.status.change", **clocks):
        data = {"ID": str(order.bitrix_order_id), "STATUS_ID": code, **clocks}
        answer = post_webhook(event, data).json()
        return WebhookEvent.objects.get(pk=answer["event_id"])

    return post


def fetch_requests(site):
    return [request for request in site.site.requests if request.get("body", {}).get("action") == "order.get"]


def in_one_minute(**more):
    return (timezone.now() + timedelta(minutes=1, **more)).isoformat()


CLOCKS = [{}, {"DATE_STATUS": "late"}, {"DATE_STATUS": "late", "DATE_UPDATE": "late"}, {"webhook_timestamp": "late"}]


@pytest.mark.parametrize("clocks", CLOCKS, ids=lambda clocks: "+".join(clocks) or "no clock")
@pytest.mark.parametrize("code", ["AP", "N"])
class TestStatusCheck:
    def clocks_of(self, clocks):
        # The time is later than every known time. The clock of the sender is ahead, or the event got its time when it
        # was sent late.
        return dict.fromkeys(clocks, in_one_minute())

    def test_late_status_event_does_not_replace_ours(self, site, updated_order, post_status, code, clocks):
        row = post_status(updated_order, code, **self.clocks_of(clocks))
        updated_order.refresh_from_db()
        assert (updated_order.status_id, updated_order.sync_state) == ("delivering", "synced")
        assert (row.action, row.state, bool(row.error)) == ("stale", "waiting", True)
        assert status_check.check_status(str(updated_order.pk))
        row.refresh_from_db()
        updated_order.refresh_from_db()
        assert (row.action, row.state, row.retry_at, bool(row.error)) == ("stale", "processed", None, True)
        assert (updated_order.status_id, updated_order.sync_state, deliver_due()) == ("delivering", "synced", 0)
        assert "conflict" not in updated_order.events.values_list("kind", flat=True)

    def test_true_status_event_is_applied_after_fetch(self, site, updated_order, post_status, code, clocks):
        site.change_status(updated_order.bitrix_order_id, code)
        row = post_status(updated_order, code, **self.clocks_of(clocks))
        updated_order.refresh_from_db()
        assert updated_order.status_id == "delivering"
        assert status_check.check_status(str(updated_order.pk))
        row.refresh_from_db()
        updated_order.refresh_from_db()
        assert (row.state, row.action) == ("processed", "unchanged"), "the answer had brought it"
        assert (updated_order.status.bitrix_code, updated_order.sync_state, deliver_due()) == (code, "synced", 0)
        event = updated_order.events.first()
        assert (event.kind, event.source, event.changes[0]["new"]) == ("status", "bitrix", updated_order.status_id)


class TestUntilSiteAnswers:
    def test_status_check_is_queued_for_the_worker(
        self, updated_order, post_status, django_capture_on_commit_callbacks
    ):
        OrmQ.objects.all().delete()
        with django_capture_on_commit_callbacks(execute=True):
            post_status(updated_order, "AP")
        assert [task.func() for task in OrmQ.objects.all()] == ["bitrix_bridge.inbound.status_check.check_status"]

    def test_order_is_fetched_again_when_site_does_not_answer(
        self, site, updated_order, post_status, django_capture_on_commit_callbacks
    ):
        site.change_status(updated_order.bitrix_order_id, "AP")
        row = post_status(updated_order, "AP")
        site.faults.give(faults.status(503), action="order.get")
        assert not status_check.check_status(str(updated_order.pk))
        row.refresh_from_db()
        assert (row.state, row.attempts) == ("waiting", 1)
        WebhookEvent.objects.update(retry_at=timezone.now())
        OrmQ.objects.all().delete()
        with django_capture_on_commit_callbacks(execute=True):
            assert inbox.retry_due() == 1
        assert OrmQ.objects.count() == 1
        assert status_check.check_status(str(updated_order.pk))
        updated_order.refresh_from_db()
        row.refresh_from_db()
        assert (updated_order.status_id, row.state) == ("accepted", "processed")

    def test_other_event_does_not_end_the_status_check(self, site, updated_order, post_status):
        site.change_status(updated_order.bitrix_order_id, "AP")
        row = post_status(updated_order, "AP")
        assert post_status(updated_order, "PD").action == "unchanged"  # this event is the late echo of the CRM's change
        WebhookEvent.objects.update(retry_at=timezone.now())
        inbox.retry_due()
        row.refresh_from_db()
        assert row.state == "waiting"
        status_check.check_status(str(updated_order.pk))
        updated_order.refresh_from_db()
        assert updated_order.status_id == "accepted"

    def test_response_to_earlier_request_does_not_end_the_check(self, site, updated_order, post_status, monkeypatch):
        original = status_check.fetch_and_apply
        rows = []

        def fetch_after_other_event(order, timeout):
            original(order, timeout)
            site.change_status(updated_order.bitrix_order_id, "AP")
            rows.append(post_status(updated_order, "AP"))

        monkeypatch.setattr(status_check, "fetch_and_apply", fetch_after_other_event)
        status_check.check_status(str(updated_order.pk))
        (row,) = rows
        row.refresh_from_db()
        assert row.state == "waiting"
        monkeypatch.undo()
        status_check.check_status(str(updated_order.pk))
        updated_order.refresh_from_db()
        assert updated_order.status_id == "accepted"

    def test_whole_order_event_ends_the_status_check(self, site, updated_order, post_status, echo):
        site.change_status(updated_order.bitrix_order_id, "AP")
        row = post_status(updated_order, "AP")
        echo()
        updated_order.refresh_from_db()
        assert updated_order.status_id == "accepted"
        WebhookEvent.objects.filter(pk=row.pk).update(retry_at=timezone.now())
        inbox.retry_due()
        row.refresh_from_db()
        assert (row.state, row.action) == ("processed", "unchanged"), "nothing is left to ask"

    def test_status_check_fails_with_an_alert_after_last_retry(self, site, updated_order, post_status):
        row = post_status(updated_order, "AP")
        for _ in WAITS:
            WebhookEvent.objects.filter(pk=row.pk).update(retry_at=timezone.now())
            inbox.retry_due()
        row.refresh_from_db()
        assert (row.state, row.attempts) == ("failed", len(WAITS) + 1)
        # Staff process the event again after the site has become available.
        status_check.check_status(str(updated_order.pk))
        assert inbox.reprocess(row.pk).state == "processed"

    def test_deleted_order_is_not_fetched(self, site, updated_order, post_status, post_webhook):
        post_webhook("order.delete", {"ID": updated_order.bitrix_order_id})
        assert post_status(updated_order, "AP").state == "processed"


class TestWithoutCheck:
    @pytest.mark.parametrize(
        ("code", "status"), [("PD", "delivering"), ("CO", "completed"), ("DE", "declined")], ids=["same", "next", "new"]
    )
    def test_status_that_ours_did_not_replace_is_applied_at_once(self, site, updated_order, post_status, code, status):
        row = post_status(updated_order, code)
        updated_order.refresh_from_db()
        assert (updated_order.status_id, row.state, fetch_requests(site)) == (status, "processed", [])

    def test_status_with_a_version_is_applied_at_once(self, site, updated_order, post_webhook):
        version = updated_order.bitrix_version
        late = {"ID": updated_order.bitrix_order_id, "STATUS_ID": "AP", "VERSION": version - 1}
        assert post_webhook("order.status.change", late).json()["action"] == "stale"
        news = {**late, "VERSION": version + 1}
        assert post_webhook("order.status.change", news).json()["action"] == "status_changed"

    def test_status_is_applied_at_once_when_nothing_was_pushed(self, lone_order, post_status):
        for code in ("AP", "PD", "AP", "N"):
            assert post_status(lone_order, code).action == "status_changed"


def test_status_of_ours_that_site_replaced_is_checked_too(site, shared_order, manager, post_status, echo):
    change(shared_order, "accepted", manager)
    deliver_due()
    site.change_status(shared_order.bitrix_order_id, "CO")
    echo()
    assert post_status(shared_order, "AP").state == "waiting"
    shared_order.refresh_from_db()
    assert shared_order.status_id == "completed"


def test_pending_status_stays_pending_when_late_event_names_it(site, updated_order, post_status, manager):
    """The manager sets AP again. A late event then says that the site's status is AP."""
    Status.objects.filter(code="delivering").update(next_codes=[])
    site.faults.give(faults.status(503))
    change(updated_order, "accepted", manager)
    deliver_due()
    post_status(updated_order, "AP")
    updated_order.refresh_from_db()
    assert (updated_order.status_id, updated_order.sync_state) == ("accepted", "pending")
    status_check.check_status(str(updated_order.pk))
    updated_order.refresh_from_db()
    assert (updated_order.status_id, updated_order.sync_state) == ("accepted", "pending"), "the site still has PD"


def test_other_fields_of_order_without_version_are_applied(site, updated_order, post_webhook):
    late = {
        **site.site.order(updated_order.bitrix_order_id),
        "STATUS_ID": "AP",
        "COMMENTS": "домофон 7",
        "VERSION": None,
    }
    row = WebhookEvent.objects.get(pk=post_webhook("order.update", late).json()["event_id"])
    updated_order.refresh_from_db()
    assert (updated_order.status_id, updated_order.courier_comment) == ("delivering", "домофон 7")
    assert (row.action, row.state) == ("updated", "waiting")
    status_check.check_status(str(updated_order.pk))
    row.refresh_from_db()
    assert row.state == "processed"


def test_customer_of_fetched_order_is_read_as_in_an_event(site, updated_order, settings):
    settings.BITRIX_DEFAULT_USER_ID = int(site.site.order(updated_order.bitrix_order_id)["USER_ID"])
    Order.objects.update(customer=None)
    Customer.objects.all().delete()
    status_check.check_status(str(updated_order.pk))
    assert [customer.bitrix_user_id for customer in Customer.objects.all()] == [None], "known by the phone alone"
