"""The import context: reference data that is read once for each run, so that an order needs no query for it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from bitrix_bridge.history import catalogue
from bitrix_bridge.history.documents import Knowledge, location_values
from bitrix_bridge.history.locations import read_places
from bitrix_bridge.history.source import Source
from bitrix_bridge.history.source_order import SourceOrder
from orders import services
from orders.models import City, DeliverySlot, PaySystem, Product, Shop, Status
from orders.services.references import stub_status_name
from orders.sync.snapshot import ProductSnapshot, ReferenceRow, ReferenceSnapshot
from orders.values.cities import same_name


@dataclass(slots=True)
class ImportContext:
    """The keys of reference data that is described in the CRM. For any other key, an order gets a stub and a reason."""

    knowledge: Knowledge
    pay_systems: dict[str, str]
    """The names of the pay systems in the source, by their ids."""
    methods: dict[int, str] = field(default_factory=dict)
    """The payment method of each pay system, read again for each batch. It is empty if none is chosen."""
    statuses: set[str] = field(default_factory=set)
    questions: dict[str, str] = field(default_factory=dict)
    """Code of a status on the site whose name there does not fit its stage -> the text of the question for staff."""
    cities: set[int] = field(default_factory=set)
    shops: set[int] = field(default_factory=set)
    slots: set[str] = field(default_factory=set)
    products: dict[int, bool] = field(default_factory=dict)
    """Id of a product that was found in an order of this run -> whether the product is described."""


def load_import_context(source: Source) -> ImportContext:
    """Apply the reference data that is missing in the CRM, and return the import context."""
    known = catalogue.read_reference(source)
    questions = services.note_site_statuses(rows=known.statuses)
    services.apply_reference(snapshot=_missing_reference(source, known), is_copied=True)
    statuses = Status.objects.filter(needs_attention=False).values_list("bitrix_codes", flat=True)
    knowledge = catalogue.read_knowledge(source)
    cities = City.objects.filter(needs_attention=False).order_by("-bitrix_id").values_list("name", "bitrix_id")
    knowledge.city_ids.update({same_name(name): key for name, key in cities})
    return ImportContext(
        knowledge=knowledge,
        pay_systems=catalogue.pay_systems(source),
        statuses={code for codes in statuses for code in codes} | {one.bitrix_code for one in questions},
        questions={one.bitrix_code: one.text for one in questions},
        cities=set(City.objects.filter(needs_attention=False).values_list("bitrix_id", flat=True)),
        shops=set(Shop.objects.filter(needs_attention=False).values_list("bitrix_id", flat=True)),
        slots=set(DeliverySlot.objects.filter(needs_attention=False).values_list("bitrix_id", flat=True)),
    )


def new_products(source: Source, context: ImportContext, ids: Iterable[int]) -> list[ProductSnapshot]:
    """Return the products that are new in this run. Record in the context whether each product is described."""
    new_ids = sorted(set(ids) - context.products.keys())
    if not new_ids:
        return []
    found = catalogue.read_products(source, new_ids)
    known = {snapshot.bitrix_product_id for snapshot in found if snapshot.fields.get("name")}
    if missing := set(new_ids) - known:
        described = Product.objects.filter(bitrix_product_id__in=missing, needs_attention=False)
        known |= {key for key in described.values_list("bitrix_product_id", flat=True) if key is not None}
    context.products |= {key: key in known for key in new_ids}
    return found


def new_cities(source: Source, context: ImportContext, orders: Iterable[SourceOrder]) -> tuple[ReferenceRow, ...]:
    """Find the cities of the locations of these orders, and return those that are new in the CRM.

    A city has the name of its location. If the site has no property `city`, cities with new names are created with the
    ids of their locations. Otherwise, the ids of locations could be the ids of different cities.
    """
    knowledge = context.knowledge
    values = {value for order in orders for value in location_values(order, knowledge)} - knowledge.places.keys()
    if not values:
        return ()
    places = read_places(source, values)
    knowledge.places.update(places)
    if any(row.get("CODE") == "city" for row in knowledge.properties.values()):
        return ()
    found = {}
    for place in places.values():
        if place is not None and same_name(place.name) not in knowledge.city_ids and place.id not in context.cities:
            knowledge.city_ids[same_name(place.name)] = place.id
            context.cities.add(place.id)
            found[place.id] = ReferenceRow(key=place.id, fields={"name": place.name})
    return tuple(found.values())


def _missing_reference(source: Source, known: ReferenceSnapshot) -> ReferenceSnapshot:
    """Return the reference data that is missing in the CRM. Names in the CRM are newer than names in the source."""
    statuses = {row.key: row for row in known.statuses}
    for code in catalogue.used_statuses(source):
        # The status is created here because the first order with it would raise an alert, and the import must not
        # raise alerts.
        statuses.setdefault(code, ReferenceRow(key=code, fields={"name": stub_status_name(code)}))
    return ReferenceSnapshot(
        statuses=_without(statuses.values(), _named_statuses()),
        cities=_without(known.cities, _named(City)),
        shops=_without(known.shops, _named(Shop)),
        slots=_without(known.slots, _named(DeliverySlot)),
        pay_systems=_without(known.pay_systems, _named(PaySystem)),
    )


def _without(rows: Iterable[ReferenceRow], known: Collection[object]) -> tuple[ReferenceRow, ...]:
    return tuple(row for row in rows if row.key not in known)


def _named(model: type[City | Shop | DeliverySlot | PaySystem]) -> set[object]:
    return set(model._default_manager.filter(needs_attention=False).values_list("bitrix_id", flat=True))


def _named_statuses() -> set[object]:
    """Return the codes of named statuses. A stub whose name was changed needs attention until it also has a stage."""
    rows = Status.objects.values_list("bitrix_codes", "name", "needs_attention")
    return {
        code
        for codes, name, needs_attention in rows
        for code in codes
        if not needs_attention or name != stub_status_name(code)
    }
