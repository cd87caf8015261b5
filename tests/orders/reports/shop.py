"""Random orders for the tests of reports."""

import random
from datetime import datetime, time, timedelta
from decimal import Decimal

from django.utils import timezone

from cvety_crm.users import User
from orders.models import (
    City,
    Courier,
    Customer,
    DeliverySlot,
    EventKind,
    Order,
    OrderEvent,
    OrderItem,
    Payment,
    PaymentMethod,
    Product,
    Shop,
    Status,
)
from orders.values.districts import district_of

SOURCES = ("bitrix", "admin", "telegram")
REASONS = ("Клиент передумал", "", "Нет цветка", "  Клиент передумал ")
ADDRESSES = (
    "",
    "Абая 10",
    "мкр Самал 2, дом 5",
    "микрорайон Самал-2, 7",
    "ЖК Нурлы Тау, 3",
    "Бостандыкский район, Жандосова 1",
)
PROBLEMS = ("", "", "Пробка на Абая", "Никого нет дома")
MIDNIGHTS = (time(23, 59, 59), time(0, 0), time(0, 0, 1))


def make_shop(seed, count, today):
    """Create orders around this day: cancelled ones, other currencies, unknown sums, refunds, orders at midnight."""
    chance = random.Random(seed)
    people = [User.objects.create_user(f"person-{n}", first_name=f"Имя {n}", is_staff=True) for n in range(3)]
    shops = [Shop.objects.create(bitrix_id=9000 + n, name=f"Магазин {n}") for n in range(3)]
    cities = [City.objects.create(bitrix_id=9000 + n, name=f"Город {n}") for n in range(2)]
    slots = [
        DeliverySlot.objects.create(
            bitrix_id=f"s{n}", name=f"{n}:00", starts_at=time(n), ends_at=time((n + 2) % 24),
            daily_capacity=limit,
        )
        for n, limit in ((0, None), (9, 5), (15, 30), (23, 1))
    ]  # fmt: skip
    couriers = [Courier.objects.create(name=f"Курьер {n}") for n in range(2)]
    products = [Product.objects.create(name=f"Букет {n}") for n in range(4)]
    statuses = list(Status.objects.all())
    customers = [Customer.objects.create(name=f"Клиент {n}") for n in range(12)]
    orders = [
        _order(chance, number, today, people, shops, cities, slots, couriers, statuses, customers)
        for number in range(count)
    ]
    Order.objects.bulk_create(orders)
    OrderItem.objects.bulk_create(item for order in orders for item in _items(chance, order, products))
    Payment.objects.bulk_create(payment for order in orders for payment in _payments(chance, order))
    OrderEvent.objects.bulk_create(event for order in orders for event in _events(chance, order))


def _order(chance, number, today, people, shops, cities, slots, couriers, statuses, customers):
    day = today - timedelta(days=chance.choice([*range(45), 365, 366, 380, 400]))
    clock = chance.choice(MIDNIGHTS) if chance.random() < 0.2 else time(chance.randrange(24), chance.randrange(60))
    created = timezone.make_aware(datetime.combine(day, clock))
    lag = timedelta(days=chance.choice((0, 0, 1, 3, 10)))
    unknown = {"total_amount": "много"} if chance.random() < 0.08 else {}
    unknown |= {"delivery_fee": ""} if chance.random() < 0.05 else {}
    unknown |= {"currency": "тенге"} if chance.random() < 0.03 else {}
    total = Decimal(chance.randrange(0, 5_000_000)) / 100
    taken = created + timedelta(minutes=chance.randrange(1, 300))
    return Order(
        order_number=str(number),
        status=chance.choice(statuses),
        created_at=created,
        customer=chance.choice([None, *customers]),
        delivery_date=None if chance.random() < 0.05 else day + lag,
        delivery_slot=chance.choice([None, *slots]),
        city=chance.choice([None, *cities]),
        shop=chance.choice([None, *shops]),
        responsible=chance.choice([None, *people]),
        courier=chance.choice([None, *couriers]),
        source=chance.choice(SOURCES),
        total_amount=total,
        delivery_fee=Decimal(chance.choice((0, 1500, 2500))),
        discount_amount=Decimal(chance.choice((0, 0, 700))),
        paid_amount=chance.choice((Decimal(0), total)),
        currency="USD" if chance.random() < 0.07 else "KZT",
        payment_method=chance.choice(["", *PaymentMethod.values]),
        is_cancelled=chance.random() < 0.1,
        is_deleted_on_site=chance.random() < 0.03,
        unknown_values=unknown,
        metadata={"fields": {"REASON_CANCELED": chance.choice(REASONS)}} if chance.random() < 0.5 else {},
        taken_at=taken if chance.random() < 0.7 else None,
        taken_by=chance.choice([None, *people]),
        ready_at=taken + timedelta(minutes=chance.randrange(5, 90)) if chance.random() < 0.6 else None,
        ready_by=chance.choice([None, *people]),
        is_pickup=chance.random() < 0.1,
        delivery_address=(address := chance.choice(ADDRESSES)),
        delivery_district=district_of(address),
        problem=chance.choice(PROBLEMS),
        accepted_at=created + timedelta(minutes=chance.randrange(-5, 300)) if chance.random() < 0.6 else None,
        accepted_by=chance.choice([None, *people]),
        completed_at=created + lag + timedelta(minutes=chance.randrange(1, 1500)) if chance.random() < 0.7 else None,
    )


def _events(chance, order):
    """Yield entries about problems, remakes and answers to photos, and one about something else."""
    yield OrderEvent(order=order, kind=EventKind.CREATED, source="bitrix")
    for number in range(chance.choice((0, 0, 1, 2))):
        details = {"problem": f"{chance.choice(PROBLEMS[2:])} {number}"}
        at = order.created_at + timedelta(minutes=number)
        yield OrderEvent(order=order, kind=EventKind.PROBLEM, source="admin", details=details, happened_at=at)
    for _number in range(chance.choice((0, 0, 0, 1, 2))):
        yield OrderEvent(order=order, kind=EventKind.REMADE, source="admin")
    if chance.random() < 0.3:
        details = {"answer": chance.choice(("liked", "redo"))}
        yield OrderEvent(order=order, kind=EventKind.PHOTO_ANSWERED, source="customer", details=details)


def _items(chance, order, products):
    for position in range(chance.choice((0, 1, 1, 2, 3))):
        quantity, price = Decimal(chance.choice((1, 1, 2, 51))), Decimal(chance.randrange(100, 30000))
        unknown = {"price": "?"} if chance.random() < 0.05 else {"quantity": ""} if chance.random() < 0.05 else {}
        yield OrderItem(
            order=order,
            position=position,
            product=chance.choice([None, *products]),
            quantity=quantity,
            price=price,
            total=quantity * price,
            unknown_values=unknown,
        )


def _payments(chance, order):
    if chance.random() < 0.6:
        courier = order.courier if chance.random() < 0.5 else None
        yield Payment(order=order, amount=order.total_amount + 1, method="cash", courier=courier)
    while chance.random() < 0.15:
        yield Payment(
            order=order,
            amount=-Decimal(chance.randrange(1, 900_000)) / 100,
            method=chance.choice(["", "cash", "card"]),
            reason=chance.choice(REASONS),
        )
