"""Nudges of django-q: at once, or when an entry is due."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import OrmQ

from cvety_crm.outbox import nudge
from notifications.models import TelegramMessage

pytestmark = pytest.mark.django_db


@pytest.fixture
def nudged(django_capture_on_commit_callbacks):
    """Nudge a message that is due in so many seconds; return it and the row of the queue."""

    def make(seconds):
        due_at = timezone.now() + timedelta(seconds=seconds)
        message = TelegramMessage.objects.create(kind=TelegramMessage.Kind.ALERT, text="x", due_at=due_at)
        with django_capture_on_commit_callbacks(execute=True):
            nudge(message)
        return message, OrmQ.objects.get()

    return make


def test_at_once(nudged):
    message, row = nudged(0)
    assert row.task["args"] == (TelegramMessage._meta.label, str(message.pk))
    assert [key for key, _task in get_broker().dequeue()] == [row.pk]


def test_when_it_is_due(nudged):
    message, row = nudged(60)
    assert row.lock == message.due_at
    assert row.key == get_broker().list_key
    assert not get_broker().dequeue()  # nobody takes it, and so it keeps nobody busy
    OrmQ.objects.update(lock=timezone.now())
    assert [key for key, _task in get_broker().dequeue()] == [row.pk]


def test_brought_forward_it_is_nudged_at_once(nudged, django_capture_on_commit_callbacks):
    message, _later = nudged(60)
    with django_capture_on_commit_callbacks(execute=True):
        assert message.hurry()
    assert OrmQ.objects.filter(lock__lte=timezone.now()).count() == 1
