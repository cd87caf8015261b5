"""What the shop is, as far as orders point at it: read once a run, so that an order costs no question about it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.utils.translation import gettext

from bitrix_bridge.history import catalogue
from bitrix_bridge.history.documents import Knowledge
from bitrix_bridge.history.source import Source
from orders import services
from orders.models import City, DeliverySlot, Product, Shop, Status
from orders.models.reference import SiteReference
from orders.snapshot import ProductSnapshot, ReferenceRow, ReferenceSnapshot


@dataclass(slots=True)
class Surroundings:
    """Keys of what is described here; whatever else an order points at becomes a stub, and is noted as a reason."""

    knowledge: Knowledge
    pay_systems: dict[str, str]
    statuses: set[str] = field(default_factory=set)
    cities: set[int] = field(default_factory=set)
    shops: set[int] = field(default_factory=set)
    slots: set[str] = field(default_factory=set)
    products: dict[int, bool] = field(default_factory=dict)
    """Those met so far -> whether they are described."""


def look_around(source: Source) -> Surroundings:
    """Take over the reference data that the copy has and we lack, and return what there is then."""
    services.apply_reference(snapshot=_lacking(source))
    statuses = Status.objects.filter(needs_attention=False).values_list("bitrix_codes", flat=True)
    return Surroundings(
        knowledge=catalogue.read_knowledge(source),
        pay_systems=catalogue.pay_systems(source),
        statuses={code for codes in statuses for code in codes},
        cities=set(City.objects.filter(needs_attention=False).values_list("bitrix_id", flat=True)),
        shops=set(Shop.objects.filter(needs_attention=False).values_list("bitrix_id", flat=True)),
        slots=set(DeliverySlot.objects.filter(needs_attention=False).values_list("bitrix_id", flat=True)),
    )


def new_products(source: Source, around: Surroundings, ids: Iterable[int]) -> list[ProductSnapshot]:
    """Return those of these products that the copy has and the run has not met yet; note the others."""
    unmet = sorted(set(ids) - around.products.keys())
    if not unmet:
        return []
    found = catalogue.read_products(source, unmet)
    known = {snapshot.bitrix_product_id for snapshot in found if snapshot.fields.get("name")}
    if missing := set(unmet) - known:
        described = Product.objects.filter(bitrix_product_id__in=missing, needs_attention=False)
        known |= {key for key in described.values_list("bitrix_product_id", flat=True) if key is not None}
    around.products |= {key: key in known for key in unmet}
    return found


def _lacking(source: Source) -> ReferenceSnapshot:
    """Return what the copy knows better than we do. Names that the site itself has told since are newer than a copy."""
    told = catalogue.read_reference(source)
    statuses = {row.key: row for row in told.statuses}
    for code in catalogue.used_statuses(source):
        # Made here and not by the first order that has it: nobody is alarmed because of history.
        name = gettext("Status %(code)s of the site") % {"code": code}
        statuses.setdefault(code, ReferenceRow(key=code, fields={"name": name}))
    return ReferenceSnapshot(
        statuses=tuple(row for row in statuses.values() if row.key not in _named(Status)),
        cities=_without(told.cities, City),
        shops=_without(told.shops, Shop),
        slots=_without(told.slots, DeliverySlot),
    )


def _without(rows: Iterable[ReferenceRow], model: type[SiteReference]) -> tuple[ReferenceRow, ...]:
    known = _named(model)
    return tuple(row for row in rows if row.key not in known)


def _named(model: type[SiteReference]) -> set[object]:
    rows = model._default_manager.all()
    if model is Status:
        return {code for row in rows for code in row.bitrix_codes if _is_told(row)}  # type: ignore[attr-defined]
    return {row.bitrix_id for row in rows if not row.needs_attention}  # type: ignore[attr-defined]


def _is_told(row: SiteReference) -> bool:
    """Return whether the site has told the name already, or staff have described a status that it has not."""
    return bool(row.bitrix_state) or not row.needs_attention
