"""Reference data that an order points at. What is missing becomes a stub row, named after its id and flagged:
missing reference data never turns an order away.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Case, CharField, F, Model, QuerySet, TextField, Value, When
from django.db.models.functions import Cast
from django.utils.translation import gettext

from cvety_crm.alerts import Alert, raise_alert
from orders.models import City, DeliverySlot, Product, Shop, Stage, Status
from orders.slots import parse_slot
from orders.snapshot import ItemSnapshot


@dataclass(slots=True)
class References:
    """What was asked for, as keys that exist now."""

    status: str | None = None
    status_is_final: bool = False
    products: dict[int, UUID] = field(default_factory=dict)
    """The site's product id -> our key."""


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
    wanted: list[QuerySet[Any, Any]] = []
    if status is not None:
        kind = Case(When(is_final=True, then=Value("final")), default=Value("status"), output_field=CharField())
        wanted.append(_rows(Status.objects.filter(bitrix_codes__contains=[status]), "code", kind))
    if city is not None:
        wanted.append(_rows(City.objects.filter(bitrix_id=city), "bitrix_id", Value("city")))
    if shop is not None:
        wanted.append(_rows(Shop.objects.filter(bitrix_id=shop), "bitrix_id", Value("shop")))
    if slot is not None:
        wanted.append(_rows(DeliverySlot.objects.filter(bitrix_id=slot), "bitrix_id", Value("slot")))
    if names:
        wanted.append(_rows(Product.objects.filter(bitrix_product_id__in=names), "bitrix_product_id", Value("product")))

    references = References()
    found: set[str] = set()
    if wanted:
        first, *rest = wanted
        for kind_name, key, pk in first.union(*rest, all=True) if rest else first:
            found.add("status" if kind_name == "final" else kind_name)
            if kind_name == "product":
                references.products[int(key)] = pk
            elif kind_name in ("status", "final"):
                references.status, references.status_is_final = key, kind_name == "final"

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


def _rows(queryset: QuerySet[Any], key: str, kind: Any) -> QuerySet[Any, Any]:
    return queryset.order_by().values_list(Cast(kind, TextField()), Cast(F(key), TextField()), F("pk"))


def _insert(row: Model) -> None:
    # Somebody else may have made the same stub meanwhile; either row serves.
    type(row)._default_manager.bulk_create([row], ignore_conflicts=True)


def _stub_status(bitrix_code: str) -> str:
    # Case matters to the site's codes, so it has to survive in ours: "p" and "P" are two statuses.
    code = f"bitrix_{bitrix_code}"
    row, is_new = Status.objects.get_or_create(
        code=code,
        defaults={
            "bitrix_codes": [bitrix_code],
            "name": gettext("Status %(code)s of the site") % {"code": bitrix_code},
            "stage": Stage.PROBLEM,
            "sort": 1000,
            "needs_attention": True,
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
            item.product_snapshot.get("name") or gettext("Product %(id)s") % {"id": item.bitrix_product_id},
            item.price,
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
