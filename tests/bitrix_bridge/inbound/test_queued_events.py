"""Tests of events that are stored first, because more arrive than can be processed at once."""

import os
import socket
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ

from bitrix_bridge import probes
from bitrix_bridge.inbound import inbox, order_events, pressure, queue_processing, queued_events
from bitrix_bridge.inbound.pressure import HOLD, Pressure
from bitrix_bridge.models import WebhookEvent
from cvety_crm import listen_queue
from cvety_crm.ops.health import Level
from orders.models import Order
from tests.locks import waits_for_lock
from tests.samples import next_version, order_data


@pytest.fixture
def busy(settings):
    """Return a function that switches the pressure on and off."""

    def switch(is_on):
        settings.WEBHOOK_TIME_BUDGET = 0 if is_on else -1

    switch(True)
    return switch


@pytest.fixture(autouse=True)
def no_delay(monkeypatch):
    monkeypatch.setattr(queue_processing, "DELAY", 0.0)


@pytest.mark.django_db(transaction=True)
class TestQueue:
    def test_event_is_stored_with_one_statement_and_processed_by_the_task(self, busy, post_webhook):
        with CaptureQueriesContext(connection) as found:
            answer = post_webhook("order.create", order_data())
        statements = [one["sql"] for one in found if "django_q" not in one["sql"]]
        row = WebhookEvent.objects.get()
        assert (answer.status_code, answer.json()) == (
            200,
            {"status": "success", "action": "stored", "event_id": str(row.pk)},
        )
        assert (row.state, row.action, row.order, len(statements)) == ("queued", "stored", None, 1)
        assert not Order.objects.exists()
        assert "queue" in OrmQ.objects.get().func()
        assert queue_processing.process_queued() == 1
        row.refresh_from_db()
        assert (row.state, row.action, row.order, row.error) == ("processed", "created", Order.objects.get(), "")
        assert queue_processing.process_queued() == 0

    def test_one_task_is_queued_for_many_events(self, busy, post_webhook):
        for number in range(1, 6):
            post_webhook("order.create", order_data(ID=number, ACCOUNT_NUMBER=str(number)))
        assert OrmQ.objects.count() == 1
        assert queue_processing.process_queued() == 5

    def test_job_of_each_minute_starts_a_lost_task_again(self, busy, post_webhook):
        queue_processing.pick_up_queued()
        assert not OrmQ.objects.exists()
        post_webhook("order.create", order_data())
        OrmQ.objects.all().delete()
        queue_processing.pick_up_queued()
        assert OrmQ.objects.count() == 1

    def test_later_event_of_the_same_order_waits_behind_it_after_the_pressure(self, busy, post_webhook):
        first = order_data(STATUS_ID="N")
        post_webhook("order.create", first)
        busy(False)
        second = next_version(first, STATUS_ID="AP")
        assert post_webhook("order.update", second).json()["action"] == "stored"
        assert post_webhook("order.create", order_data(ID=7, ACCOUNT_NUMBER="7")).json()["action"] == "created"
        assert queue_processing.process_queued() == 2
        assert post_webhook("order.update", next_version(second, STATUS_ID="P")).json()["action"] == "updated"
        order = Order.objects.get(bitrix_order_id=first["ID"])
        statuses = [
            change["new"]
            for event in order.events.order_by("created_at")
            for change in event.changes
            if change["field"] == "status"
        ]
        assert statuses[-2:] == ["accepted", "processing"]

    def test_event_waits_behind_one_that_a_dead_worker_has_left_for_hours(self, busy, post_webhook):
        first = order_data(STATUS_ID="N")
        post_webhook("order.create", first)
        busy(False)
        mark = pressure.queue_mark()._path
        os.utime(mark, (0, time.time() - 5 * pressure.QUEUE_LIFE))
        assert post_webhook("order.update", next_version(first, STATUS_ID="AP")).json()["action"] == "stored"

    def test_events_without_a_clock_keep_their_order(self, busy, post_webhook):
        whole = order_data()
        bare = {name: whole[name] for name in ("ID", "ACCOUNT_NUMBER")}
        busy(False)
        post_webhook("order.create", whole)
        busy(True)
        for code in ("AP", "P", "AP"):
            assert post_webhook("order.status.change", {**bare, "STATUS_ID": code}).json()["action"] == "stored"
        queue_processing.process_queued()
        order = Order.objects.get()
        seen = [
            change["new"]
            for event in order.events.order_by("created_at")
            for change in event.changes
            if change["field"] == "status"
        ]
        assert (seen[-3:], order.status_id) == (["accepted", "processing", "accepted"], "accepted")

    def test_repeated_event_is_a_duplicate(self, busy, post_webhook):
        data = order_data()
        for expected in ("stored", "duplicate", "duplicate"):
            assert post_webhook("order.create", data, event_id="one").json()["action"] == expected
        assert queue_processing.process_queued() == 1
        assert Order.objects.count() == 1

    def test_repetition_without_an_event_id_is_queued_and_changes_nothing(self, busy, post_webhook):
        data = order_data()
        assert [post_webhook("order.create", data).json()["action"] for _ in range(2)] == ["stored", "stored"]
        assert queue_processing.process_queued() == 2
        actions = list(WebhookEvent.objects.order_by("created_at").values_list("action", flat=True))
        assert (actions[0], Order.objects.count(), Order.objects.get().events.count()) == ("created", 1, 1)
        assert actions[1] in ("duplicate", "unchanged")

    @pytest.mark.parametrize("bad", [1, 2, 6, 9])
    def test_event_that_fails_is_repeated_later_and_stops_no_other(self, busy, post_webhook, monkeypatch, bad):
        original = order_events.services.apply_snapshots

        def fail(arrived, **arguments):
            if any(one.snapshot.bitrix_order_id == bad for one in arrived):
                raise ValueError("unexpected")
            return original(arrived, **arguments)

        monkeypatch.setattr(order_events.services, "apply_snapshots", fail)
        for number in range(1, 10):
            post_webhook("order.create", order_data(ID=number, ACCOUNT_NUMBER=str(number)))
        assert queue_processing.process_queued() == 9
        states = dict(WebhookEvent.objects.values_list("object_id", "state"))
        assert states == {number: "waiting" if number == bad else "processed" for number in range(1, 10)}
        assert set(WebhookEvent.objects.values_list("attempts", flat=True)) == {2}
        monkeypatch.undo()
        WebhookEvent.objects.filter(state="waiting").update(retry_at=timezone.now())
        assert inbox.retry_due() == 1
        assert Order.objects.count() == 9

    def test_number_of_statements_does_not_depend_on_the_number_of_orders(self, busy, post_webhook):
        counts = []
        for first, last in ((1, 2), (3, 4), (10, 39)):  # the first batch also creates the rows of the products
            for number in range(first, last + 1):
                post_webhook("order.create", order_data(ID=number, ACCOUNT_NUMBER=str(number)))
            with CaptureQueriesContext(connection) as found:
                assert queue_processing.process_oldest_queued() == last - first + 1
            counts.append(len(found))
        assert counts[0] > counts[1] == counts[2]

    def test_batch_ends_before_the_second_event_of_an_order_and_any_other_kind(self, busy, post_webhook):
        one, two = (order_data(ID=number, ACCOUNT_NUMBER=str(number)) for number in (1, 2))
        bare = {"ID": 2, "ACCOUNT_NUMBER": "2", "STATUS_ID": "AP"}
        post_webhook("order.create", one)
        post_webhook("order.create", two)
        post_webhook("order.update", next_version(one, STATUS_ID="AP"))
        post_webhook("order.status.change", bare)
        post_webhook("order.create", order_data(ID=3, ACCOUNT_NUMBER="3"))
        assert [queue_processing.process_oldest_queued() for _ in range(5)] == [2, 1, 1, 1, 0]
        assert set(Order.objects.values_list("bitrix_order_id", "status")) == {
            (1, "accepted"), (2, "accepted"), (3, "new")
        }  # fmt: skip

    def test_order_whose_deletion_came_first_is_deleted_in_a_batch_too(self, busy, post_webhook):
        busy(False)
        post_webhook("order.delete", {"ID": 2})
        busy(True)
        for number in (1, 2, 3):
            post_webhook("order.create", order_data(ID=number, ACCOUNT_NUMBER=str(number)))
        assert queue_processing.process_oldest_queued() == 3
        assert set(Order.objects.values_list("bitrix_order_id", "is_deleted_on_site")) == {
            (1, False), (2, True), (3, False)
        }  # fmt: skip

    def test_only_one_worker_processes_the_queue(self, busy, post_webhook):
        post_webhook("order.create", order_data())
        found = []
        with transaction.atomic():
            assert queued_events.lock_queue()
            assert not waits_for_lock(lambda: found.append(queue_processing.process_queued()))
        assert (found, queue_processing.process_queued()) == ([0], 1)

    def test_system_status_shows_the_queue(self, busy, post_webhook):
        assert "сохранены" not in probes.inbox.run().figure
        post_webhook("order.create", order_data())
        shown = probes.inbox.run()
        assert (shown.level, "сохранены без обработки: 1" in shown.figure) == (Level.YELLOW, True)
        WebhookEvent.objects.update(created_at=timezone.now() - timedelta(hours=2))
        assert probes.inbox.run().level == Level.RED


class TestPressure:
    @pytest.fixture
    def gate(self, settings):
        settings.WEBHOOK_TIME_BUDGET = 0.5
        self.waiting, self.now = 0.0, 100.0
        return Pressure(lambda: self.waiting, lambda: self.now)

    @pytest.mark.parametrize(
        ("seconds", "waiting", "is_high"),
        [
            pytest.param(None, 1000, False, id="nothing processed yet"),
            pytest.param(0.02, 0, False, id="no queue"),
            pytest.param(0.02, 20, False, id="0.4 seconds"),
            pytest.param(0.02, 30, True, id="0.6 seconds"),
            pytest.param(2.0, 0.2, False, id="slow, one waits for five processes"),
            pytest.param(2.0, 0.4, True, id="slow, two wait for five processes"),
        ],
    )
    def test_pressure_is_high_if_the_last_one_would_wait_too_long(self, gate, seconds, waiting, is_high):
        if seconds is not None:
            gate.note(seconds)
        self.waiting = waiting
        assert gate.is_high() is is_high

    def test_pressure_stays_high_for_a_while(self, gate):
        gate.note(0.1)
        self.waiting = 10
        assert gate.is_high()
        self.waiting = 0
        self.now += HOLD - 0.1
        assert gate.is_high()
        self.now += 0.2
        assert not gate.is_high()

    def test_average_follows_slowly(self, gate):
        for _ in range(50):
            gate.note(0.01)
        gate.note(1.0)
        self.waiting = 4
        assert not gate.is_high()
        for _ in range(20):
            gate.note(1.0)
        assert gate.is_high()


def test_waiting_connections_are_counted(monkeypatch):
    monkeypatch.setattr(listen_queue, "_sockets", ())
    assert listen_queue.waiting_per_process() == 0
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        listen_queue.set_listeners([server], 2)
        assert listen_queue.waiting_per_process() == 0
        clients = [socket.create_connection(server.getsockname()) for _ in range(6)]
        assert listen_queue.waiting_per_process() == 3
        server.accept()[0].close()
        assert listen_queue.waiting_per_process() == 2.5
        for client in clients:
            client.close()
    assert listen_queue.waiting_per_process() == 0
    listen_queue.set_listeners((), 1)


def never():
    raise AssertionError("the database was asked")


def test_mark_that_cannot_be_used_asks_the_database(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    mark = pressure.QueueMark(tmp_path / "file" / "mark")
    assert mark.set()
    assert mark.may_be_queued(never)
    assert "can't be set" in caplog.text


def test_mark_is_set_at_most_once_a_second(tmp_path):
    mark = pressure.QueueMark(tmp_path / "folder" / "mark")
    assert not mark.may_be_queued(never)
    assert [mark.set(), mark.set()] == [True, False]
    assert mark.may_be_queued(never)


def test_old_mark_holds_as_long_as_the_queue_is_not_empty(tmp_path):
    mark, answers = pressure.QueueMark(tmp_path / "mark"), [True, False]
    mark.set()

    def age():
        os.utime(tmp_path / "mark", (0, time.time() - pressure.QUEUE_LIFE - 5))

    age()
    assert mark.may_be_queued(lambda: answers.pop(0))
    assert mark.may_be_queued(never)
    age()
    assert not mark.may_be_queued(lambda: answers.pop(0))
    assert not mark.may_be_queued(never)
    assert mark.set()
    assert mark.may_be_queued(never)
