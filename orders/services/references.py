"""Reference data that an order points at. What is missing becomes a stub row, named after its id and flagged:
missing reference data never turns an order away.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext

from cvety_crm.alerts import Alert, raise_alert
from orders.models import City, DeliverySlot, Product, Shop, Stage, Status
from orders.models.reference import SiteReference
from orders.rules.discounts import full_price
from orders.sync.snapshot import ItemSnapshot
from orders.sync.three_way_merge import Agreement
from orders.values.slots import parse_slot


@dataclass(slots=True)
class References:
    """What was asked for, as keys that exist now."""

    status: str | None = None
    status_is_final: bool = False
    products: dict[int, UUID] = field(default_factory=dict)
    """The site's product id -> our key."""


STUB_PREFIX = "bitrix_"
"""What the code of a status begins with that nobody has described yet."""
UNKNOWN_SORT = 1000
"""Where an unknown status stands in lists: last."""
_NAME_LENGTH = Product._meta.get_field("name").max_length

# In SQL because it runs for each order that comes in, and Django takes a sixth of the order's time to put its union of
# five querysets together. A NULL finds nothing.
_LOOKUP = """
    SELECT CASE WHEN is_final THEN 'final' ELSE 'status' END, code, id
    FROM order_statuses WHERE bitrix_codes @> ARRAY[%(status)s]::varchar[]
    UNION ALL SELECT 'city', bitrix_id::text, id FROM cities WHERE bitrix_id = %(city)s
    UNION ALL SELECT 'shop', bitrix_id::text, id FROM sellers WHERE bitrix_id = %(shop)s
    UNION ALL SELECT 'slot', bitrix_id, id FROM delivery_times WHERE bitrix_id = %(slot)s
    UNION ALL SELECT 'product', bitrix_product_id::text, id
    FROM products WHERE bitrix_product_id = ANY(%(products)s::bigint[])
"""


def resolve(
    *,
    status: str | None = None,
    city: int | None = None,
    shop: int | None = None,
    slot: str | None = None,
    items: Iterable[ItemSnapshot] = (),
) -> References:
    """Return the rows behind the site's ids, in one query, making a stub of each that is missing.

    `status` is the site's code. An argument that is None is not looked up.
    """
    names = {item.bitrix_product_id: item for item in items if item.bitrix_product_id}
    references = References()
    found: set[str] = set()
    if names or any(value is not None for value in (status, city, shop, slot)):
        with connection.cursor() as cursor:
            ids = {"status": status, "city": city, "shop": shop, "slot": slot, "products": list(names)}
            cursor.execute(_LOOKUP, ids)
            for kind, key, pk in cursor.fetchall():
                found.add("status" if kind == "final" else kind)
                if kind == "product":
                    references.products[int(key)] = pk
                elif kind in ("status", "final"):
                    references.status, references.status_is_final = key, kind == "final"

    if status is not None and "status" not in found:
        references.status = _stub_status(status)
    if city is not None and "city" not in found:
        _insert(City(bitrix_id=city, name=gettext("City %(id)s") % {"id": city}, needs_attention=True))
    if shop is not None and "shop" not in found:
        _insert(Shop(bitrix_id=shop, name=gettext("Shop %(id)s") % {"id": shop}, needs_attention=True))
    if slot is not None and "slot" not in found:
        _insert(_stub_slot(slot))
    if missing := [names[key] for key in sorted(names) if key not in references.products]:
        references.products |= _stub_products(missing)
    return references


def known_status(bitrix_code: str, agreement: Agreement) -> str | None:
    """Return our code of the status on which both sides agree, if this is the site's code of it; else None.

    Staff may have given the code to another status since: that changes no order. A stub may have been described since.
    """
    agreed = str(agreement.value("status"))
    return agreed if bitrix_code == agreement.site_status and not agreed.startswith(STUB_PREFIX) else None


def stub_status_name(bitrix_code: str) -> str:
    """Return what a status is called that nobody has named yet."""
    return gettext("Status %(code)s of the site") % {"code": bitrix_code}


def _insert(row: SiteReference) -> None:
    row.bitrix_state = Agreement.on(name=row.name).as_json()
    # Somebody else may have made the same stub meanwhile; either row serves.
    type(row)._default_manager.bulk_create([row], ignore_conflicts=True)


def _stub_status(bitrix_code: str) -> str:
    # Case matters to the site's codes, so it has to survive in ours: "p" and "P" are two statuses.
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


def _stub_slot(slot: str) -> DeliverySlot:
    times = parse_slot(slot)
    return DeliverySlot(
        bitrix_id=slot,
        name=f"{times[0]:%H:%M}–{times[1]:%H:%M}" if times else gettext("Time %(id)s") % {"id": slot},
        starts_at=times[0] if times else None,
        ends_at=times[1] if times else None,
        needs_attention=times is None,
    )


def _stub_products(items: list[ItemSnapshot]) -> dict[int, UUID]:
    rows = [
        (
            item.bitrix_product_id,
            # The line's name may be longer than the product's; the line keeps it whole.
            (item.product_snapshot.get("name") or "")[:_NAME_LENGTH].rstrip()
            or gettext("Product %(id)s") % {"id": item.bitrix_product_id},
            full_price(item),
        )
        for item in items
    ]
    # Django's own upsert does not tell the key of a row that another order has made meanwhile. The update changes
    # nothing, but makes PostgreSQL return that row.
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO products (bitrix_product_id, name, price, needs_attention)
            SELECT id, name, price, true FROM unnest(%s::bigint[], %s::varchar[], %s::numeric[]) AS row(id, name, price)
            ON CONFLICT (bitrix_product_id) DO UPDATE SET bitrix_product_id = excluded.bitrix_product_id
            RETURNING bitrix_product_id, id
            """,
            [list(column) for column in zip(*rows, strict=True)],
        )
        return dict(cursor.fetchall())
