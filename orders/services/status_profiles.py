"""The service that loads a profile: a set of statuses with their codes of the site, stages and next statuses.

The profiles are the files `orders/status_profiles/*.csv`. The migration inserts the statuses of the default profile.
"""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.users import User
from orders.exceptions import NotAllowedError
from orders.models import Order, Status
from orders.services.next_steps import steps_of
from orders.services.status_moves import move_orders
from orders.services.status_questions import lock_statuses, review_statuses
from orders.sync.agreement import Agreement

FOLDER = Path(__file__).parents[1] / "status_profiles"
PROFILES: dict[str, str | Promise] = {
    "specification": _("The specification: ten statuses"),
    "measured": _("As the site was measured to be: twenty-eight statuses"),
}
"""The label of each profile by its name."""


@dataclass(frozen=True, slots=True)
class ProfileOutcome:
    """The number of statuses that a profile has set, of statuses that were removed, and of orders that were moved."""

    statuses: int
    removed: int
    orders: int


def read_profile(name: str) -> list[Status]:
    """Return the unsaved statuses of a profile, sorted. Raise `NotAllowedError` if there is no such profile."""
    if name not in PROFILES:
        raise NotAllowedError(gettext("There is no such profile."))
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return [_status(row, place * 10) for place, row in enumerate(csv.DictReader(file), start=1)]


@transaction.atomic
def load_profile(*, name: str, actor: User | None) -> ProfileOutcome:
    """Set the statuses of the profile, and move the orders whose code of the site belongs to another status now.

    The names, stages and next statuses of staff are replaced. A status that is not in the profile keeps the codes of
    the site that the profile lacks. It is removed if it has none left and the CRM has no orders yet. Raise
    `NotAllowedError` if there is no such profile.
    """
    rows = read_profile(name)
    existing = {status.code: status for status in lock_statuses(may_delete=True)}
    loaded = [_load(row, existing.get(row.code)) for row in rows]
    targets = {code: status for status in loaded for code in status.bitrix_codes}
    others = [status for code, status in existing.items() if code not in {row.code for row in rows}]
    for status in others:
        status.bitrix_codes = [code for code in status.bitrix_codes if code not in targets]
        status.save(update_fields=["bitrix_codes", "updated_at"])
    moved = move_orders(targets, actor)
    kept, removed = _remove_unused(others)
    every = [*loaded, *kept]
    _correct_next_steps(kept, every)
    review_statuses(every)
    return ProfileOutcome(len(loaded), removed, moved)


def _status(row: dict[str, str], sort: int) -> Status:
    return Status(
        code=row["code"],
        bitrix_codes=row["bitrix_codes"].split(),
        stage=row["stage"],
        name=row["name"],
        is_final=bool(row["is_final"]),
        next_codes=row["next_codes"].split(),
        sort=sort,
        bitrix_state=Agreement.on(name=row["name"], sort=sort).as_json(),
    )


def _load(row: Status, status: Status | None) -> Status:
    """Insert the row of a profile, or set its values on the status with the same code."""
    if status is None:
        row.save(force_insert=True)
        return row
    names = ("bitrix_codes", "stage", "name", "is_final", "next_codes", "sort", "bitrix_state")
    values: dict[str, Any] = {name: getattr(row, name) for name in names}
    for name, value in (values | {"questioned_stage": "", "needs_attention": False}).items():
        setattr(status, name, value)
    status.save()
    return status


def _remove_unused(others: Iterable[Status]) -> tuple[list[Status], int]:
    """Remove the statuses without a code of the site. Timelines name statuses, so nothing is removed after an order."""
    kept = list(others)
    if Order.objects.exists():
        return kept, 0
    unused = [status for status in kept if not status.bitrix_codes]
    Status.objects.filter(pk__in=[status.pk for status in unused]).delete()
    return [status for status in kept if status.bitrix_codes], len(unused)


def _correct_next_steps(kept: Iterable[Status], every: Sequence[Status]) -> None:
    """Replace the next statuses of the kept statuses, because the profile may lack some of them."""
    for status in kept:
        if not status.is_final:
            status.next_codes = steps_of(status, every)
            status.save(update_fields=["next_codes", "updated_at"])
