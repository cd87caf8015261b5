"""The service that applies the site's reference data. Stubs are completed, and values that staff edited are kept."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import time
from typing import Any

from django.db import IntegrityError, transaction

from orders.models import City, DeliverySlot, PaySystem, Shop, Stage, Status
from orders.models.reference import SiteReference
from orders.services.references import STUB_PREFIX, new_pay_system
from orders.services.status_questions import StatusQuestion, review_statuses, store_names
from orders.sync.agreement import Agreement
from orders.sync.snapshot import ReferenceRow, ReferenceSnapshot
from orders.sync.three_way_merge import merge


@dataclass(slots=True)
class Changes:
    """The result for the rows of one model. The lists contain the present names of the rows."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Rows that staff have edited and that differ on the site. The values of staff are kept."""
    unchanged: int = 0
    questions: list[StatusQuestion] = field(default_factory=list)
    """The site's names that do not fit the stages of their statuses. These names are not taken until a user decides."""


def apply_reference(*, snapshot: ReferenceSnapshot, is_copied: bool = False) -> dict[type[SiteReference], Changes]:
    """Create and update statuses, cities, shops, slots and pay systems. A repeated call changes nothing.

    Rows that no longer exist on the site are kept, because orders refer to them. Only staff set the stage of a status.
    A status whose name on the site does not fit its stage keeps its name and is questioned. `is_copied` means that the
    snapshot is from a copy of the site's database. Its names of statuses are older than those from the site, so they
    question no status (`note_site_statuses` does).
    """
    try:
        return _apply_all(snapshot, is_copied)
    except IntegrityError:
        # A received order or another refresh has inserted one of the rows. The second pass finds that row.
        return _apply_all(snapshot, is_copied)


@transaction.atomic
def _apply_all(snapshot: ReferenceSnapshot, is_copied: bool) -> dict[type[SiteReference], Changes]:
    questions = [] if is_copied else _question(snapshot.statuses)
    outcome = {
        Status: _apply(Status, snapshot.statuses),
        City: _apply(City, snapshot.cities),
        Shop: _apply(Shop, snapshot.shops),
        DeliverySlot: _apply(DeliverySlot, snapshot.slots),
        PaySystem: _apply(PaySystem, snapshot.pay_systems),
    }
    outcome[Status].questions = questions
    return outcome


def _question(rows: Sequence[ReferenceRow]) -> list[StatusQuestion]:
    """Store the names of statuses, and question each status whose name on the site does not fit its stage."""
    if not rows:
        return []
    statuses = list(Status.objects.select_for_update(no_key=True))
    store_names(rows)
    return review_statuses(statuses)


def _apply(model: type[SiteReference], rows: Iterable[ReferenceRow]) -> Changes:
    changes = Changes()
    known = {key: row for row in model._default_manager.select_for_update(no_key=True) for key in _keys(row)}
    for row in rows:
        found = known.get(row.key)
        if found is None:
            _create(model, row)
            changes.created.append(row.fields["name"])
        elif isinstance(found, Status) and found.is_questioned:
            continue  # the name may belong to a different step
        elif isinstance(found, Status) and found.bitrix_codes[0] != row.key:
            changes.unchanged += 1  # a second code of a status: the name belongs to the first code
        else:
            _update(found, row, changes)
    return changes


def _keys(row: SiteReference) -> list[Any]:
    if isinstance(row, City | Shop | DeliverySlot | PaySystem):
        return [row.bitrix_id]
    return list(row.bitrix_codes) if isinstance(row, Status) else []


def _create(model: type[SiteReference], row: ReferenceRow) -> None:
    if model is Status:
        taken = Status.objects.values_list("code", flat=True)
        new: SiteReference = Status(
            code=free_code(row.key, taken), bitrix_codes=[row.key], stage=Stage.PROBLEM, needs_attention=True
        )
    elif model is PaySystem:
        new = new_pay_system(row.key, row.fields["name"])
    else:
        new = model()
    add_site_row(new, row)


def add_site_row(new: SiteReference, row: ReferenceRow) -> None:
    """Insert a new row with the site's values, on which both sides then agree."""
    if not isinstance(new, Status):
        new.bitrix_id = row.key  # type: ignore[attr-defined]
    for name, value in row.fields.items():
        setattr(new, name, value)
    new.bitrix_state = Agreement.on(**{name: _comparable(value) for name, value in row.fields.items()}).as_json()
    new.save(force_insert=True)


def free_code(bitrix_code: str, taken: Collection[str]) -> str:
    """Return a code for a new status with this code of the site, which is not among the `taken` codes."""
    # Staff may have given the status that has this code in the CRM a different code of the site.
    code, number = f"{STUB_PREFIX}{bitrix_code}", 1
    while code in taken:
        number += 1
        code = f"{STUB_PREFIX}{bitrix_code}_{number}"
    return code


def take_site_row(found: SiteReference, row: ReferenceRow) -> None:
    """Take the site's values of a row, except those that staff have edited."""
    _update(found, row, Changes())


def _update(found: SiteReference, row: ReferenceRow, changes: Changes) -> None:
    agreement = Agreement.from_json(found.bitrix_state)
    theirs = {name: _comparable(value) for name, value in row.fields.items()}
    ours = {name: _comparable(getattr(found, name)) for name in theirs}
    before = (agreement.as_json(), found.needs_attention)
    merged = merge(agreement, ours=ours, theirs=theirs)
    for name in merged.taken:
        setattr(found, name, row.fields[name])
    found.bitrix_state = agreement.as_json()
    if not isinstance(found, Status):
        found.needs_attention = False  # the row has a name now, but a status also needs a stage
    if merged.taken or (found.bitrix_state, found.needs_attention) != before:
        found.save()
    if merged.taken:
        changes.updated.append(found.name)
    elif any(ours[name] != theirs[name] for name in theirs):
        changes.kept.append(found.name)
    else:
        changes.unchanged += 1


def _comparable(value: Any) -> Any:
    if isinstance(value, time):
        return value.isoformat("minutes")
    return "" if value is None else value
