"""Services that apply the decisions of staff about statuses, and move the orders of a status with them.

Each service is one transaction that locks all statuses, and returns how many orders it concerns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from cvety_crm.users import User
from orders.exceptions import NotAllowedError
from orders.models import Order, SiteStatus, Stage, Status
from orders.rules.lateness import CLOSED_STAGES
from orders.rules.status_names import fits, suggested_stage
from orders.services.inbound.reference_data import add_site_row, free_code, take_site_row
from orders.services.next_steps import refit_next_steps
from orders.services.status_moves import move_orders
from orders.services.status_questions import lock_statuses, review_statuses
from orders.sync.snapshot import ReferenceRow


@dataclass(frozen=True, slots=True)
class StatusDecision:
    """The result of a decision about a status."""

    status: Status
    orders: int
    """The number of orders that now have the status (`choose_stage`), or that were moved between statuses."""
    next_steps: int = 0
    """The number of other statuses whose next statuses were corrected."""


@transaction.atomic
def choose_stage(*, bitrix_code: str, stage: str, actor: User | None) -> StatusDecision:
    """Set the stage of the status that has this code of the site, and end the question about the code.

    The site's name of the code is taken unless staff have edited the name, and it counts as confirmed. Raise
    `NotAllowedError` if no status has the code or if there is no such stage.
    """
    if stage not in Stage.values:
        raise NotAllowedError(gettext("There is no such stage."))
    statuses = lock_statuses()
    status = _owner(statuses, bitrix_code)
    _confirm(bitrix_code, status, stage)
    is_new = stage != status.intended_stage or status.needs_attention
    next_steps = _set_stage(statuses, status, stage, is_new=is_new)
    if status.bitrix_codes[0] == bitrix_code:
        _take_name(status, bitrix_code)
    review_statuses(statuses)
    return StatusDecision(status, _count(status), next_steps)


@transaction.atomic
def separate_status(*, bitrix_code: str, actor: User | None) -> StatusDecision:
    """Make a new status of this code of the site, with the site's name, and move its orders to the new status.

    The stage of the new status is the one that its name suggests. Without such a stage, a user must still choose it.
    Raise `NotAllowedError` if no status has the code, if the site's name is not known, or if the status with the code
    was itself received from the site.
    """
    statuses = lock_statuses()
    status = _owner(statuses, bitrix_code)
    named = SiteStatus.objects.filter(code=bitrix_code).first()
    if named is None:
        raise NotAllowedError(gettext("The site's name of this status is not known yet."))
    if status.code == free_code(bitrix_code, ()) and len(status.bitrix_codes) == 1:
        raise NotAllowedError(gettext("This is a separate status already: choose its stage."))
    stage = suggested_stage(named.name)
    new = Status(
        code=free_code(bitrix_code, [row.code for row in statuses]),
        bitrix_codes=[bitrix_code],
        stage=stage or Stage.PROBLEM,
        needs_attention=stage is None,
    )
    status.bitrix_codes = [code for code in status.bitrix_codes if code != bitrix_code]
    status.save(update_fields=["bitrix_codes", "updated_at"])
    add_site_row(new, _row(named))
    statuses.append(new)
    SiteStatus.objects.filter(pk=named.pk).update(confirmed_name="")
    moved = move_orders({bitrix_code: new}, actor)
    review_statuses(statuses)
    next_steps = refit_next_steps(statuses, new) if stage else 0
    return StatusDecision(new, moved, next_steps)


@transaction.atomic
def save_status(*, status: Status, actor: User | None) -> StatusDecision:
    """Save a status that staff have added or edited, whose values `Status.clean` has checked.

    If its stage has changed, its names on the site count as confirmed, and the next statuses of all statuses are
    corrected. If it has a new code of the site, the orders that the site has in this code move to the status.
    """
    statuses = lock_statuses()
    before = next((row for row in statuses if row.pk == status.pk), None)
    rows = [*(row for row in statuses if row.pk != status.pk), status]
    if before is None:
        status.save(force_insert=True)
        moved = move_orders(dict.fromkeys(status.bitrix_codes, status), actor)
        review_statuses(rows)
        return StatusDecision(status, moved)
    is_new_stage = before.stage != status.stage
    status.questioned_stage = "" if is_new_stage else before.questioned_stage
    status.needs_attention = not is_new_stage and (status.needs_attention or status.is_questioned)
    status.save()
    next_steps = 0
    if is_new_stage:
        for code in status.bitrix_codes:
            _confirm(code, status, status.stage)
        keeps_own = before.next_codes != status.next_codes
        next_steps = _set_stage(rows, status, status.stage, is_new=True, keeps_own=keeps_own)
    new_codes = [code for code in status.bitrix_codes if code not in before.bitrix_codes]
    moved = move_orders(dict.fromkeys(new_codes, status), actor)
    review_statuses(rows)
    has_stage_moved = is_new_stage and not moved
    return StatusDecision(status, _count(status) if has_stage_moved else moved, next_steps)


def _owner(statuses: Sequence[Status], bitrix_code: str) -> Status:
    found = next((status for status in statuses if bitrix_code in status.bitrix_codes), None)
    if found is None:
        raise NotAllowedError(gettext("No status has the code %(code)s any more.") % {"code": bitrix_code})
    return found


def _confirm(bitrix_code: str, status: Status, stage: str) -> None:
    """Record that the stage is right for the site's present name of this code.

    An earlier confirmation of the other codes of the status ends, because it was about a different stage.
    """
    rows = {row.code: row for row in SiteStatus.objects.filter(code__in=status.bitrix_codes)}
    for code, row in rows.items():
        confirmed = row.name if code == bitrix_code and not fits(row.name, stage) else ""
        if code != bitrix_code and stage == status.intended_stage:
            continue
        if row.confirmed_name != confirmed:
            row.confirmed_name = confirmed
            row.save(update_fields=["confirmed_name", "updated_at"])


def _set_stage(statuses: Sequence[Status], status: Status, stage: str, *, is_new: bool, keeps_own: bool = False) -> int:
    """Set the stage, and return the number of other statuses whose next statuses were corrected.

    `is_new` means that the status had a different stage. `keeps_own` means that its own next statuses are kept.
    """
    values: dict[str, Any] = {"stage": stage, "questioned_stage": "", "needs_attention": False}
    if stage not in CLOSED_STAGES:
        values["is_final"] = False
    for name, value in values.items():
        setattr(status, name, value)
    status.save(update_fields=[*values, "updated_at"])
    return refit_next_steps(statuses, status, keeps_own=keeps_own) if is_new else 0


def _count(status: Status) -> int:
    return Order.objects.filter(status=status).count()


def _take_name(status: Status, bitrix_code: str) -> None:
    if named := SiteStatus.objects.filter(code=bitrix_code).first():
        take_site_row(status, _row(named))


def _row(named: SiteStatus) -> ReferenceRow:
    return ReferenceRow(key=named.code, fields={"name": named.name, "sort": named.sort})
