"""VERSION is what Bitrix has loaded plus one: of saves that overlap it may fall, or two may make the same one."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from bitrix_bridge import refetch
from bitrix_bridge.inbound import ask_site, inbox
from bitrix_bridge.models import WebhookEvent
from bitrix_bridge.payloads import read_order
from bitrix_bridge.sandbox import faults
from bitrix_bridge.site_client.bridge_client import BridgeClient
from cvety_crm.outbox import WAITS, deliver_due
from orders import services
from orders.models import Order
from orders.sync.snapshot import HistoryRead
from orders.sync.three_way_merge import Agreement
from tests.bitrix_bridge.outbound.test_delivery import change, made_here

pytestmark = pytest.mark.django_db

FORM = "%Y-%m-%d %H:%M:%S"


@pytest.fixture
def shared_order(site, shared_order, post_webhook):
    """An order of which the CRM knows version 10."""
    site.site.write_raw(shared_order.bitrix_order_id, {"VERSION": "10"})
    post_webhook("order.update", site.site.order(shared_order.bitrix_order_id))
    shared_order.refresh_from_db()
    assert shared_order.bitrix_version == 10
    return shared_order


@pytest.fixture
def site_saves(site):
    """Let a process of the site that has loaded an older version save now; return what it announces."""

    def save(order, version, *, seconds=60, **columns):
        key = order.bitrix_order_id
        date = datetime.strptime(site.site.order(key)["DATE_UPDATE"], FORM) + timedelta(seconds=seconds)  # noqa: DTZ007
        changes = {"VERSION": str(version), "DATE_UPDATE": date.strftime(FORM), **columns}
        site.site.write_raw(key, changes)
        return site.site.order(key)

    return save


@pytest.fixture
def hear(post_webhook):
    """Post a whole order; return the row that is kept of it."""

    def hear(data):
        return WebhookEvent.objects.get(pk=post_webhook("order.update", data).json()["event_id"])

    return hear


PAID = {"PAYED": "Y", "SUM_PAID": "9000.00"}


def edit(order, manager, **changes):
    services.edit_order(order_id=order.pk, changes=changes, actor=manager)
    deliver_due()
    order.refresh_from_db()


def state(order):
    order.refresh_from_db()
    return Agreement.from_json(order.bitrix_state)


def asked(site):
    return [request for request in site.site.requests if request.get("body", {}).get("action") == "order.get"]


def test_a_payment_under_a_lower_version_is_not_lost(site, shared_order, manager, site_saves, hear):
    """The buyer's payment had loaded the order before two pushes of ours."""
    edit(shared_order, manager, comment="без лилий")
    edit(shared_order, manager, courier_comment="домофон 7")
    row = hear(site_saves(shared_order, 11, **PAID))
    assert (row.action, row.state, bool(row.error)) == ("stale", "waiting", True)
    shared_order.refresh_from_db()
    assert shared_order.payment_status == "pending"
    assert ask_site.ask(str(shared_order.pk))
    row.refresh_from_db()
    shared_order.refresh_from_db()
    assert (row.action, row.state) == ("stale", "processed")
    assert (shared_order.payment_status, shared_order.paid_amount, shared_order.bitrix_version) == ("paid", 9000, 11)
    assert (shared_order.comment, shared_order.courier_comment) == ("без лилий", "домофон 7")
    assert (shared_order.sync_state, deliver_due()) == ("synced", 0)


def test_so_it_is_of_an_order_of_which_only_answers_were_heard(site, manager, site_saves, hear):
    order = made_here(manager)
    deliver_due()
    order.refresh_from_db()
    edit(order, manager, comment="без лилий")
    row = hear(site_saves(order, 0, **PAID))
    assert row.state == "waiting"
    ask_site.ask(str(order.pk))
    order.refresh_from_db()
    assert (order.payment_status, order.comment) == ("paid", "без лилий")


@pytest.mark.parametrize("seconds", [0, 5], ids=["the same second", "later"])
def test_a_lower_version_that_is_not_older_is_asked_about(shared_order, site, manager, site_saves, hear, seconds):
    for number in range(2):
        site.site.update_order(shared_order.bitrix_order_id, {"COMMENTS": str(number)})
    hear(site.site.order(shared_order.bitrix_order_id))
    assert hear(site_saves(shared_order, 11, seconds=seconds, **PAID)).state == "waiting"
    ask_site.ask(str(shared_order.pk))
    shared_order.refresh_from_db()
    assert shared_order.payment_status == "paid"


def test_a_higher_version_that_is_older_is_asked_about(site, shared_order, site_saves, hear):
    older = {**site.site.order(shared_order.bitrix_order_id), "VERSION": "19", "COMMENTS": "старое"}
    hear(site_saves(shared_order, 10, seconds=300, **PAID))
    shared_order.refresh_from_db()
    assert shared_order.payment_status == "paid", "a tie in VERSION is left to the date"
    row = hear(older)
    assert (row.action, row.state) == ("stale", "waiting")
    ask_site.ask(str(shared_order.pk))
    row.refresh_from_db()
    shared_order.refresh_from_db()
    assert (row.state, shared_order.payment_status, shared_order.bitrix_version) == ("processed", "paid", 10)
    assert shared_order.courier_comment != "старое"


def test_what_is_older_by_both_is_not_asked_about(site, shared_order, site_saves, hear):
    late = site_saves(shared_order, 11, seconds=1)
    hear(site_saves(shared_order, 12, seconds=60, **PAID))
    row = hear({**late, "COMMENTS": "старое"})
    assert (row.action, row.state, asked(site)) == ("stale", "processed", [])


def test_an_order_that_only_a_status_has_overtaken_is_asked_about(site, shared_order, site_saves, hear, post_webhook):
    """The event about the status named a newer version, but not what else had changed by then."""
    paid = site_saves(shared_order, 11, seconds=1, **PAID)
    newer = site_saves(shared_order, 12, seconds=60, STATUS_ID="AP")
    bare = {name: newer[name] for name in ("ID", "STATUS_ID", "VERSION", "DATE_UPDATE")}
    assert post_webhook("order.status.change", bare).json()["action"] == "status_changed"
    assert hear(paid).state == "waiting"
    ask_site.ask(str(shared_order.pk))
    shared_order.refresh_from_db()
    assert (shared_order.payment_status, shared_order.status_id) == ("paid", "accepted")


class TestUntilTheSiteHasAnswered:
    def test_the_event_waits_and_is_repeated(self, site, shared_order, manager, site_saves, hear):
        edit(shared_order, manager, comment="без лилий")
        edit(shared_order, manager, comment="без роз")
        row = hear(site_saves(shared_order, 11, **PAID))
        site.faults.give(faults.status(503), action="order.get")
        assert not ask_site.ask(str(shared_order.pk))
        for _ in WAITS:
            row.refresh_from_db()
            assert row.state == "waiting"
            WebhookEvent.objects.filter(pk=row.pk).update(retry_at=timezone.now())
            inbox.retry_due()
        row.refresh_from_db()
        assert row.state == "failed", "loudly, and kept"
        assert ask_site.ask(str(shared_order.pk))
        assert inbox.reprocess(row.pk).state == "processed"
        shared_order.refresh_from_db()
        assert shared_order.payment_status == "paid"

    def test_an_event_of_the_same_second_does_not_undo_the_answer(self, site, shared_order, manager, site_saves, hear):
        edit(shared_order, manager, comment="без лилий")
        edit(shared_order, manager, comment="без роз")
        event = site_saves(shared_order, 11, COMMENTS="первое")
        row = hear(event)
        site_saves(shared_order, 11, seconds=0, COMMENTS="второе")
        ask_site.ask(str(shared_order.pk))
        row.refresh_from_db()
        shared_order.refresh_from_db()
        assert (row.state, shared_order.courier_comment) == ("processed", "второе")

    def test_a_read_that_an_event_of_the_same_version_has_overtaken_is_made_again(
        self, site, shared_order, site_saves, hear, monkeypatch
    ):
        honest = refetch.read_site_order

        def read(client, key):
            snapshot = honest(client, key)
            monkeypatch.setattr(refetch, "read_site_order", honest)
            assert hear(site_saves(shared_order, 10, **PAID)).action == "updated"
            return snapshot

        monkeypatch.setattr(refetch, "read_site_order", read)
        ask_site.ask(str(shared_order.pk))
        shared_order.refresh_from_db()
        assert (shared_order.payment_status, len(asked(site))) == ("paid", 2)

    def test_the_answer_of_a_read_that_was_overtaken_each_time_is_none(
        self, site, shared_order, manager, site_saves, hear, monkeypatch
    ):
        edit(shared_order, manager, comment="без лилий")
        edit(shared_order, manager, comment="без роз")
        row = hear(site_saves(shared_order, 11, **PAID))
        honest, seconds = refetch.read_site_order, iter(range(1, 9))

        def read(client, key):
            snapshot = honest(client, key)
            hear(site_saves(shared_order, 12, seconds=next(seconds), PAYED="N", SUM_PAID="0.00"))
            return snapshot

        monkeypatch.setattr(refetch, "read_site_order", read)
        assert not ask_site.ask(str(shared_order.pk))
        row.refresh_from_db()
        assert row.state == "waiting"


class TestTwins:
    """Our save and one of the site have made the same version; the site's was first, and is told of last."""

    def test_what_the_answer_said_is_not_undone_by_it(self, site, shared_order, manager, site_saves, hear):
        before = site.site.order(shared_order.bitrix_order_id)
        change(shared_order, "accepted", manager)
        deliver_due()
        date = (datetime.strptime(before["DATE_UPDATE"], FORM) + timedelta(seconds=1)).strftime(FORM)  # noqa: DTZ007
        twin = {**before, "VERSION": "11", "DATE_UPDATE": date, "COMMENTS": "домофон 7"}
        row = hear(twin)
        shared_order.refresh_from_db()
        assert (row.state, shared_order.status_id) == ("waiting", "accepted")
        site_saves(shared_order, 11, COMMENTS="домофон 7")
        ask_site.ask(str(shared_order.pk))
        row.refresh_from_db()
        shared_order.refresh_from_db()
        assert (row.state, shared_order.status_id, shared_order.courier_comment) == (
            "processed",
            "accepted",
            "домофон 7",
        )

    def test_the_echo_of_ours_is_none(self, site, shared_order, manager, hear):
        change(shared_order, "accepted", manager)
        deliver_due()
        row = hear(site.site.order(shared_order.bitrix_order_id))
        assert (row.action, row.state) == ("unchanged", "processed")


class TestHeard:
    """Of which version the whole order is known: nothing is said to be heard that was not."""

    def test_the_next_version_is_ours(self, shared_order, manager):
        edit(shared_order, manager, comment="без лилий")
        assert (shared_order.bitrix_version, state(shared_order).received_version) == (11, 11)

    def test_the_same_version_again_is_another_state(self, site, shared_order, manager, site_saves, hear):
        edit(shared_order, manager, comment="без лилий")
        site_saves(shared_order, 10, **PAID)  # of which no event arrives
        edit(shared_order, manager, comment="без роз")
        assert (shared_order.bitrix_version, state(shared_order).received_version) == (11, None)

    def test_a_push_that_changed_nothing_there_leaves_it(self, site, shared_order, manager):
        edit(shared_order, manager, comment="без лилий")
        site.faults.give(faults.status(503), action="order.update")
        services.edit_order(order_id=shared_order.pk, changes={"comment": "без роз"}, actor=manager)
        deliver_due()
        edit(shared_order, manager, comment="без лилий")
        assert (shared_order.bitrix_version, state(shared_order).received_version) == (11, 11)

    def test_a_status_that_the_site_refused_was_another_state(self, site, shared_order, manager, site_saves):
        edit(shared_order, manager, comment="без лилий")
        site_saves(shared_order, 11, STATUS_ID="DE", **PAID)
        change(shared_order, "accepted", manager)
        deliver_due()
        shared_order.refresh_from_db()
        assert (shared_order.status_id, state(shared_order).received_version) == ("declined", None)


class TestAnswersThatAnEventHasOvertaken:
    @pytest.fixture
    def meanwhile(self, monkeypatch):
        def meanwhile(happening, method="update_order"):
            honest = getattr(BridgeClient, method)

            def call(client, *args, **kwargs):
                answer = honest(client, *args, **kwargs)
                monkeypatch.setattr(BridgeClient, method, honest)
                happening()
                return answer

            monkeypatch.setattr(BridgeClient, method, call)

        return meanwhile

    def test_the_site_is_asked_when_nothing_says_which_was_first(
        self, site, shared_order, manager, site_saves, hear, meanwhile, django_capture_on_commit_callbacks
    ):
        def another_address_under_the_same_version():
            properties = {**site.site.order(shared_order.bitrix_order_id)["properties"], "addressRecipient": "Абая 1"}
            assert hear(site_saves(shared_order, 11, properties=properties)).state == "processed"

        meanwhile(another_address_under_the_same_version)
        OrmQ.objects.all().delete()
        with django_capture_on_commit_callbacks(execute=True):
            edit(shared_order, manager, delivery_address="Достык 5")
        assert state(shared_order).is_unclear
        assert "bitrix_bridge.inbound.ask_site.ask" in [task.func() for task in OrmQ.objects.all()]
        ask_site.ask(str(shared_order.pk))
        shared_order.refresh_from_db()
        assert (shared_order.delivery_address, shared_order.sync_state) == ("Абая 1", "synced")
        assert not state(shared_order).is_unclear
        assert state(shared_order).received_version == 11

    def test_its_echo_leaves_nothing_to_ask(self, site, shared_order, manager, hear, meanwhile):
        meanwhile(lambda: hear(site.site.order(shared_order.bitrix_order_id)))
        edit(shared_order, manager, delivery_address="Достык 5")
        assert (state(shared_order).is_unclear, state(shared_order).received_version) == (False, 11)
        assert (shared_order.sync_state, asked(site)) == ("synced", [])

    def test_a_refused_status_is_looked_at_again(self, site, shared_order, manager, site_saves, hear, monkeypatch):
        """The answer says that the site has DE; meanwhile, under the same version, it has AP."""
        site_saves(shared_order, 11, STATUS_ID="DE")
        honest = BridgeClient.set_status

        def call(client, *args, **kwargs):
            monkeypatch.setattr(BridgeClient, "set_status", honest)
            try:
                return honest(client, *args, **kwargs)
            finally:
                hear(site_saves(shared_order, 11, STATUS_ID="AP"))

        monkeypatch.setattr(BridgeClient, "set_status", call)
        change(shared_order, "accepted", manager)
        deliver_due()
        shared_order.refresh_from_db()
        assert (shared_order.status_id, shared_order.sync_state) == ("accepted", "synced")
        assert "conflict" not in shared_order.events.values_list("kind", flat=True)


def test_a_repetition_does_not_hide_what_the_site_has_done_since(site, shared_order, manager, site_saves, hear):
    """Our address made version 11, its answer was lost; then the site's own, begun before it, made 11 too."""
    services.edit_order(order_id=shared_order.pk, changes={"delivery_address": "Достык 5"}, actor=manager)
    site.faults.give(faults.answer_lost(), action="order.update")
    deliver_due()
    properties = {**site.site.order(shared_order.bitrix_order_id)["properties"], "addressRecipient": "Абая 1"}
    hear(site_saves(shared_order, 11, properties=properties))
    shared_order.pushes.update(due_at=timezone.now())
    deliver_due()
    assert site.site.order(shared_order.bitrix_order_id)["properties"]["addressRecipient"] == "Абая 1"
    assert state(shared_order).is_unclear
    ask_site.ask(str(shared_order.pk))
    shared_order.refresh_from_db()
    assert (shared_order.delivery_address, Order.objects.count()) == ("Абая 1", 1)


def test_a_copy_of_the_site_does_not_decide_a_doubt(site, shared_order, site_saves, hear):
    """It may be older under a higher version: what was heard stands."""
    copied = read_order({**site.site.order(shared_order.bitrix_order_id), "VERSION": "19"})
    hear(site_saves(shared_order, 10, **PAID))
    assert services.record_history(snapshot=copied, history=HistoryRead()).outcome == services.Outcome.STALE
    shared_order.refresh_from_db()
    assert (shared_order.payment_status, shared_order.bitrix_version) == ("paid", 10)
