"""Functions that find the reference data and the products to which an order refers.

For an unknown id, a stub is created. Its name contains the id, and it needs attention. So an order is never rejected
because of missing reference data.
"""

from collections.abc import Callable, Iterable
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
from orders.sync.snapshot import ItemSnapshot, OrderSnapshot
from orders.sync.three_way_merge import Agreement
from orders.values.cities import same_name
from orders.values.slots import hours_in, parse_slot


@dataclass(slots=True)
class References:
    """The keys of the rows that `resolve` found or created."""

    status: str | None = None
    status_is_final: bool = False
    status_stage: str = ""
    """The stage of the status, or an empty string if the status was created or not looked up."""
    products: dict[int, UUID] = field(default_factory=dict)
    """Maps the ids of products on the site to their primary keys."""


STUB_PREFIX = "bitrix_"
"""The prefix of the code of a status that is a stub."""
UNREAD_STATUS = "unread_status"
"""The code of the status of orders whose status could not be read."""
UNKNOWN_SORT = 1000
"""The sort value of an unknown status, which puts it last in lists."""

# This is SQL because it runs for each received order. Building the union of five querysets in Django would take a sixth
# of the time that an order needs. A NULL matches no row.
_LOOKUP = """
    SELECT CASE WHEN is_final THEN 'final/' ELSE 'status/' END || stage, code, id
    FROM order_statuses WHERE bitrix_codes @> ARRAY[%(status)s]::varchar[]
    UNION ALL SELECT 'city', bitrix_id::text, id FROM cities WHERE bitrix_id = %(city)s
    UNION ALL SELECT 'shop', bitrix_id::text, id FROM sellers WHERE bitrix_id = %(shop)s
    UNION ALL SELECT 'slot', bitrix_id, id FROM delivery_times WHERE bitrix_id = %(slot)s
    UNION ALL SELECT 'product', bitrix_product_id::text, id
    FROM products WHERE bitrix_product_id = ANY(%(products)s::bigint[])
    UNION ALL SELECT 'pay_system', bitrix_id::text, id FROM pay_systems WHERE bitrix_id = %(pay_system)s
"""


def resolve(
    *,
    status: str | None = None,
    city: int | None = None,
    shop: int | None = None,
    slot: str | None = None,
    pay_system: int | None = None,
    pay_system_name: str = "",
    items: Iterable[ItemSnapshot] = (),
) -> References:
    """Return the keys of the rows with these ids on the site, with one query. Create a stub for each missing row.

    `status` is the site's code. An argument that is None is not looked up.
    """
    names = {item.bitrix_product_id: item for item in items if item.bitrix_product_id}
    references = References()
    found: set[str] = set()
    if names or any(value is not None for value in (status, city, shop, slot, pay_system)):
        ids = {"status": status, "city": city, "shop": shop, "slot": slot, "pay_system": pay_system}
        found = _look_up({**ids, "products": list(names)}, references)
    if status is not None and "status" not in found:
        references.status = _stub_status(status)
    if pay_system is not None and "pay_system" not in found:
        _insert(new_pay_system(pay_system, pay_system_name))
    stubs: tuple[tuple[str, Any, Callable[[Any], SiteReference]], ...] = (
        ("city", city, _stub_city),
        ("shop", shop, _stub_shop),
        ("slot", slot, _stub_slot),
    )
    for kind, bitrix_id, make in stubs:
        if bitrix_id is not None and kind not in found:
            _insert(make(bitrix_id))
    if missing := [names[key] for key in sorted(names) if key not in references.products]:
        references.products |= _stub_products(missing)
    return references


def _look_up(ids: dict[str, Any], references: References) -> set[str]:
    """Add the keys of the rows with these ids to `references`, and return the kinds of the rows that exist."""
    found: set[str] = set()
    with connection.cursor() as cursor:
        cursor.execute(_LOOKUP, ids)
        for name, key, pk in cursor.fetchall():
            kind, _separator, stage = name.partition("/")
            found.add("status" if kind == "final" else kind)
            if kind == "product":
                references.products[int(key)] = pk
            elif kind in ("status", "final"):
                references.status, references.status_is_final = key, kind == "final"
                references.status_stage = stage
    return found


def with_city(snapshot: OrderSnapshot) -> OrderSnapshot:
    """Return the snapshot with the city that the names of its locations contain, if it has no city of its own.

    Only cities that the CRM knows are found. Without names, make no query.
    """
    if not snapshot.places or snapshot.fields.get("city") is not None or "city" in snapshot.unread:
        return snapshot
    known = {same_name(name): key for name, key in City.objects.values_list("name", "bitrix_id")}
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
