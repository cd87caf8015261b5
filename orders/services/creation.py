"""Making an order on this side: a phone call, Instagram, a walk-in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils.translation import gettext

from orders.events import OrderChange, publish
from orders.exceptions import NotAllowedError
from orders.models import (
    CHANNEL,
    Channel,
    Customer,
    Order,
    PaymentStatus,
    Product,
    Source,
    Status,
    SyncState,
)
from orders.services.callers import customer_for_call
from orders.services.items import new_line, store_items
from orders.services.references import resolve
from orders.services.timeline import write_event
from orders.services.totals import DISCOUNT, FEE, TOTAL, as_money, totals
from orders.services.validation import given_values
from orders.sync.fields import FIELDS
from orders.sync.snapshot import ItemSnapshot
from orders.timeline_payloads import OrderCreated

FIRST_STATUS = "new"
DEFAULT_SLOT = "18"  # 15:00-16:00
DEFAULT_CITY = 2  # Алматы
DEFAULT_SHOP = 17008  # CVETYKZ


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """A line to order: a product of the catalogue, or free text with a price. KZT for one piece."""

    product: Product | None = None
    name: str = ""
    quantity: Decimal = Decimal(1)
    price: Decimal | None = None
    """The product's own price when None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who orders, as he says himself; a known customer is found by his phone, whatever its spelling."""

    name: str = ""
    phone: str = ""


@transaction.atomic
def create_order(
    *,
    items: Sequence[NewItem],
    actor: User | None,
    fields: Mapping[str, Any] | None = None,
    customer: Customer | None = None,
    caller: Caller | None = None,
    channel: Channel | None = None,
    order_id: UUID | None = None,
    source: Source = Source.ADMIN,
) -> Order:
    """Create an order that the bridge then creates on the site. `fields` go by their names in `orders.sync.fields`.

    What is left out: slot 18, Алматы, the shop CVETYKZ, and the whole sum as paid where it is paid. A discount, or a
    sum other than that of items and fee, goes into the prices of the lines, on top of lower prices that they have.
    Without a `customer` he is found or made of the `caller`. With an `order_id` the same order is never made twice: the
    one that is there already comes back as it is. Raises `NotAllowedError` without items, for a field that an order
    can't be born with, a discount above the goods' sum, or a value that the site would not keep.
    """
    if order_id is not None and (known := _made_before(order_id)):
        return known
    values = given_values(fields or {})
    if not items:
        raise NotAllowedError(gettext("An order needs at least one item."))
    lines = [_line(item) for item in items]
    values.setdefault("delivery_slot", DEFAULT_SLOT)
    values.setdefault("city", DEFAULT_CITY)
    values.setdefault("shop", DEFAULT_SHOP)
    agreed = {name: as_money(values[name]) for name in (DISCOUNT, TOTAL) if name in values}
    found = totals(
        lines,
        fee=as_money(values.get(FEE)),
        discount=agreed.get(DISCOUNT),
        total=agreed.get(TOTAL),
        from_prices=True,
    )
    values |= {TOTAL: found.total, DISCOUNT: found.discount}
    if values.get("payment_status") == PaymentStatus.PAID:
        values.setdefault("paid_amount", found.total)
    resolve(slot=values["delivery_slot"], city=values["city"], shop=values["shop"])

    if customer is None and caller is not None:
        customer = customer_for_call(name=caller.name, phone=caller.phone)
    number = _next_number()
    order = Order(
        **({"pk": order_id} if order_id is not None else {}),
        order_number=number,
        own_number=number,
        status=Status.objects.get(code=FIRST_STATUS),
        customer=customer,
        bitrix_user_id=customer.bitrix_user_id if customer else None,
        source=source,
        sync_state=SyncState.PENDING,
        metadata={CHANNEL: channel.value} if channel is not None else {},
    )
    for name, value in values.items():
        setattr(order, FIELDS[name].attribute if name in FIELDS else name, value)
    order.save(force_insert=True)
    products = {item.product.bitrix_product_id: item.product.pk for item in items if item.product}
    # `totals` returns lines of the class that it was given, but its type says only what it reads of them.
    store_items(order=order, existing=(), wanted=found.lines, products=products)  # type: ignore[arg-type]

    event = write_event(order=order, payload=OrderCreated(), source=source, actor=actor)
    publish(OrderChange(order, event, is_new=True))
    return order


def _made_before(order_id: UUID) -> Order | None:
    # Two clicks of one person come at once: the second waits here, and finds what the first has made.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"new order {order_id}"])
    return Order.objects.filter(pk=order_id).first()


def _line(item: NewItem) -> ItemSnapshot:
    name = item.name or (item.product.name if item.product else "")
    if not name:
        raise NotAllowedError(gettext("An item needs a product or a name."))
    if item.quantity <= 0:
        raise NotAllowedError(gettext("The quantity of “%(name)s” must be more than zero.") % {"name": name})
    price = item.price if item.price is not None else (item.product.price if item.product else None)
    if price is None:
        raise NotAllowedError(gettext("“%(name)s” has no price.") % {"name": name})
    return new_line(item.product, name, item.quantity, as_money(price))


def _next_number() -> str:
    """Return `CRM-…`, which the site's own number replaces; the order is found by either."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('order_numbers_crm')")
        return f"CRM-{cursor.fetchone()[0]}"
