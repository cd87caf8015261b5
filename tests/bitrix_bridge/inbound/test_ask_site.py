"""A status event that may be outdated: the order is fetched from the site, and its state decides."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from bitrix_bridge.inbound import ask_site, inbox
from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.sandbox import faults
from cvety_crm.outbox import WAITS, deliver_due
from orders.models import Customer, Order, Status
from tests.bitrix_bridge.outbound.test_delivery import change
from tests.bitrix_bridge.two_systems.test_examples import echo as echo

pytestmark = pytest.mark.django_db


@pytest.fixture
def moved_on(site, shared_order, manager):
    """Return an order that the CRM moved N -> AP -> PD on the site, whose webhooks have not arrived yet."""
    for status in ("accepted", "delivering"):
        change(shared_order, status, manager)
        deliver_due()
    shared_order.refresh_from_db()
    assert (shared_order.status_id, shared_order.sync_state) == ("delivering", "synced")
    return shared_order


@pytest.fixture
def bare(post_webhook):
    """Return a function that posts a status as the site's earlier sender does, and returns the stored event."""

    def post(order, code, event="order.status.change", **clocks):
        data = {"ID": str(order.bitrix_order_id), "STATUS_ID": code, **clocks}
        answer = post_webhook(event, data).json()
        return WebhookEvent.objects.get(pk=answer["event_id"])

    return post


def fetched_ids(site):
    return [request for request in site.site.requests if request.get("body", {}).get("action") == "order.get"]


def soon(**more):
    return (timezone.now() + timedelta(minutes=1, **more)).isoformat()


CLOCKS = [{}, {"DATE_STATUS": "late"}, {"DATE_STATUS": "late", "DATE_UPDATE": "late"}, {"webhook_timestamp": "late"}]


@pytest.mark.parametrize("clocks", CLOCKS, ids=lambda clocks: "+".join(clocks) or "no clock")
@pytest.mark.parametrize("code", ["AP", "N"])
class TestStatusCheck:
    def clocks_of(self, clocks):
        # Later than every known time, from a clock that is ahead or an event that got its time when it was sent late.
        return dict.fromkeys(clocks, soon())

    def test_late_status_event_does_not_replace_ours(self, site, moved_on, bare, code, clocks):
        row = bare(moved_on, code, **self.clocks_of(clocks))
        moved_on.refresh_from_db()
        assert (moved_on.status_id, moved_on.sync_state) == ("delivering", "synced")
        assert (row.action, row.state, bool(row.error)) == ("stale", "waiting", True)
        assert ask_site.ask(str(moved_on.pk))
        row.refresh_from_db()
        moved_on.refresh_from_db()
        assert (row.action, row.state, row.retry_at, bool(row.error)) == ("stale", "processed", None, True)
        assert (moved_on.status_id, moved_on.sync_state, deliver_due()) == ("delivering", "synced", 0)
        assert "conflict" not in moved_on.events.values_list("kind", flat=True)

    def test_true_status_event_is_applied_after_fetch(self, site, moved_on, bare, code, clocks):
        site.change_status(moved_on.bitrix_order_id, code)
        row = bare(moved_on, code, **self.clocks_of(clocks))
        moved_on.refresh_from_db()
        assert moved_on.status_id == "delivering"
        assert ask_site.ask(str(moved_on.pk))
        row.refresh_from_db()
        moved_on.refresh_from_db()
        assert (row.state, row.action) == ("processed", "unchanged"), "the answer had brought it"
        assert (moved_on.status.bitrix_code, moved_on.sync_state, deliver_due()) == (code, "synced", 0)
        event = moved_on.events.first()
        assert (event.kind, event.source, event.changes[0]["new"]) == ("status", "bitrix", moved_on.status_id)


class TestUntilSiteAnswers:
    def test_status_check_is_queued_for_the_worker(self, moved_on, bare, django_capture_on_commit_callbacks):
        OrmQ.objects.all().delete()
        with django_capture_on_commit_callbacks(execute=True):
            bare(moved_on, "AP")
        assert [task.func() for task in OrmQ.objects.all()] == ["bitrix_bridge.inbound.ask_site.ask"]

    def test_order_is_fetched_again_when_site_does_not_answer(
        self, site, moved_on, bare, django_capture_on_commit_callbacks
    ):
        site.change_status(moved_on.bitrix_order_id, "AP")
        row = bare(moved_on, "AP")
        site.faults.give(faults.status(503), action="order.get")
        assert not ask_site.ask(str(moved_on.pk))
        row.refresh_from_db()
        assert (row.state, row.attempts) == ("waiting", 1)
        WebhookEvent.objects.update(retry_at=timezone.now())
        OrmQ.objects.all().delete()
        with django_capture_on_commit_callbacks(execute=True):
            assert inbox.retry_due() == 1
        assert OrmQ.objects.count() == 1
        assert ask_site.ask(str(moved_on.pk))
        moved_on.refresh_from_db()
        row.refresh_from_db()
        assert (moved_on.status_id, row.state) == ("accepted", "processed")

    def test_other_event_does_not_end_the_status_check(self, site, moved_on, bare):
        site.change_status(moved_on.bitrix_order_id, "AP")
        row = bare(moved_on, "AP")
        assert bare(moved_on, "PD").action == "unchanged"  # the late echo of our change
        WebhookEvent.objects.update(retry_at=timezone.now())
        inbox.retry_due()
        row.refresh_from_db()
        assert row.state == "waiting"
        ask_site.ask(str(moved_on.pk))
        moved_on.refresh_from_db()
        assert moved_on.status_id == "accepted"

    def test_response_to_earlier_request_does_not_end_the_check(self, site, moved_on, bare, monkeypatch):
        original = ask_site.fetch_and_apply
        rows = []

        def fetch_after_other_event(order, timeout):
            original(order, timeout)
            site.change_status(moved_on.bitrix_order_id, "AP")
            rows.append(bare(moved_on, "AP"))

        monkeypatch.setattr(ask_site, "fetch_and_apply", fetch_after_other_event)
        ask_site.ask(str(moved_on.pk))
        (row,) = rows
        row.refresh_from_db()
        assert row.state == "waiting"
        monkeypatch.undo()
        ask_site.ask(str(moved_on.pk))
        moved_on.refresh_from_db()
        assert moved_on.status_id == "accepted"

    def test_whole_order_event_ends_the_status_check(self, site, moved_on, bare, echo):
        site.change_status(moved_on.bitrix_order_id, "AP")
        row = bare(moved_on, "AP")
        echo()
        moved_on.refresh_from_db()
        assert moved_on.status_id == "accepted"
        WebhookEvent.objects.filter(pk=row.pk).update(retry_at=timezone.now())
        inbox.retry_due()
        row.refresh_from_db()
        assert (row.state, row.action) == ("processed", "unchanged"), "nothing is left to ask"

    def test_status_check_fails_with_an_alert_after_last_retry(self, site, moved_on, bare):
        row = bare(moved_on, "AP")
        for _ in WAITS:
            WebhookEvent.objects.filter(pk=row.pk).update(retry_at=timezone.now())
            inbox.retry_due()
        row.refresh_from_db()
        assert (row.state, row.attempts) == ("failed", len(WAITS) + 1)
        # Staff process the event again when the site is available.
        ask_site.ask(str(moved_on.pk))
        assert inbox.reprocess(row.pk).state == "processed"

    def test_deleted_order_is_not_fetched(self, site, moved_on, bare, post_webhook):
        post_webhook("order.delete", {"ID": moved_on.bitrix_order_id})
        assert bare(moved_on, "AP").state == "processed"


class TestWithoutCheck:
    @pytest.mark.parametrize(
        ("code", "status"), [("PD", "delivering"), ("CO", "completed"), ("DE", "declined")], ids=["same", "next", "new"]
    )
    def test_status_that_ours_did_not_replace_is_applied_at_once(self, site, moved_on, bare, code, status):
        row = bare(moved_on, code)
        moved_on.refresh_from_db()
        assert (moved_on.status_id, row.state, fetched_ids(site)) == (status, "processed", [])

    def test_status_with_a_version_is_applied_at_once(self, site, moved_on, post_webhook):
        version = moved_on.bitrix_version
        late = {"ID": moved_on.bitrix_order_id, "STATUS_ID": "AP", "VERSION": version - 1}
        assert post_webhook("order.status.change", late).json()["action"] == "stale"
        news = {**late, "VERSION": version + 1}
        assert post_webhook("order.status.change", news).json()["action"] == "status_changed"

    def test_status_is_applied_at_once_when_nothing_was_pushed(self, lone_order, bare):
        for code in ("AP", "PD", "AP", "N"):
            assert bare(lone_order, code).action == "status_changed"


def test_status_of_ours_that_site_replaced_is_checked_too(site, shared_order, manager, bare, echo):
    change(shared_order, "accepted", manager)
    deliver_due()
    site.change_status(shared_order.bitrix_order_id, "CO")
    echo()
    assert bare(shared_order, "AP").state == "waiting"
    shared_order.refresh_from_db()
    assert shared_order.status_id == "completed"


def test_pending_status_is_sent_although_late_event_names_it(site, moved_on, bare, manager):
    """The manager sets AP again, and a late event names AP as the site's status."""
    Status.objects.filter(code="delivering").update(next_codes=[])
    site.faults.give(faults.status(503))
    change(moved_on, "accepted", manager)
    deliver_due()
    bare(moved_on, "AP")
    moved_on.refresh_from_db()
    assert (moved_on.status_id, moved_on.sync_state) == ("accepted", "pending")
    ask_site.ask(str(moved_on.pk))
    moved_on.refresh_from_db()
    assert (moved_on.status_id, moved_on.sync_state) == ("accepted", "pending"), "the site still has PD"


def test_other_fields_of_order_without_version_are_applied(site, moved_on, post_webhook):
    late = {**site.site.order(moved_on.bitrix_order_id), "STATUS_ID": "AP", "COMMENTS": "домофон 7", "VERSION": None}
    row = WebhookEvent.objects.get(pk=post_webhook("order.update", late).json()["event_id"])
    moved_on.refresh_from_db()
    assert (moved_on.status_id, moved_on.courier_comment) == ("delivering", "домофон 7")
    assert (row.action, row.state) == ("updated", "waiting")
    ask_site.ask(str(moved_on.pk))
    row.refresh_from_db()
    assert row.state == "processed"


def test_customer_of_fetched_order_is_read_as_in_an_event(site, moved_on, settings):
    settings.BITRIX_DEFAULT_USER_ID = int(site.site.order(moved_on.bitrix_order_id)["USER_ID"])
    Order.objects.update(customer=None)
    Customer.objects.all().delete()
    ask_site.ask(str(moved_on.pk))
    assert [customer.bitrix_user_id for customer in Customer.objects.all()] == [None], "known by the phone alone"
