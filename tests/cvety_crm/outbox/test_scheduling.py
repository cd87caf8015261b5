"""Tests of the django-q tasks that deliver entries now or when the entries are due."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import OrmQ

from cvety_crm.bulk_writes import Writes
from cvety_crm.outbox import schedule_delivery
from notifications.models import TelegramMessage

pytestmark = pytest.mark.django_db


@pytest.fixture
def queued(django_capture_on_commit_callbacks):
    """Return a function that queues a message which is due in this number of seconds.

    The function returns the message and its row in the django-q queue.
    """

    def make(seconds):
        due_at = timezone.now() + timedelta(seconds=seconds)
        message = TelegramMessage.objects.create(kind=TelegramMessage.Kind.ALERT, text="x", due_at=due_at)
        with django_capture_on_commit_callbacks(execute=True):
            schedule_delivery(message)
        return message, OrmQ.objects.get()

    return make


def test_worker_takes_a_due_entry_at_once(queued):
    message, row = queued(0)
    assert row.task["args"] == (TelegramMessage._meta.label, str(message.pk))
    assert [key for key, _task in get_broker().dequeue()] == [row.pk]


def test_worker_takes_an_entry_that_is_due_later_only_when_it_is_due(queued):
    message, row = queued(60)
    assert row.lock == message.due_at
    assert row.key == get_broker().list_key
    assert not get_broker().dequeue()  # no worker takes the task, so the task does not occupy a worker
    OrmQ.objects.update(lock=timezone.now())
    assert [key for key, _task in get_broker().dequeue()] == [row.pk]


def test_deliver_now_queues_a_task_at_once(queued, django_capture_on_commit_callbacks):
    message, _later = queued(60)
    with django_capture_on_commit_callbacks(execute=True):
        assert message.deliver_now()
    assert OrmQ.objects.filter(lock__lte=timezone.now()).count() == 1


def test_tasks_are_queued_in_the_transaction_of_their_entries(django_assert_num_queries):
    writes = Writes()
    messages = [
        TelegramMessage(
            kind=TelegramMessage.Kind.ALERT, text="x", due_at=timezone.now() + timedelta(seconds=60 * number)
        )
        for number in range(3)
    ]
    for message in messages:
        writes.insert(message)
        schedule_delivery(message, writes=writes)
    assert not OrmQ.objects.exists()
    with django_assert_num_queries(1):
        writes.flush()
    tasks = {row.task["args"][1]: row for row in OrmQ.objects.all()}
    assert tasks.keys() == {str(message.pk) for message in messages}
    assert len({row.pk for row in tasks.values()}) == 3
    assert [tasks[str(message.pk)].lock for message in messages[1:]] == [message.due_at for message in messages[1:]]
    assert [key for key, _task in get_broker().dequeue()] == [tasks[str(messages[0].pk)].pk]
