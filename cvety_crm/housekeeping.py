"""Log-like rows that nobody will read any more."""

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.utils import timezone
from django_q.models import Task

KEEP_TASKS = timedelta(days=7)


def prune() -> None:
    """Delete old results of django-q, which never prunes its failures, and sessions that have ended."""
    now = timezone.now()
    Task.objects.filter(stopped__lt=now - KEEP_TASKS).delete()
    Session.objects.filter(expire_date__lt=now).delete()
