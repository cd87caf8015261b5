"""The service that applies the site's reference data. Stubs are completed, and values that staff edited are kept."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import time
from typing import Any

from django.db import IntegrityError, transaction

from orders.models import City, DeliverySlot, Shop, Stage, Status
from orders.models.reference import SiteReference
from orders.sync.snapshot import ReferenceRow, ReferenceSnapshot
from orders.sync.three_way_merge import Agreement, merge


@dataclass(slots=True)
class Changes:
    """The result for the rows of one model. The lists contain the present names of the rows."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Rows that staff have edited and that differ on the site. The values of staff are kept."""
    unchanged: int = 0


def apply_reference(*, snapshot: ReferenceSnapshot) -> dict[type[SiteReference], Changes]:
    """Create and update statuses, cities, shops and slots. A repeated call changes nothing.

    Rows that no longer exist on the site are kept, because orders refer to them. Only staff set the stage of a status.
    """
    try:
        return _apply_all(snapshot)
    except IntegrityError:
        # A received order or another refresh has inserted one of the rows. The second pass finds that row.
        return _apply_all(snapshot)


@transaction.atomic
def _apply_all(snapshot: ReferenceSnapshot) -> dict[type[SiteReference], Changes]:
    return {
        Status: _apply(Status, snapshot.statuses),
        City: _apply(City, snapshot.cities),
        Shop: _apply(Shop, snapshot.shops),
        DeliverySlot: _apply(DeliverySlot, snapshot.slots),
    }


def _apply(model: type[SiteReference], rows: Iterable[ReferenceRow]) -> Changes:
    changes = Changes()
    known = {key: row for row in model._default_manager.select_for_update() for key in _keys(row)}
    for row in rows:
        found = known.get(row.key)
        if found is None:
            _create(model, row)
            changes.created.append(row.fields["name"])
        elif isinstance(found, Status) and found.bitrix_codes[0] != row.key:
            changes.unchanged += 1  # a second code of a status: the name belongs to the first code
        else:
            _update(found, row, changes)
    return changes


def _keys(row: SiteReference) -> list[Any]:
    if isinstance(row, City | Shop | DeliverySlot):
        return [row.bitrix_id]
    return list(row.bitrix_codes) if isinstance(row, Status) else []


def _create(model: type[SiteReference], row: ReferenceRow) -> None:
    values = dict(row.fields)
    if model is Status:
        new: SiteReference = Status(
            code=_free_code(row.key), bitrix_codes=[row.key], stage=Stage.PROBLEM, needs_attention=True
        )
    else:
        new = model()
        values["bitrix_id"] = row.key
    for name, value in values.items():
        setattr(new, name, value)
    new.bitrix_state = Agreement.on(**{name: _comparable(value) for name, value in row.fields.items()}).as_json()
    new.save(force_insert=True)


def _free_code(bitrix_code: str) -> str:
    # Staff may have given the status that has this code in the CRM a different code of the site.
    code, number = f"bitrix_{bitrix_code}", 1
    while Status.objects.filter(code=code).exists():
        number += 1
        code = f"bitrix_{bitrix_code}_{number}"
    return code


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
