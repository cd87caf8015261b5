"""Fixtures of an engine for runs, with the table of the import, alerts, retries, and workers that pick up runs."""

from datetime import timedelta

import pytest
from django.utils import timezone

from bitrix_bridge.models import ImportRun
from cvety_crm.alerts import Alert
from cvety_crm.long_runs.engine import RunEngine

raised: list[Alert] = []


def keep_alert(alert: Alert) -> None:
    """Store the alert instead of sending it."""
    raised.append(alert)


class SampleEngine(RunEngine[ImportRun]):
    """An engine whose hooks store their calls."""

    model = ImportRun
    already_running_text = "one runs"
    lease = timedelta(minutes=2)
    abandoned_text = "the process is gone"
    retry_delays = (timedelta(seconds=5), timedelta(seconds=30))

    def on_cut(self, run: ImportRun) -> None:
        ImportRun.objects.filter(pk=run.pk).update(reasons=[run.state])

    def alert(self, run: ImportRun) -> Alert:
        return Alert(title=run.state, text=run.error, about=run)


@pytest.fixture
def alerts(settings) -> list[Alert]:
    settings.ALERT_HANDLERS = [f"{__name__}.keep_alert"]
    raised.clear()
    return raised


@pytest.fixture
def engine(alerts) -> SampleEngine:
    """Return an engine that stops abandoned runs at once."""
    return SampleEngine()


@pytest.fixture
def pick_up_engine(engine) -> SampleEngine:
    """Return an engine whose workers pick up a run until ten minutes after the lease of the run has expired."""
    engine.pick_up_within = timedelta(minutes=10)
    engine.abandoned_state = ImportRun.State.FAILED
    return engine


def expire_lease(*, ago: timedelta = timedelta(seconds=1)) -> None:
    """Set the end of every lease to a time in the past."""
    ImportRun.objects.update(lease_until=timezone.now() - ago)
