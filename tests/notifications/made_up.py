"""Orders that exist only in memory, because rendering a message needs no database."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from cvety_crm.users import User
from notifications.texts import OrderFacts
from orders.models import City, Customer, DeliverySlot, EventKind, Order, OrderEvent, OrderItem, Shop, Source, Status

ALMATY = ZoneInfo("Asia/Almaty")
NOON = datetime(2025, 8, 25, 11, 42, tzinfo=ALMATY)


def order(**changes: Any) -> Order:
    """Return the order of the shop's example. It has a value in every field."""
    values: dict[str, Any] = {
        "order_number": "122225",
        "status": Status(code="new", name="Новый"),
        "customer": Customer(name="Айгерим", phone="+77771234567"),
        "recipient_name": "Мария",
        "recipient_phone": "+77011234567",
        "delivery_address": "ул. Абая 150, кв 25",
        "delivery_date": date(2025, 8, 25),
        "delivery_slot": DeliverySlot(bitrix_id="18", name="15:00–16:00", starts_at=time(15), ends_at=time(16)),
        "city": City(bitrix_id=2, name="Алматы"),
        "shop": Shop(bitrix_id=17008, name="CVETYKZ"),
        "postcard_text": "С днём рождения, мама!",
        "comment": "без лилий, аллергия",
        "courier_comment": "позвонить в ворота",
        "total_amount": Decimal("9000.00"),
        "delivery_fee": Decimal("1500.00"),
        "is_surprise": True,
        "source": Source.SITE,
        "created_at": NOON,
    }
    return Order(**values | changes)


def bare_order(**changes: Any) -> Order:
    """Return an order with a number, a status, a source and a creation time only."""
    status = Status(code="new", name="Новый")
    return Order(**{"order_number": "7", "status": status, "source": Source.SITE, "created_at": NOON} | changes)


def item(name: str = "Букет Стандарт", price: str = "7500.00", quantity: str = "1.000") -> OrderItem:
    """Return an item of an order."""
    return OrderItem(product_snapshot={"name": name}, price=Decimal(price), quantity=Decimal(quantity))


def status_event(old: str = "accepted", new: str = "delivering", **changes: Any) -> OrderEvent:
    """Return the timeline entry of a status change."""
    values: dict[str, Any] = {
        "kind": EventKind.STATUS,
        "source": Source.ADMIN,
        "actor": User(username="daniyar", first_name="Данияр"),
        "happened_at": NOON,
        "changes": [{"field": "status", "old": old, "new": new}],
    }
    return OrderEvent(**values | changes)


def facts(made_up: Order | None = None, *, items: int | list[OrderItem] = 1, **changes: Any) -> OrderFacts:
    """Return the data from which a message is rendered."""
    lines = [item() for _ in range(items)] if isinstance(items, int) else items
    return OrderFacts(order=made_up if made_up is not None else order(), items=lines, **changes)
