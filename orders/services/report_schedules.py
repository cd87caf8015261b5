"""Services that save scheduled reports, start their runs, and keep the file of a run.

A run and its deliveries are inserted in one transaction, once for each due moment. `orders.report_sending` makes the
file and delivers it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.ops.retention import delete_in_batches
from cvety_crm.outbox import LIVE, schedule_delivery
from cvety_crm.users import User
from orders.exceptions import NotAllowedError
from orders.models import ExportTemplate, ReportDelivery, ReportRun, ReportSchedule
from orders.models.report_schedule import LONGEST_NAME
from orders.rules.report_times import Timing, days_of, due_after, due_until
from orders.services.validation import refuse_excess
from orders.values.text import clean_line

MOST_ADDRESSES = 10
LONGEST_ADDRESS = 254  # characters
KEEP_FILES = timedelta(days=7)
KEEP_RUNS = timedelta(days=90)
Channel = ReportDelivery.Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleValues:
    """The values of a schedule that a user has entered."""

    name: str
    table: str
    file_format: str
    period: str
    frequency: str
    hour: int
    weekday: int = 0
    day: int = 1
    parameters: Mapping[str, Any] = field(default_factory=dict)
    columns: Sequence[str] = ()
    """The keys of the columns, or empty for the default ones."""
    template: UUID | None = None
    """The template whose columns are sent, instead of `columns`."""
    emails: Sequence[str] = ()
    chat_id: str = ""
    is_active: bool = True


def timing_of(schedule: ReportSchedule | ScheduleValues) -> Timing:
    """Return when a report is sent."""
    return Timing(schedule.frequency, schedule.hour, schedule.weekday, schedule.day)


@transaction.atomic
def save_schedule(*, actor: User, values: ScheduleValues, schedule_id: UUID | None = None) -> ReportSchedule:
    """Save a new schedule, or the changed values of one. It has the rights of this user from now on.

    A report is due for the first time after this moment. Raise `ReportSchedule.DoesNotExist` if there is no such
    schedule, and `NotAllowedError` if the name is empty, too long or taken, if there is no recipient, or if the user
    may not use the template.
    """
    schedule = ReportSchedule(pk=uuid4())
    if schedule_id is not None:
        schedule = ReportSchedule.objects.select_for_update(no_key=True).get(pk=schedule_id)
    values = checked_values(values, schedule_id)
    schedule.name = values.name
    schedule.table, schedule.file_format = values.table, values.file_format
    schedule.period, schedule.parameters = values.period, dict(values.parameters)
    schedule.template = _template(values, actor, schedule.template_id)
    # If the template is deleted, the report keeps its columns.
    schedule.columns = list(schedule.template.columns if schedule.template else values.columns)
    schedule.frequency, schedule.hour = values.frequency, values.hour
    schedule.weekday, schedule.day = values.weekday, values.day
    schedule.emails, schedule.chat_id = list(values.emails), values.chat_id
    schedule.is_active, schedule.run_as = values.is_active, actor
    schedule.next_run_at = due_after(timing_of(values), timezone.now()) if values.is_active else None
    schedule.save()
    return schedule


def checked_values(values: ScheduleValues, schedule_id: UUID | None = None) -> ScheduleValues:
    """Return the values as they are stored. Raise `NotAllowedError` under the conditions of `save_schedule`."""
    name, emails = _name(values.name, schedule_id), checked_addresses(values.emails)
    if not emails and not values.chat_id:
        raise NotAllowedError(gettext("Enter an e-mail address, or choose a Telegram chat."), field="emails")
    return replace(values, name=name, emails=emails)


def delete_schedule(*, schedule_id: UUID) -> None:
    """Delete a schedule with its runs and deliveries."""
    for run in ReportRun.objects.filter(schedule=schedule_id).exclude(file=""):
        run.file.delete(save=False)
    ReportSchedule.objects.filter(pk=schedule_id).delete()


def start_due(now: datetime | None = None) -> int:
    """Start a run of each schedule that is due, and return the number of runs. The worker calls it each minute.

    Of several missed runs, only the last one is started. Schedules that another worker is starting are left out.
    """
    started = 0
    while _start_next(now or timezone.now()):
        started += 1
    return started


@transaction.atomic
def start_now(*, schedule_id: UUID, actor: User) -> ReportRun:
    """Start a run of a schedule now, for the days that a run at this moment is about.

    Raise `ReportSchedule.DoesNotExist` if there is no such schedule, and `NotAllowedError` if a report of this schedule
    is still being sent.
    """
    schedule = ReportSchedule.objects.select_for_update(no_key=True).get(pk=schedule_id)
    if ReportDelivery.objects.filter(run__schedule=schedule, state__in=LIVE).exists():
        raise NotAllowedError(gettext("The report is still being sent. Look at its deliveries."))
    return _start(schedule, timezone.now(), actor)


@transaction.atomic
def keep_file(
    run_id: UUID, *, content: bytes, file_name: str, rows: int, title: str, summary: str, shown: Sequence[str] = ()
) -> ReportRun:
    """Store the file of a run, and return the run. If another delivery has stored it already, keep that one.

    `shown` is as in `ReportRun`. A stored file that shows more is replaced.
    """
    run = ReportRun.objects.select_for_update(no_key=True).get(pk=run_id)
    if not run.file or not set(run.shown) <= set(shown):
        run.file.delete(save=False)
        run.file_name, run.rows, run.title, run.summary = file_name, rows, title, summary
        run.shown = list(shown)
        # The name cannot be guessed, and no page serves the folder.
        run.file.save(f"{uuid4().hex}.{file_name.rpartition('.')[2]}", ContentFile(content), save=False)
        run.save()
    return run


def note_receipt(delivery_id: UUID, receipt: str) -> None:
    """Store what the recipient's system has answered. From now on the delivery is not sent again."""
    ReportDelivery.objects.filter(pk=delivery_id).update(receipt=receipt[:255] or "ok")


def prune() -> int:
    """Delete the files of old runs, and old runs without deliveries. Return the number of runs. Called each day."""
    now = timezone.now()
    for run in ReportRun.objects.filter(created_at__lt=now - KEEP_FILES).exclude(file="")[:1000]:
        run.file.delete(save=False)
        ReportRun.objects.filter(pk=run.pk).update(file="")
    return delete_in_batches(ReportRun.objects.filter(created_at__lt=now - KEEP_RUNS, deliveries=None))


def checked_addresses(addresses: Iterable[str]) -> list[str]:
    """Return the e-mail addresses without duplicates. Raise `NotAllowedError` if one is invalid or there are too many.

    An address with other than Latin characters before the @ is refused, because few mail servers accept it.
    """
    found: dict[str, str] = {}
    for typed in addresses:
        address = typed.strip()
        try:
            validate_email(address)
            address.rpartition("@")[0].encode("ascii")
        except (ValidationError, UnicodeEncodeError):
            text = gettext("“%(address)s” is not an e-mail address.") % {"address": address[:100]}
            raise NotAllowedError(text, field="emails") from None
        found.setdefault(address.lower(), address)
    if len(found) > MOST_ADDRESSES:
        text = gettext("At most %(count)s e-mail addresses.") % {"count": MOST_ADDRESSES}
        raise NotAllowedError(text, field="emails")
    return list(found.values())


@transaction.atomic
def _start_next(now: datetime) -> bool:
    due = ReportSchedule.objects.filter(next_run_at__lte=now).order_by("next_run_at")
    schedule = due.select_for_update(no_key=True, skip_locked=True, of=("self",)).first()
    if schedule is None:
        return False
    timing = timing_of(schedule)
    _start(schedule, due_until(timing, now), None)
    ReportSchedule.objects.filter(pk=schedule.pk).update(next_run_at=due_after(timing, now))
    return True


def _start(schedule: ReportSchedule, due_at: datetime, actor: User | None) -> ReportRun:
    first, last = days_of(schedule.period, due_at)
    run, is_new = ReportRun.objects.get_or_create(
        schedule=schedule, due_at=due_at, defaults={"first_day": first, "last_day": last, "started_by": actor}
    )
    if is_new:
        deliveries = [
            ReportDelivery(run=run, channel=channel, recipient=recipient)
            for channel, recipient in recipients_of(schedule)
        ]
        now = timezone.now()
        for delivery in deliveries:
            delivery.due_at = now
        ReportDelivery.objects.bulk_create(deliveries)
        if deliveries:
            schedule_delivery(*deliveries)
    return run


def recipients_of(schedule: ReportSchedule) -> list[tuple[str, str]]:
    """Return the channel and the address of each recipient."""
    found = [(Channel.EMAIL.value, address) for address in schedule.emails]
    return [*found, *([(Channel.TELEGRAM.value, schedule.chat_id)] if schedule.chat_id else [])]


def _template(values: ScheduleValues, actor: User, known: UUID | None) -> ExportTemplate | None:
    """Return the chosen template: an own one, one of the shop, or the one that the schedule already has."""
    if values.template is None:
        return None
    usable = Q(owner=actor) | Q(owner=None) | Q(pk=known)
    found = ExportTemplate.objects.filter(usable, pk=values.template, table=values.table).first()
    if found is None:
        raise NotAllowedError(gettext("There is no such template any more."), field="columns")
    return found


def _name(typed: str, schedule_id: UUID | None) -> str:
    name = clean_line(typed)
    if not name:
        raise NotAllowedError(gettext("Give the report a name."), field="name")
    refuse_excess(name, LONGEST_NAME, field="name")
    others = ReportSchedule.objects.filter(name__iexact=name)
    if schedule_id is not None:
        others = others.exclude(pk=schedule_id)
    if others.exists():
        text = gettext("There is already a report with the name “%(name)s”.")
        raise NotAllowedError(text % {"name": name}, field="name")
    return name
