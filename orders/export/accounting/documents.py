"""Orders with their items and payments, as accountants need them. Values that the reader may not see are left out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from django.db.models import Model, Prefetch, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.users import User, display_name
from orders.export.reader import Reader
from orders.models import Customer, Order, OrderItem, Payment, PaymentMethod, PaySystem, Shop, Stage, Status
from orders.presentation.payment import unknown_method
from orders.rules.payment import payment_of

PAGE = 500
"""The number of orders that are read at once."""
PIECE = "шт"
_METHODS = dict(PaymentMethod.choices)
_CENT = Decimal("0.01")
_NAMED: dict[str, type[Model]] = {"status": Status, "shop": Shop, "pay_system": PaySystem}
_READ = (
    *("order_number", "created_at", "bitrix_order_id", "delivery_date", "delivery_address", "comment"),
    *("total_amount", "delivery_fee", "discount_amount", "paid_amount", "currency", "unknown_values"),
    *("payment_method", "payment_status", "is_cancelled", "is_deleted_on_site", "is_pickup"),
    *("contact_name", "contact_phone", "contact_email", "customer", *_NAMED),
    *(f"customer__{name}" for name in ("name", "phone", "email")),
)


@dataclass(frozen=True, slots=True)
class Person:
    """The customer of an order. Texts that are not known, or that the reader may not see, are empty."""

    key: UUID
    name: str
    phone: str
    email: str


@dataclass(frozen=True, slots=True)
class Line:
    """An item of an order, or its delivery. Unknown amounts are None."""

    name: str
    site_key: str
    """The id of the product in the catalogue of the site and of 1C (`XML_ID`), or the product's id on the site."""
    product_id: int | None
    is_service: bool
    quantity: Decimal | None
    price: Decimal | None
    """The price of a piece after the discount."""
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class PaidSum:
    """A payment. The amount is positive, and also that of a refund."""

    key: UUID
    paid_at: datetime
    amount: Decimal
    is_refund: bool
    method: str
    taken_by: str
    reason: str

    @property
    def method_label(self) -> str:
        """Return the name of the payment method, or an empty text if it is not known."""
        return str(_METHODS.get(self.method, ""))


@dataclass(frozen=True, slots=True)
class Document:
    """An order. Unknown amounts are None. Moments are naive and in local time."""

    key: UUID
    site_id: int | None
    number: str
    created_at: datetime
    delivery_date: date | None
    address: str
    comment: str
    person: Person
    status_code: str
    status_name: str
    is_final: bool
    is_cancelled: bool
    is_paid: bool
    is_pickup: bool
    currency: str
    total: Decimal | None
    delivery_fee: Decimal | None
    discount: Decimal | None
    paid: Decimal | None
    method: str
    shop: str
    lines: tuple[Line, ...]
    payments: tuple[PaidSum, ...]


def read_documents(keys: Sequence[UUID], reader: Reader) -> Iterator[Document]:
    """Yield the orders with these ids in this sequence, with the same few queries for each page of them.

    Orders that no longer exist are left out. The reader may see the sums of all days.
    """
    for start in range(0, len(keys), PAGE):
        page = list(keys[start : start + PAGE])
        found = _orders().in_bulk(page)
        for key in page:
            if (order := found.get(key)) is not None:
                yield _document(order, reader)


def _orders() -> QuerySet[Order]:
    names = [Prefetch(name, model._default_manager.all()) for name, model in _NAMED.items()]
    items = OrderItem.objects.only(
        "order_id", "position", "quantity", "price", "total", "product_snapshot", "unknown_values", "bitrix_product_id"
    )
    payments = Payment.objects.only("order_id", "amount", "method", "paid_at", "taken_by", "reason")
    staff = Prefetch("taken_by", User.objects.only("username", "first_name", "last_name"))
    return (
        Order.objects.select_related("customer")
        .prefetch_related(
            Prefetch("items", items, to_attr="accounted_items"),
            Prefetch("payments", payments.prefetch_related(staff), to_attr="accounted_payments"),
            *names,
        )
        .only(*_READ)
    )


def _document(order: Order, reader: Reader) -> Document:
    items: list[OrderItem] = order.accounted_items  # type: ignore[attr-defined]  # set by the Prefetch above
    payments: list[Payment] = order.accounted_payments  # type: ignore[attr-defined]
    payment, status = payment_of(order), order.status
    return Document(
        key=order.pk,
        site_id=order.bitrix_order_id,
        number=order.order_number,
        created_at=_local(order.created_at),
        delivery_date=order.delivery_date,
        address="" if order.is_pickup else reader.text(order.delivery_address),
        comment=reader.text(order.comment),
        person=_person(order, order.customer, reader),
        status_code=status.bitrix_code or status.code,
        status_name=status.name,
        is_final=status.is_final,
        is_cancelled=order.is_cancelled or order.is_deleted_on_site or status.stage == Stage.CANCELLED,
        is_paid=payment.is_settled,
        is_pickup=order.is_pickup,
        currency=order.currency,
        total=_amount(order, "total_amount"),
        delivery_fee=_amount(order, "delivery_fee"),
        discount=_amount(order, "discount_amount"),
        paid=_amount(order, "paid_amount"),
        method=str(payment.method.label) if payment.method is not None else unknown_method(order),
        shop=order.shop.name if order.shop else "",
        lines=(*map(_line, items), *_delivery(order)),
        payments=tuple(_paid_sum(one, reader) for one in payments),
    )


def _person(order: Order, customer: Customer | None, reader: Reader) -> Person:
    name = (customer.name if customer else "") or order.contact_name
    phone = (customer.phone if customer else "") or order.contact_phone
    return Person(
        key=order.pk if customer is None else customer.pk,
        name=reader.text(" ".join(name.split())),
        phone=phone if reader.sees_phones else "",
        email=reader.text((customer.email if customer else "") or order.contact_email or ""),
    )


def _line(item: OrderItem) -> Line:
    is_known = not (item.is_unknown("quantity") or item.is_unknown("price"))
    site_key = str(item.product_snapshot.get("xml_id") or item.bitrix_product_id or "")
    return Line(
        name=" ".join(item.name.split()),
        site_key=site_key,
        product_id=item.bitrix_product_id,
        is_service=False,
        quantity=None if item.is_unknown("quantity") else item.quantity,
        price=None if item.is_unknown("price") else _rounded(item.price),
        amount=_rounded(item.total) if is_known else None,
    )


def _delivery(order: Order) -> list[Line]:
    fee = _amount(order, "delivery_fee")
    if fee == 0:
        return []
    return [Line(gettext("Delivery of the order"), "ORDER_DELIVERY", None, True, Decimal(1), fee, fee)]


def _paid_sum(payment: Payment, reader: Reader) -> PaidSum:
    return PaidSum(
        key=payment.pk,
        paid_at=_local(payment.paid_at),
        amount=abs(payment.amount),
        is_refund=payment.amount < 0,
        method=payment.method,
        taken_by=display_name(payment.taken_by),
        reason=reader.text(payment.reason),
    )


def _amount(order: Order, name: str) -> Decimal | None:
    return None if order.is_unknown(name) or order.is_unknown("currency") else getattr(order, name)


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(_CENT, rounding=ROUND_HALF_UP)


def _local(moment: datetime) -> datetime:
    return timezone.localtime(moment, timezone.get_default_timezone()).replace(tzinfo=None)
