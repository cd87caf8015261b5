"""The presets of the order list, such as today, late and mine. The start page and the sidebar also use the presets.

Nearly all presets read only current orders: orders of the last `CURRENT` and of the future. So the cost of a query does
not depend on the number of older orders, even if many of these were never closed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import AnonymousUser
from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    DateField,
    DateTimeField,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from cvety_crm.composed_statements import Parameter, Statement
from cvety_crm.users import User
from orders.models import Order, OrderPhoto, PhotoAnswer, Stage, Status, SyncState
from orders.models.order import IS_BACKDATED
from orders.rules.lateness import CLOSED_STAGES, DueAt, is_late
from orders.rules.making import BEFORE_READY
from orders.rules.payment import is_due
from orders.sync.unknown import ASKED

CURRENT = timedelta(days=14)
PARAMETER = "preset"
DAY_PARAMETER = "date"
NEXT_HOURS = timedelta(hours=2)

_UNREADABLE_PHONE = ~Q(recipient_phone="") & ~Q(recipient_phone__startswith="+")
"""Orders whose recipient's phone is a text that could not be read as a number."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The time and the user of a query, and the present status codes of each stage."""

    now: datetime
    user: User | AnonymousUser
    codes: Mapping[str, list[str]]
    """Status codes by stage."""

    @classmethod
    def of(cls, user: User | AnonymousUser, now: datetime | None = None) -> "Moment":
        """Return an instance for this user, with one query for the statuses. `now` is by default the present time."""
        codes: dict[str, list[str]] = {}
        for code, stage in Status.objects.values_list("code", "stage"):
            codes.setdefault(stage, []).append(code)
        return cls(now or timezone.now(), user, codes)

    @property
    def today(self) -> Any:
        """Return the date in Almaty."""
        return timezone.localdate(self.now)

    @property
    def since(self) -> Any:
        """Return the beginning of the first of the current days in Almaty."""
        return timezone.make_aware(datetime.combine(self.today - CURRENT, time.min))

    @property
    def midnight(self) -> Any:
        """Return the beginning of this day in Almaty."""
        return timezone.make_aware(datetime.combine(self.today, time.min))

    @property
    def user_id(self) -> Any:
        """Return the id of the user, or None if no one is logged in."""
        return self.user.pk

    def in_stage(self, *stages: str) -> Q:
        """Return the condition of orders in one of these stages."""
        return Q(status__in=[code for stage in stages for code in self.codes.get(stage, [])])

    def is_open(self) -> Q:
        """Return the condition of orders that are not closed. `orders.rules.lateness.is_open` has the same rule."""
        closed = [code for stage in CLOSED_STAGES for code in self.codes.get(stage, [])]
        return ~Q(status__in=closed) & Q(is_cancelled=False, is_deleted_on_site=False)

    def is_ready(self) -> Q:
        """Return the condition of orders whose bouquet is ready and still here. `orders.rules.making.work_stage` has
        the same rule.
        """
        return self.in_stage(Stage.READY) | (self.in_stage(*BEFORE_READY) & Q(ready_at__isnull=False))

    def is_to_make(self) -> Q:
        """Return the condition of orders whose bouquet is not ready and has not left, if they are open."""
        return Q(ready_at=None) & ~self.in_stage(Stage.READY, Stage.DELIVERING)


class MomentOfStatement(Moment):
    """The moment of a statement that is composed once (`cvety_crm.composed_statements`), with parameters as values."""

    today = Parameter("today", DateField())
    since = Parameter("since", DateTimeField())
    midnight = Parameter("midnight", DateTimeField())
    user_id = Parameter("user_id", BigIntegerField())

    @classmethod
    def with_codes(cls, codes: Mapping[str, list[str]]) -> "MomentOfStatement":
        """Return an instance with these status codes by stage. They are constants of the statement."""
        now: Any = Parameter("now", DateTimeField())
        return cls(now, AnonymousUser(), codes)


@dataclass(frozen=True, slots=True)
class Preset:
    """A preset of the order list, with the label of its button and the condition of its orders."""

    key: str
    label: str | Promise
    condition: Callable[[Moment], Q]
    is_current: bool = True
    """Whether the preset reads only current orders. Other presets use indexes, or read from the newest order on."""
    is_open: bool = False
    """Whether the preset has only open orders (`Moment.is_open`). `condition` does not repeat this."""
    is_counted: bool = True
    is_problem: bool = False
    """Whether the button shows a warning if the count is not zero."""
    newest_first: bool = False


def _day(offset: int) -> Callable[[Moment], Q]:
    return lambda at: Q(delivery_date=at.today + timedelta(days=offset))


def _due_soon(at: Moment) -> Q:
    until = at.now + NEXT_HOURS
    day = timedelta(days=1)
    near = Q(delivery_date__gte=at.today - day, delivery_date__lte=at.today + day)
    return near & Q(due__gte=at.now, due__lt=until) & ~at.in_stage(Stage.DELIVERING)


def _late(at: Moment) -> Q:
    # An order is never due before its day. The comparison of dates takes a fifth of the time of that of the due time.
    return Q(delivery_date__lte=at.today) & is_late(at.now)


PRESETS = (
    Preset("today", _("Today"), _day(0)),
    Preset("tomorrow", _("Tomorrow"), _day(1)),
    Preset("soon", _("Next 2 hours"), _due_soon, is_open=True),
    Preset("new", pgettext_lazy("orders", "New"), lambda at: at.in_stage(Stage.NEW), is_open=True),
    Preset("auction", _("Without a florist"), lambda at: Q(responsible=None) & at.is_to_make(), is_open=True),
    Preset(
        "no-courier",
        _("Without a courier"),
        lambda at: Q(courier=None, is_pickup=False) & _is_due_now(at),
        is_open=True,
    ),
    Preset("ready", _("Ready, waiting for a courier"), lambda at: at.is_ready(), is_open=True),
    Preset("on-way", _("On their way"), lambda at: at.in_stage(Stage.DELIVERING), is_open=True),
    Preset("late", pgettext_lazy("orders", "Late"), _late, is_open=True, is_problem=True),
    Preset(
        "problems",
        pgettext_lazy("orders", "Problems"),
        # The stage of an unknown status is "problem" until staff set it. Thousands of imported orders have such a
        # status, so only current orders count.
        lambda at: ~Q(problem="") | (at.in_stage(Stage.PROBLEM) & at.is_open() & is_current(at)),
        is_current=False,
        is_problem=True,
    ),
    Preset(
        "photos",
        _("Photos without an answer"),
        lambda at: _waits_for_an_answer(at),
        is_current=False,
        is_open=True,
    ),
    Preset(
        "unpaid",
        _("Not paid"),
        lambda at: is_due(),
        is_open=True,
    ),
    Preset(
        "owed",
        _("Delivered, not paid"),
        lambda at: at.in_stage(Stage.DONE) & Q(is_cancelled=False, is_deleted_on_site=False) & is_due(),
        is_problem=True,
    ),
    Preset(
        "unknown",
        _("Something is unknown"),
        lambda at: Q(unknown_values__has_any_keys=list(ASKED)) | _UNREADABLE_PHONE,
        is_open=True,
        is_problem=True,
    ),
    Preset("pickup", pgettext_lazy("orders", "Pickup"), lambda at: Q(is_pickup=True), is_open=True),
    Preset("mine", pgettext_lazy("orders", "Mine"), lambda at: Q(responsible=at.user_id), is_open=True),
    Preset("made", _("Made by me today"), lambda at: Q(ready_by=at.user_id, ready_at__gte=at.midnight)),
    Preset(
        "unclosed",
        _("Not closed yesterday"),
        lambda at: Q(delivery_date__lt=at.today),
        is_open=True,
        is_problem=True,
    ),
    Preset(
        "sync",
        _("Exchange errors"),
        lambda at: Q(sync_state__in=[SyncState.FAILED, SyncState.CONFLICT]),
        is_current=False,
        is_problem=True,
    ),
    Preset(
        "all", pgettext_lazy("orders", "All"), lambda at: Q(), is_current=False, is_counted=False, newest_first=True
    ),
    Preset(
        "archive",
        _("Archive"),
        lambda at: _is_archived(at),
        is_current=False,
        is_counted=False,
        newest_first=True,
    ),
)
BY_KEY = {preset.key: preset for preset in PRESETS}
DEFAULT = "today"


def _is_due_now(at: Moment) -> Q:
    return Q(delivery_date__lte=at.today + timedelta(days=1)) & ~at.in_stage(Stage.DELIVERING)


def _waits_for_an_answer(at: Moment) -> Q:
    asked = Q(photo_approval__answer=PhotoAnswer.NONE, photo_approval__expires_at__gt=at.now)
    shown = OrderPhoto.objects.filter(order=OuterRef("pk"), withdrawn_at=None)
    return asked & ~Q(photo_approval__nonce="") & Q(Exists(shown))


def is_current(at: Moment) -> Q:
    """Return the condition of current orders: created within the last `CURRENT`, or with a delivery date since then.

    PostgreSQL uses indexes for this condition, so its cost does not depend on the size of the table. An order that was
    created since then has a date since then, unless the date is unknown or before the creation.
    """
    return Q(delivery_date__gte=at.today - CURRENT) | (Q(created_at__gte=at.since) & IS_BACKDATED)


def _is_archived(at: Moment) -> Q:
    is_undated = Q(delivery_date=None, created_at__lt=at.since)
    return Q(delivery_date__lt=at.today - CURRENT) | is_undated


def preset_orders(preset: Preset, at: Moment, orders: QuerySet[Order]) -> QuerySet[Order]:
    """Return the orders of a preset, unsorted."""
    found = orders.alias(due=DueAt())
    if preset.is_current:
        found = found.filter(is_current(at))
    return found.filter(_condition(preset, at))


def _condition(preset: Preset, at: Moment) -> Q:
    return preset.condition(at) & at.is_open() if preset.is_open else preset.condition(at)


def sorted_for_work(orders: QuerySet[Order], at: Moment) -> QuerySet[Order]:
    """Return the orders sorted for work: problems, failed pushes and late orders first, then by the end of the slot."""
    urgency = Case(
        When(~Q(problem=""), then=Value(0)),
        When(Q(sync_state__in=[SyncState.FAILED, SyncState.CONFLICT]), then=Value(0)),
        When(_late(at) & at.is_open(), then=Value(0)),
        When(at.is_open(), then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return orders.alias(due=DueAt(), urgency=urgency).order_by(
        "urgency", F("due").asc(nulls_last=True), "-created_at", "-id"
    )


def counts(at: Moment) -> dict[str, int]:
    """Return the number of orders of each counted preset. The keys of the result are the keys of the presets.

    Make one query, which uses indexes.
    """
    values = {name: getattr(at, name) for name in ("now", "today", "since", "midnight", "user_id")}
    keys, statement = _counting(tuple((stage, tuple(codes)) for stage, codes in sorted(at.codes.items())))
    (row,) = statement.rows(values)
    found = dict(zip(keys, row, strict=True))
    return {preset.key: found[preset.key] for preset in PRESETS if preset.is_counted}


@lru_cache(maxsize=4)
def _counting(codes: tuple[tuple[str, tuple[str, ...]], ...]) -> tuple[list[str], Statement]:
    """Return the statement that counts the orders of the presets, and the keys of the presets in its row.

    All presets of current orders are counted together, and each other preset by itself.
    """
    at = MomentOfStatement.with_codes({stage: list(found) for stage, found in codes})
    orders = Order.objects.order_by().alias(due=DueAt())
    counted = [preset for preset in PRESETS if preset.is_counted]
    groups: list[tuple[list[Preset], QuerySet[Any]]] = [
        ([preset for preset in counted if preset.is_current], orders.filter(is_current(at)))
    ]
    groups += [([preset], preset_orders(preset, at, orders)) for preset in counted if not preset.is_current]
    keys = [preset.key for presets, _found in groups for preset in presets]
    return keys, Statement.beside([_counted(presets, found, at) for presets, found in groups])


def _counted(presets: Sequence[Preset], orders: QuerySet[Order], at: Moment) -> Statement:
    # A constant in `values` makes one group of all rows.
    found = orders.values(one=Value(1))
    if len(presets) == 1:
        return Statement.of(found.annotate(count=Count("pk")).values_list("count"))
    counted = {_name(preset): Count("pk", filter=_condition(preset, at)) for preset in presets}
    return Statement.of(found.annotate(**counted).values_list(*counted))


def preset_url(key: str, **more: str) -> str:
    """Return the URL of the order list with this preset."""
    return f"{reverse('admin:orders_order_changelist')}?{urlencode({PARAMETER: key, **more})}"


def _name(preset: Preset) -> str:
    return preset.key.replace("-", "_")
