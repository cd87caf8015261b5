"""The service by which staff create an order that reached the shop by phone, WhatsApp or Instagram, or in person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext

from cvety_crm.bulk_writes import Writes
from cvety_crm.users import User
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
from orders.services.accounts import account_of
from orders.services.callers import customer_for_call
from orders.services.items import new_line, store_items
from orders.services.references import SiteIds, resolve
from orders.services.timeline import write_event
from orders.services.totals import DISCOUNT, FEE, TOTAL, as_money, totals
from orders.services.validation import given_values
from orders.sync.fields import FIELDS, UNIT
from orders.sync.snapshot import ItemSnapshot
from orders.timeline_payloads import OrderCreated
from orders.values.phones import normalize_phone

FIRST_STATUS = "new"
DEFAULT_SLOT = "18"  # 15:00-16:00
DEFAULT_CITY = 2  # Алматы
DEFAULT_SHOP = 17008  # CVETYKZ


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """An item of a new order: a product of the catalogue, or a name with a price. Prices are in KZT, for one piece."""

    product: Product | None = None
    name: str = ""
    quantity: Decimal = Decimal(1)
    price: Decimal | None = None
    """None means the price of the product."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The name and phone that the caller gives. A known customer is found by the phone in any format."""

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
    """Create an order, which the bridge then creates on the site. `fields` are named as in `orders.sync.fields`.

    The defaults are slot 18, the city Алматы and the shop CVETYKZ. The default paid amount of a paid order is its whole
    sum. A discount, or a sum below the items and the fee, lowers the prices of the items further. Without a `customer`,
    the customer is found or created from the `caller`. An `order_id` makes the call repeatable: if an order with this
    id exists, it is returned unchanged. Raise `NotAllowedError` if there are no items, if a field can't be edited, if
    the discount is above the sum of the goods, or if the site can't store a value.
    """
    if order_id is not None and (known := _find_created(order_id)):
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
    resolve(SiteIds(slot=values["delivery_slot"], city=values["city"], shop=values["shop"]))

    if customer is None and caller is not None:
        customer = customer_for_call(name=caller.name, phone=caller.phone)
    contacts = _contacts(customer, caller)
    number = _next_number()
    order = Order(
        **({"pk": order_id} if order_id is not None else {}),
        order_number=number,
        own_number=number,
        status=Status.objects.get(code=FIRST_STATUS),
        customer=customer,
        bitrix_user_id=account_of(customer, contacts["contact_phone"]),
        **contacts,
        source=source,
        sync_state=SyncState.PENDING,
        metadata={CHANNEL: channel.value} if channel is not None else {},
    )
    for name, value in values.items():
        setattr(order, FIELDS[name].attribute if name in FIELDS else name, value)
    order.save(force_insert=True)
    products = {item.product.bitrix_product_id: item.product.pk for item in items if item.product}
    # By their types, the keys of `products` may be None, because a product may not be on the site.
    writes = Writes()
    store_items(order=order, existing=(), wanted=found.lines, products=products, writes=writes)  # type: ignore[arg-type]
    writes.flush()

    event = write_event(order=order, payload=OrderCreated(), source=source, actor=actor)
    publish(OrderChange(order, event, is_new=True))
    return order


def _contacts(customer: Customer | None, caller: Caller | None) -> dict[str, str]:
    """Return what the caller has given, completed with what is known of the customer."""
    name, phone = (caller.name, normalize_phone(caller.phone).value) if caller else ("", "")
    return {
        "contact_name": name or (customer.name if customer else ""),
        "contact_phone": phone or (customer.phone if customer else ""),
        "contact_email": (customer.email or "") if customer else "",
    }


def _find_created(order_id: UUID) -> Order | None:
    # If a double click sends two requests, the second one waits for the lock and finds the order of the first one.
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
    return new_line(item.product, name, item.quantity, Decimal(price).quantize(UNIT, rounding=ROUND_HALF_UP))


def _next_number() -> str:
    """Return the next own number, `CRM-…`. The site's number replaces it later, but search still finds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('order_numbers_crm')")
        return f"CRM-{cursor.fetchone()[0]}"
