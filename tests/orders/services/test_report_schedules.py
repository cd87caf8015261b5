"""Tests of the services of scheduled reports: what is refused, and which runs are started when."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.utils import timezone, translation

from cvety_crm.outbox import State
from cvety_crm.roles import OWNER
from orders.exceptions import NotAllowedError
from orders.models import Frequency, RelativePeriod, ReportDelivery, ReportRun, ReportSchedule
from orders.services import report_schedules as services
from orders.services.report_schedules import ScheduleValues, keep_file, save_schedule, start_due, start_now
from tests.roles import person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def values(**changed):
    known = {
        "name": "Sales",
        "table": "report_sales",
        "file_format": "xlsx",
        "period": RelativePeriod.YESTERDAY,
        "frequency": Frequency.DAILY,
        "hour": 9,
        "emails": ["buh@example.kz"],
        "chat_id": "-200",
    }
    return ScheduleValues(**{**known, **changed})


def saved(**changed):
    actor = changed.pop("actor", None) or person(OWNER)
    return save_schedule(actor=actor, values=values(**changed))


def missed(schedule, moment):
    """Make the schedule due at a moment in the past, as if no worker had run since."""
    ReportSchedule.objects.filter(pk=schedule.pk).update(next_run_at=moment)


def almaty(*parts):
    return timezone.make_aware(datetime(*parts))  # noqa: DTZ001 - made aware here


def test_schedule_has_the_rights_of_the_user_who_saved_it_last():
    first, second = person(OWNER), person(OWNER)
    schedule = saved(actor=first)
    assert schedule.run_as == first

    changed = save_schedule(actor=second, values=values(name="Money"), schedule_id=schedule.pk)

    assert (changed.pk, changed.name, changed.run_as) == (schedule.pk, "Money", second)


def test_schedule_is_due_after_it_was_saved_and_never_while_it_is_off():
    schedule = saved()
    assert timezone.now() < schedule.next_run_at <= timezone.now() + timedelta(days=1)
    assert timezone.localtime(schedule.next_run_at).hour == 9

    off = save_schedule(actor=schedule.run_as, values=values(is_active=False), schedule_id=schedule.pk)
    assert off.next_run_at is None
    assert start_due(timezone.now() + timedelta(days=40)) == 0


@pytest.mark.parametrize(
    ("changed", "field", "text"),
    [
        ({"name": "  "}, "name", "Give the report a name"),
        ({"name": "x" * 101}, "name", "1 character"),
        ({"name": "TAKEN"}, "name", "already"),
        ({"emails": [], "chat_id": ""}, "emails", "Enter an e-mail address"),
        ({"emails": ["buh@"]}, "emails", "“buh@” is not an e-mail"),
        ({"emails": ["buh@example.kz\nBcc: x@example.kz"]}, "emails", "not an e-mail"),
        ({"emails": ["бух@example.kz"]}, "emails", "not an e-mail"),
        ({"emails": [f"a{n}@example.kz" for n in range(11)]}, "emails", "At most 10"),
    ],
)
def test_invalid_values_are_refused_and_nothing_is_saved(changed, field, text):
    saved(name="Taken")

    with pytest.raises(NotAllowedError, match=text) as caught:
        saved(**changed)

    assert caught.value.field == field
    assert ReportSchedule.objects.count() == 1


def test_same_address_is_stored_once():
    assert saved(emails=["Buh@example.kz ", "buh@Example.kz"]).emails == ["Buh@example.kz"]


def test_due_schedule_gets_one_run_with_a_delivery_for_each_recipient():
    schedule = saved(emails=["a@example.kz", "b@example.kz"])
    missed(schedule, almaty(2026, 11, 30, 9))
    now = almaty(2026, 11, 30, 9, 2)

    assert start_due(now) == 1
    assert start_due(now) == 0

    run = ReportRun.objects.get()
    assert (run.due_at, run.first_day, run.last_day, run.started_by) == (
        almaty(2026, 11, 30, 9), date(2026, 11, 29), date(2026, 11, 29), None,
    )  # fmt: skip
    assert set(run.deliveries.values_list("channel", "recipient", "state")) == {
        ("email", "a@example.kz", State.PENDING),
        ("email", "b@example.kz", State.PENDING),
        ("telegram", "-200", State.PENDING),
    }
    schedule.refresh_from_db()
    assert schedule.next_run_at == almaty(2026, 12, 1, 9)


def test_only_the_last_of_several_missed_runs_is_started():
    schedule = saved(frequency=Frequency.WEEKLY, period=RelativePeriod.LAST_WEEK)
    missed(schedule, almaty(2026, 11, 2, 9))

    assert start_due(almaty(2026, 11, 25, 12)) == 1

    run = ReportRun.objects.get()
    assert run.due_at == almaty(2026, 11, 23, 9)
    assert (run.first_day, run.last_day) == (date(2026, 11, 16), date(2026, 11, 22))


def test_run_is_not_started_again_for_the_same_moment():
    schedule = saved()
    missed(schedule, almaty(2026, 11, 30, 9))
    start_due(almaty(2026, 11, 30, 9))
    missed(schedule, almaty(2026, 11, 30, 9))

    start_due(almaty(2026, 11, 30, 9, 1))

    assert ReportRun.objects.count() == 1
    assert ReportDelivery.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_workers_start_each_schedule_once():
    for number in range(6):
        missed(saved(name=f"Report {number}"), almaty(2026, 11, 30, 9))
    now, barrier, counts = almaty(2026, 11, 30, 9, 1), threading.Barrier(2), []

    def work():
        barrier.wait()
        counts.append(start_due(now))
        connection.close()

    workers = [threading.Thread(target=work) for _number in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sum(counts) == 6
    assert ReportRun.objects.count() == 6
    assert ReportDelivery.objects.count() == 12


def test_report_can_be_sent_by_hand_but_not_twice_at_once():
    schedule = saved(period=RelativePeriod.TODAY)

    run = start_now(schedule_id=schedule.pk, actor=schedule.run_as)

    assert (run.started_by, run.first_day) == (schedule.run_as, timezone.localdate())
    with pytest.raises(NotAllowedError, match="still being sent"):
        start_now(schedule_id=schedule.pk, actor=schedule.run_as)
    ReportDelivery.objects.update(state=State.DELIVERED)
    start_now(schedule_id=schedule.pk, actor=schedule.run_as)
    assert ReportRun.objects.count() == 2


def test_first_file_of_a_run_is_kept():
    run = start_now(schedule_id=saved().pk, actor=person(OWNER))

    keep_file(run.pk, content=b"one", file_name="a.xlsx", rows=1, title="A", summary="first")
    kept = keep_file(run.pk, content=b"two", file_name="b.xlsx", rows=2, title="B", summary="second")

    assert (kept.file.read(), kept.file_name, kept.rows, kept.summary) == (b"one", "a.xlsx", 1, "first")
    assert kept.file.name.startswith("reports/")
    assert not kept.file.name.endswith("/a.xlsx")


def test_old_files_are_deleted_and_old_runs_without_deliveries():
    schedule = saved()
    old, new = (ReportRun.objects.create(schedule=schedule, due_at=datetime(2026, 1, day, tzinfo=UTC),
                                         first_day=date(2026, 1, 1), last_day=date(2026, 1, 1))
                for day in (1, 2))  # fmt: skip
    for run in (old, new):
        run.file.save("1.xlsx", ContentFile(b"1"))
    name = old.file.name
    ReportRun.objects.filter(pk=old.pk).update(created_at=timezone.now() - services.KEEP_RUNS - timedelta(days=1))

    assert services.prune() == 1

    assert ReportRun.objects.get() == new
    assert not old.file.storage.exists(name)
    assert new.file.storage.exists(new.file.name)


def test_deleted_schedule_leaves_no_file():
    schedule = saved()
    run = start_now(schedule_id=schedule.pk, actor=schedule.run_as)
    kept = keep_file(run.pk, content=b"one", file_name="a.xlsx", rows=1, title="A", summary="first")

    services.delete_schedule(schedule_id=schedule.pk)

    assert not kept.file.storage.exists(kept.file.name)
    assert not ReportDelivery.objects.exists()
