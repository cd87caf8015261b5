"""Functions that find the reference data and the products to which an order refers.

For an unknown id, a stub is created. Its name contains the id, and it needs attention. So an order is never rejected
because of missing reference data.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext

from cvety_crm.alerts import Alert, raise_alert
from orders.models import City, DeliverySlot, PaySystem, PictureSource, Shop, Stage, Status
from orders.models.product import NAME_LENGTH
from orders.models.reference import SiteReference
from orders.rules.discounts import full_price
from orders.selectors.pay_systems import initial_methods
from orders.sync.agreement import Agreement
from orders.sync.snapshot import ItemSnapshot, OrderSnapshot
from orders.values.cities import same_name
from orders.values.slots import hours_in, parse_slot


@dataclass(slots=True)
class References:
    """The keys of the rows that were found or created for one order."""

    status: str | None = None
    status_is_final: bool = False
    status_stage: str = ""
    """The stage of the status, or an empty string if the status was created or not looked up."""
    products: dict[int, UUID] = field(default_factory=dict)
    """Maps the ids of products on the site to their primary keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteIds:
    """The ids on the site of the reference data and the products of one order. What is None is not looked up."""

    status: str | None = None
    """The site's code of the status."""
    city: int | None = None
    shop: int | None = None
    slot: str | None = None
    pay_system: int | None = None
    pay_system_name: str = ""
    items: Sequence[ItemSnapshot] = ()

    @property
    def products(self) -> dict[int, ItemSnapshot]:
        """Return the items that have a product, by the product's id on the site."""
        return {item.bitrix_product_id: item for item in self.items if item.bitrix_product_id}

    def wanted(self) -> Iterator[tuple[str, Any]]:
        """Yield the kind and the id of each row to look up."""
        for kind in ("status", "city", "shop", "slot", "pay_system"):
            value = getattr(self, kind)
            if value is not None:
                yield kind, value
        for product in self.products:
            yield "product", product


STUB_PREFIX = "bitrix_"
"""The prefix of the code of a status that is a stub."""
UNREAD_STATUS = "unread_status"
"""The code of the status of orders whose status could not be read."""
UNKNOWN_SORT = 1000
"""The sort value of an unknown status, which puts it last in lists."""

REFERENCE_ROWS = """
    SELECT 'status' AS kind, code AS key, NULL::uuid AS id, json_build_array(bitrix_codes, is_final, stage) AS data
    FROM order_statuses WHERE bitrix_codes && %(status)s::varchar[]
    UNION ALL SELECT 'city', bitrix_id::text, id, NULL FROM cities WHERE bitrix_id = ANY(%(city)s::bigint[])
    UNION ALL SELECT 'shop', bitrix_id::text, id, NULL FROM sellers WHERE bitrix_id = ANY(%(shop)s::bigint[])
    UNION ALL SELECT 'slot', bitrix_id, id, NULL FROM delivery_times WHERE bitrix_id = ANY(%(slot)s::varchar[])
    UNION ALL SELECT 'product', bitrix_product_id::text, id, NULL
    FROM products WHERE bitrix_product_id = ANY(%(product)s::bigint[])
    UNION ALL SELECT 'pay_system', bitrix_id::text, id, NULL
    FROM pay_systems WHERE bitrix_id = ANY(%(pay_system)s::bigint[])
"""
"""The rows of any number of orders. This is SQL because it runs for each received order: to compose the union in Django
would take a sixth of the time that an order needs."""
KINDS = ("status", "city", "shop", "slot", "product", "pay_system")


class ReferenceTable:
    """The reference data and the products of a batch of orders, by their ids on the site.

    What is missing in the database gets a stub, which the next orders of the batch find.
    """

    def __init__(self) -> None:
        self._asked: set[tuple[str, Any]] = set()
        self._found: dict[tuple[str, Any], Any] = {}

    def parameters(self, wanted: Iterable[SiteIds]) -> dict[str, list[Any]] | None:
        """Return the parameters of `REFERENCE_ROWS` for what was not looked up yet, or None if there is nothing."""
        new = {key for ids in wanted for key in ids.wanted()} - self._asked
        self._asked |= new
        if not new:
            return None
        parameters: dict[str, list[Any]] = {kind: [] for kind in KINDS}
        for kind, value in sorted(new, key=str):
            parameters[kind].append(value)
        return parameters

    def read(self, parameters: Mapping[str, list[Any]]) -> None:
        """Add the rows of `REFERENCE_ROWS` for these parameters, with one query."""
        with connection.cursor() as cursor:
            cursor.execute(REFERENCE_ROWS, parameters)
            for row in cursor.fetchall():
                self.add(*row)

    def add(self, kind: str, key: str, pk: UUID | None, data: Any) -> None:
        """Add a row of `REFERENCE_ROWS`."""
        if kind == "status":
            codes, is_final, stage = data
            for code in codes:
                self._found[kind, code] = key, is_final, stage
        else:
            self._found[kind, key if kind == "slot" else int(key)] = pk

    def resolve(self, ids: SiteIds) -> References:
        """Return the keys of the rows with these ids. Create a stub for each missing row."""
        if (parameters := self.parameters([ids])) is not None:
            self.read(parameters)
        references = References()
        if ids.status is not None:
            if ("status", ids.status) not in self._found:
                self._found["status", ids.status] = _stub_status(ids.status), False, ""
            references.status, references.status_is_final, references.status_stage = self._found["status", ids.status]
        if ids.pay_system is not None and ("pay_system", ids.pay_system) not in self._found:
            self._insert("pay_system", ids.pay_system, new_pay_system(ids.pay_system, ids.pay_system_name))
        stubs: tuple[tuple[str, Any, Callable[[Any], SiteReference]], ...] = (
            ("city", ids.city, _stub_city),
            ("shop", ids.shop, _stub_shop),
            ("slot", ids.slot, _stub_slot),
        )
        for kind, bitrix_id, make in stubs:
            if bitrix_id is not None and (kind, bitrix_id) not in self._found:
                self._insert(kind, bitrix_id, make(bitrix_id))
        products = ids.products
        if missing := [products[key] for key in sorted(products) if ("product", key) not in self._found]:
            self._found |= {("product", key): pk for key, pk in _stub_products(missing).items()}
        references.products = {key: self._found["product", key] for key in products}
        return references

    def _insert(self, kind: str, bitrix_id: Any, row: SiteReference) -> None:
        _insert(row)
        self._found[kind, bitrix_id] = row.pk


def resolve(ids: SiteIds) -> References:
    """Return the keys of the rows with these ids on the site, with one query. Create a stub for each missing row."""
    return ReferenceTable().resolve(ids)


def with_cities(snapshots: Sequence[OrderSnapshot]) -> list[OrderSnapshot]:
    """Return the snapshots, those without a city with the one that the names of their locations contain.

    Only cities that the CRM knows are found. If no snapshot needs a city, make no query.
    """
    if not any(map(_needs_city, snapshots)):
        return list(snapshots)
    known = {same_name(name): key for name, key in City.objects.values_list("name", "bitrix_id")}
    return [_with_city(snapshot, known) if _needs_city(snapshot) else snapshot for snapshot in snapshots]


def _needs_city(snapshot: OrderSnapshot) -> bool:
    return bool(snapshot.places) and snapshot.fields.get("city") is None and "city" not in snapshot.unread


def _with_city(snapshot: OrderSnapshot, known: Mapping[str, int]) -> OrderSnapshot:
    names = (same_name(part) for place in snapshot.places for part in (place, *place.split(",")))
    city = next((known[name] for name in names if name in known), None)
    return snapshot if city is None else replace(snapshot, fields={**snapshot.fields, "city": city})


def known_status(bitrix_code: str, agreement: Agreement) -> str | None:
    """Return the agreed status (its code in the CRM) if `bitrix_code` is its code on the site, and None otherwise.

    If staff have moved the site's code to a different status since then, the status of the order is not changed. A stub
    is never returned: staff may have moved its code to a status that is not a stub.
    """
    agreed = str(agreement.value("status"))
    return agreed if bitrix_code == agreement.site_status and not agreed.startswith(STUB_PREFIX) else None


def stub_status_name(bitrix_code: str) -> str:
    """Return the name of a stub for the status with this code on the site."""
    return gettext("Status %(code)s of the site") % {"code": bitrix_code}


def new_pay_system(bitrix_id: int, name: str = "") -> PaySystem:
    """Return an unsaved pay system with the method of the setting. Without a name it is a stub."""
    return PaySystem(
        bitrix_id=bitrix_id,
        name=name or gettext("Pay system %(id)s") % {"id": bitrix_id},
        needs_attention=not name,
        payment_method=initial_methods().get(bitrix_id, ""),
    )


def _insert(row: SiteReference) -> None:
    more = {"is_active": True} if isinstance(row, PaySystem) else {}
    row.bitrix_state = Agreement.on(name=row.name, **more).as_json()
    # Another transaction may create the same stub at the same time. Both rows would be equal.
    type(row)._default_manager.bulk_create([row], ignore_conflicts=True)


def _stub_status(bitrix_code: str) -> str:
    # The site's codes are case-sensitive, so the case is kept: "p" and "P" are two statuses.
    code = f"{STUB_PREFIX}{bitrix_code}"
    name = stub_status_name(bitrix_code)
    row, is_new = Status.objects.get_or_create(
        code=code,
        defaults={
            "bitrix_codes": [bitrix_code],
            "name": name,
            "stage": Stage.PROBLEM,
            "sort": UNKNOWN_SORT,
            "needs_attention": True,
            "bitrix_state": Agreement.on(name=name, sort=UNKNOWN_SORT).as_json(),
        },
    )
    if is_new:
        raise_alert(
            Alert(
                title=gettext("The site uses a status unknown to the CRM: %(code)s") % {"code": bitrix_code},
                text=gettext("Give it a name and a stage."),
                about=row,
            )
        )
    return row.code


def unread_status() -> str:
    """Return the code of the status of orders whose status the site has not sent, or not in a form that can be read.

    Its stage is "problem", so no page hides its orders. The site has no such status.
    """
    name = gettext("Status not known")
    row, _is_new = Status.objects.get_or_create(
        code=UNREAD_STATUS,
        defaults={
            "name": name,
            "stage": Stage.PROBLEM,
            "sort": UNKNOWN_SORT,
            "bitrix_state": Agreement.on(name=name, sort=UNKNOWN_SORT).as_json(),
        },
    )
    return row.code


def _stub_city(bitrix_id: int) -> City:
    return City(bitrix_id=bitrix_id, name=gettext("City %(id)s") % {"id": bitrix_id}, needs_attention=True)


def _stub_shop(bitrix_id: int) -> Shop:
    return Shop(bitrix_id=bitrix_id, name=gettext("Shop %(id)s") % {"id": bitrix_id}, needs_attention=True)


def _stub_slot(slot: str) -> DeliverySlot:
    times = parse_slot(slot)
    starts_at, ends_at = hours_in(slot)
    # An id is a number. A slot that is written as text is its own name.
    words = gettext("Time %(id)s") % {"id": slot} if slot.isdecimal() else slot
    return DeliverySlot(
        bitrix_id=slot,
        name=f"{times[0]:%H:%M}–{times[1]:%H:%M}" if times else words,
        starts_at=starts_at,
        ends_at=ends_at,
        needs_attention=starts_at is None and ends_at is None,
    )


def _product_name(item: ItemSnapshot) -> str:
    """Return the name of the item, or a name with its id if it has none or if the column is too short for it."""
    name = item.product_snapshot.get("name") or ""
    return name if 0 < len(name) <= NAME_LENGTH else gettext("Product %(id)s") % {"id": item.bitrix_product_id}


def _stub_products(items: list[ItemSnapshot]) -> dict[int, UUID]:
    rows = [
        (
            item.bitrix_product_id,
            _product_name(item),
            None if "price" in item.unknown_values else full_price(item),
            (address := str(item.product_snapshot.get("picture") or "")),
            PictureSource.ORDER.value if address else "",
        )
        for item in items
    ]
    # Django's upsert does not return the primary key of a row that another transaction has inserted. The update
    # changes no value, but makes PostgreSQL return that row. An update of the key would lock the row against items of
    # other orders that refer to it, and an order that waits for this customer would then wait for itself.
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO products (bitrix_product_id, name, price, image_url, picture_source, needs_attention)
            SELECT id, name, price, picture, source, true
            FROM unnest(%s::bigint[], %s::varchar[], %s::numeric[], %s::varchar[], %s::varchar[])
                AS row(id, name, price, picture, source)
            ON CONFLICT (bitrix_product_id) DO UPDATE SET name = products.name
            RETURNING bitrix_product_id, id
            """,
            [list(column) for column in zip(*rows, strict=True)],
        )
        return dict(cursor.fetchall())
