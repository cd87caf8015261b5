"""Orders as the site stores them in eight tables, created from short descriptions."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from tests.bitrix_bridge.history.reference import (
    CUSTOMERS,
    DELIVERIES,
    PAY_SYSTEMS,
    PRODUCTS,
    PROPERTY_NAMES,
    SHIPMENT_PROPERTY_ID,
    Row,
    Rows,
    php,
    property_id,
)

FIRST_ID = 122101
MONDAY = datetime(2025, 8, 11, 9)  # noqa: DTZ001 - the site's time, Asia/Almaty, as MySQL keeps it
DELIVERY_PRICE = Decimal(1500)

# The status changes that lead an order to each status.
WAYS = {
    "N": (),
    "AP": ("AP",),
    "P": ("AP", "P"),
    "PD": ("AP", "PD"),
    "CO": ("AP", "PD", "CO"),
    "RD": ("AP", "PD", "CO", "RD"),
    "DE": ("DE",),
    "F": ("AP", "P", "PD", "CO", "F"),
    "RF": ("AP", "CN", "RF"),
    "CN": ("AP", "CN"),
    "UN": ("AP", "UN"),
    "ZZ": ("AP", "ZZ"),
}
PAID = {"CO", "F", "RD", "PD"}


@dataclass(frozen=True)
class Line:
    """One row of the basket. By default, the row has the name and the price of the product in the catalogue."""

    product: int = 696613
    name: str | None = None
    price: str | None = None
    quantity: float = 1
    part_of_set: bool = False
    is_set: bool = False
    set_aside: bool = False
    not_for_sale: bool = False

    @property
    def unit_price(self) -> Decimal:
        """Return the price of one piece in KZT."""
        return Decimal(self.price if self.price is not None else PRODUCTS[self.product][1])

    @property
    def total(self) -> Decimal:
        """Return the part of the order's sum in KZT.

        It is zero for a component of a set, because the set has the price, and for a line that was not bought.
        """
        is_free = self.part_of_set or self.set_aside or self.not_for_sale
        return Decimal(0) if is_free else self.unit_price * Decimal(repr(self.quantity))


@dataclass(frozen=True)
class Payment:
    """One payment. By default, its sum is the price of the order."""

    system: int
    paid: bool
    sum: Decimal | None = None


@dataclass(frozen=True)
class Odd:
    """One order, and the reasons that the import must report for it."""

    id: int
    what: str
    expected: Set[str] = frozenset()
    expected_in_old: Set[str] = frozenset()
    """The additional reasons in the old schema."""
    status: str = "F"
    customer: int | None = None
    person_type: int = 1
    columns: Mapping[str, object] = field(default_factory=dict)
    """The columns of b_sale_order that differ from the defaults."""
    properties: Mapping[str, str | None] = field(default_factory=dict)
    """The property values that differ from the defaults, by code.

    None means that the order does not have the property.
    """
    undefined: Mapping[int, str] = field(default_factory=dict)
    """The values of properties whose definitions were deleted, by the id of the definition."""
    shipment_address: str | None = None
    """The value of a shipment property that has the same code as an order property. It exists since version 21."""
    lines: tuple[Line, ...] | None = None
    payments: tuple[Payment, ...] | None = None
    changes: tuple[tuple[str, str, int], ...] = ()
    """The additional rows of the order's history: TYPE, DATA and USER_ID."""
    system_shipment: bool = False

    @property
    def number(self) -> int:
        """Return the position of the order in the week, counted from 0."""
        return self.id - FIRST_ID

    @property
    def placed_at(self) -> datetime:
        """Return the datetime at which the order was placed. Eight orders are placed on each day."""
        return MONDAY + timedelta(days=self.number // 8, minutes=85 * (self.number % 8) + self.number)

    @property
    def shipment_id(self) -> int:
        """Return the id of the shipment, which is also the id of a different order."""
        return self.id + 3

    def rows(self) -> Rows:
        """Return the rows of the order by table."""
        lines = self._lines()
        pickup = self.properties.get("pickup") == "Y"
        delivery = Decimal(0) if pickup else DELIVERY_PRICE
        price = round(sum((line.total for line in lines), delivery), 4)
        payments = self._payments()
        return {
            "b_sale_order": [self._order(price, delivery, payments)],
            "b_sale_order_props_value": list(self._values()),
            "b_sale_basket": [self._line(place, line, lines) for place, line in enumerate(lines)],
            "b_sale_basket_props": [
                {"BASKET_ID": self.id * 10 + place, "NAME": name, "CODE": code, "VALUE": value}
                for place, line in enumerate(lines)
                for name, code, value in (
                    ("Product XML_ID", "PRODUCT.XML_ID", str(line.product)),
                    ("Упаковка", "PACKAGE", "крафт"),
                )
            ],
            "b_sale_order_payment": [self._payment(n, payment, price) for n, payment in enumerate(payments)],
            "b_sale_order_delivery": list(self._shipments(delivery, pickup)),
            "b_sale_order_change": list(self._changes(payments)),
        }

    def _lines(self) -> tuple[Line, ...]:
        if self.lines is not None:
            return self.lines
        usual = (Line(696613), Line(696620), Line(696614), Line(696625))
        return (usual[self.number % 4], Line(696630), Line(696631))[: self.number % 3 + 1]

    def _payments(self) -> tuple[Payment, ...]:
        if self.payments is not None:
            return self.payments
        return (Payment((2, 3, 4)[self.number % 3], paid=self.status in PAID),)

    def _customer_id(self) -> int:
        return 5001 + self.number % 6 if self.customer is None else self.customer

    def _moment(self, number: int) -> datetime:
        """Return the datetime at which the row of the history with this number was written."""
        return self.placed_at + timedelta(minutes=25 * number)

    def _order(self, price: Decimal, delivery: Decimal, payments: tuple[Payment, ...]) -> Row:
        way = WAYS[self.status]
        paid = sum(payment.paid for payment in payments)
        fully_paid = bool(payments) and paid == len(payments)
        usual: Row = {
            "ID": self.id,
            "LID": "s1",
            "PERSON_TYPE_ID": self.person_type,
            "PAYED": "Y" if fully_paid else "N",
            "DATE_PAYED": self._moment(paid) if fully_paid else None,
            "CANCELED": "N",
            "DATE_CANCELED": None,
            "EMP_CANCELED_ID": None,
            "REASON_CANCELED": None,
            "STATUS_ID": self.status,
            "DATE_STATUS": self._moment(paid + len(way)),
            "EMP_STATUS_ID": self._employee() if way else None,
            "PRICE_DELIVERY": delivery,
            "PRICE": price,
            "CURRENCY": "KZT",
            "DISCOUNT_VALUE": "0",
            "USER_ID": self._customer_id(),
            "PAY_SYSTEM_ID": payments[0].system if payments else None,
            "DELIVERY_ID": "2" if delivery else "3",
            "DATE_INSERT": self.placed_at,
            "DATE_UPDATE": self._moment(paid + len(way) + len(self.changes)),
            "USER_DESCRIPTION": "",
            "COMMENTS": None,
            "SUM_PAID": price if fully_paid else 0,
            "CREATED_BY": self._customer_id(),
            "RESPONSIBLE_ID": None,
            "ACCOUNT_NUMBER": str(self.id),
            "XML_ID": f"bx_{self.id:08x}4f9d1",
            "VERSION": 2 + 2 * len(way),
            "RUNNING": "N",
        }
        return usual | dict(self.columns)

    def _values(self) -> Iterator[Row]:
        name, surname, email, phone, mobile, login = CUSTOMERS.get(self._customer_id(), CUSTOMERS[5009])
        usual: dict[str, str | None] = {
            "name": f"{name} {surname}".strip(),
            "phone": phone or mobile or login,
            "email": email,
            "city": "2",
            "when": str(13 + self.number % 8),
            "data": f"{self.placed_at + timedelta(days=self.number % 2):%Y-%m-%d}",
            "shopId": "17008",
            "nameRecipient": ("Гульнара", "Елена", "Динара", "Мария", "Камила")[self.number % 5],
            "phoneRecipient": f"+7701765{4000 + self.number}",
            "addressRecipient": f"Алматы, ул. Абая, {10 + self.number}, кв. {1 + self.number}",
            "postcardText": "С днём рождения! Счастья и здоровья." if self.number % 2 else "",
        }
        for code, value in (usual | dict(self.properties)).items():
            if value is not None:
                yield self._value(property_id(code, self.person_type), PROPERTY_NAMES[code], code, value)
        for definition, value in self.undefined.items():
            yield self._value(definition, "Подпись флориста", "florist", value)
        if self.shipment_address is not None:
            row = self._value(SHIPMENT_PROPERTY_ID, "Адрес склада", "addressRecipient", self.shipment_address)
            yield row | {"ENTITY_ID": self.shipment_id, "ENTITY_TYPE": "SHIPMENT"}

    def _value(self, definition: int, name: str, code: str, value: str) -> Row:
        row: Row = {"ORDER_ID": self.id, "ORDER_PROPS_ID": definition, "NAME": name, "CODE": code, "VALUE": value}
        return row | {"ENTITY_ID": self.id, "ENTITY_TYPE": "ORDER"}

    def _line(self, place: int, line: Line, lines: tuple[Line, ...]) -> Row:
        set_place = next((n for n, other in enumerate(lines) if other.is_set), None)
        in_set = line.is_set or line.part_of_set
        return {
            "ID": self.id * 10 + place,
            "FUSER_ID": 9000 + self.number,
            "ORDER_ID": self.id,
            "PRODUCT_ID": line.product,
            "PRICE": line.unit_price,
            "CURRENCY": "KZT",
            "BASE_PRICE": line.unit_price,
            "DATE_INSERT": self.placed_at,
            "DATE_UPDATE": self.placed_at,
            "QUANTITY": line.quantity,
            "LID": "s1",
            "NAME": line.name if line.name is not None else PRODUCTS[line.product][0],
            "MODULE": "catalog",
            "PRODUCT_XML_ID": str(line.product),
            "DISCOUNT_PRICE": 0,
            "DIMENSIONS": php({"WIDTH": None, "HEIGHT": None, "LENGTH": None}),
            # 1 is CSaleBasket::TYPE_SET. The SET_PARENT_ID of a set is the set's own id.
            "TYPE": 1 if line.is_set else None,
            "SET_PARENT_ID": self.id * 10 + set_place if in_set and set_place is not None else None,
            "MEASURE_NAME": "шт",
            "SORT": 100 + place,
            "DELAY": "Y" if line.set_aside else "N",
            "CAN_BUY": "N" if line.not_for_sale else "Y",
        }

    def _payment(self, place: int, payment: Payment, price: Decimal) -> Row:
        return {
            "ID": self.id * 10 + place,
            "ORDER_ID": self.id,
            "ACCOUNT_NUMBER": f"{self.id}/{place + 1}",
            "PAID": "Y" if payment.paid else "N",
            "DATE_PAID": self._moment(place + 1) if payment.paid else None,
            "PAY_SYSTEM_ID": payment.system,
            "SUM": price if payment.sum is None else payment.sum,
            "CURRENCY": "KZT",
            "PAY_SYSTEM_NAME": PAY_SYSTEMS.get(payment.system, "Старый терминал"),
        }

    def _shipments(self, delivery: Decimal, pickup: bool) -> Iterator[Row]:
        service = 3 if pickup else 2
        real: Row = {
            "ID": self.shipment_id,
            "ORDER_ID": self.id,
            "ACCOUNT_NUMBER": f"{self.id}/2",
            "DATE_INSERT": self.placed_at,
            "STATUS_ID": "DF" if self.status in PAID else "DN",
            "PRICE_DELIVERY": delivery,
            "DELIVERY_ID": service,
            "DELIVERY_NAME": DELIVERIES[service],
            "CURRENCY": "KZT",
            "SYSTEM": "N",
        }
        if self.system_shipment:
            yield real | {"ID": self.id + 1000, "ACCOUNT_NUMBER": f"{self.id}/1", "SYSTEM": "Y", "PRICE_DELIVERY": 0}
        yield real

    def _employee(self) -> int:
        return 15 + self.number % 2

    def _changes(self, payments: tuple[Payment, ...]) -> Iterator[Row]:
        records: list[Row] = [{"TYPE": "ORDER_ADDED", "DATA": php({}), "USER_ID": self._customer_id()}]
        for place, payment in enumerate(payments):
            name = PAY_SYSTEMS.get(payment.system, "Старый терминал")
            if payment.paid:
                data = php({"PAID": "Y", "ID": self.id * 10 + place, "PAY_SYSTEM_NAME": name})
                record: Row = {"TYPE": "PAYMENT_PAID", "DATA": data, "USER_ID": 0}
                records.append(record | {"ENTITY": "PAYMENT", "ENTITY_ID": self.id * 10 + place})
        records.extend(
            {"TYPE": "ORDER_STATUS_CHANGED", "DATA": php({"STATUS_ID": status}), "USER_ID": self._employee()}
            for status in WAYS[self.status]
        )
        records.extend({"TYPE": kind, "DATA": data, "USER_ID": user} for kind, data, user in self.changes)
        for place, record in enumerate(records):
            time = self._moment(place)
            common: Row = {"ORDER_ID": self.id, "DATE_CREATE": time, "DATE_MODIFY": time}
            yield common | {"ENTITY": "ORDER", "ENTITY_ID": self.id} | record
