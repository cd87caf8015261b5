"""Read the CRM's orders for a comparison, with few queries and without the large columns."""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from bitrix_bridge.models import Push
from bitrix_bridge.reconciliation.comparison import COMPARED, Ours
from cvety_crm.outbox import LIVE
from orders.models import Order, Status
from orders.sync.agreement import Agreement
from orders.sync.fields import FIELDS, comparable

_COLUMNS = tuple(FIELDS[name].attribute for name in COMPARED)
_VERSIONS = ("bitrix_version", "bitrix_state__received_version", "bitrix_state__checksum", "bitrix_state__damaged")
_GONE = ("is_deleted_on_site", "is_archived_on_site")
_LIGHT = ("pk", "bitrix_order_id", *_VERSIONS, "status__is_final", *_GONE, *_COLUMNS)


def status_codes() -> dict[str, str]:
    """Return a dictionary of the CRM's status codes with the site's status codes as keys."""
    rows = Status.objects.values_list("code", "bitrix_codes")
    return {bitrix_code: code for code, bitrix_codes in rows for bitrix_code in bitrix_codes or ()}


def between(after_id: int, up_to: int | None, limit: int) -> list[Ours]:
    """Return the orders with ids on the site above `after_id` and at most `up_to`, sorted by id, without agreements."""
    orders = Order.objects.filter(bitrix_order_id__gt=after_id)
    if up_to is not None:
        orders = orders.filter(bitrix_order_id__lte=up_to)
    return _light(orders.order_by("bitrix_order_id")[:limit])


def of_ids(ids: Collection[int]) -> list[Ours]:
    """Return the orders with these ids on the site, without agreements."""
    return _light(Order.objects.filter(bitrix_order_id__in=ids).order_by("bitrix_order_id"))


def whole(ids: Collection[int] = (), keys: Collection[UUID] = ()) -> list[Ours]:
    """Return these orders with their agreements. Set `has_live_push` if a push is queued or being delivered."""
    orders = Order.objects.filter(bitrix_order_id__in=ids) if ids else Order.objects.filter(pk__in=keys)
    push = Push.objects.filter(order=OuterRef("pk"), state__in=LIVE)
    return _read(orders.annotate(live=Exists(push)).values_list(*_LIGHT, "bitrix_state", "live"))


def unlinked(keys: Iterable[UUID]) -> dict[UUID, Ours]:
    """Of the orders with these primary keys, return the orders whose id on the site is unknown."""
    wanted = list(keys)
    return {one.key: one for one in whole(keys=wanted) if one.bitrix_order_id is None} if wanted else {}


def _light(orders: QuerySet[Order]) -> list[Ours]:
    return _read((*row, None, False) for row in orders.values_list(*_LIGHT))


def _read(rows: Iterable[tuple[Any, ...]]) -> list[Ours]:
    return [
        Ours(
            key=key,
            bitrix_order_id=site_id,
            version=version,
            received_version=received_version,
            checksum=checksum,
            damaged=len(damaged or ()),
            is_final=is_final,
            is_deleted=is_deleted,
            is_archived=is_archived,
            values=dict(zip(COMPARED, map(comparable, values), strict=True)),
            agreement=Agreement.from_json(state or {}),
            has_live_push=is_live,
        )
        for (
            key,
            site_id,
            version,
            received_version,
            checksum,
            damaged,
            is_final,
            is_deleted,
            is_archived,
            *values,
            state,
            is_live,
        ) in rows
    ]
