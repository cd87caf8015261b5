"""A few orders for the tests of the exports for accountants, and functions that write the files."""

from datetime import date, datetime
from decimal import Decimal
from io import BytesIO

from django.utils import timezone

from orders.export.files import write_file
from orders.export.request import ExportRequest
from orders.models import City, Customer, Order, OrderItem, Payment, Shop, Status


def almaty(*parts):
    return timezone.make_aware(datetime(*parts))  # noqa: DTZ001 - made aware here


def make_orders(user):
    """Create a paid order with all data, an order about which nearly nothing is known, and a cancelled one."""
    customer = Customer.objects.create(name="Айгерим & Ко <ТОО>", phone="+77771234567", email="a@example.kz")
    full = Order.objects.create(
        order_number="122183",
        bitrix_order_id=122183,
        status=Status.objects.get(code="completed"),
        created_at=almaty(2026, 11, 29, 23, 30, 5),
        delivery_date=date(2026, 11, 30),
        customer=customer,
        delivery_address="ул. Абая 150, звонить +7 701 555-44-33",
        comment="без лилий\x0b, \ufffe аллергия",
        city=City.objects.create(bitrix_id=9001, name="Алматы"),
        shop=Shop.objects.create(bitrix_id=9001, name="CVETYKZ"),
        total_amount=Decimal("17000.50"),
        delivery_fee=Decimal(1500),
        discount_amount=Decimal(700),
        paid_amount=Decimal("17000.50"),
        payment_status="paid",
        payment_method="kaspi",
    )
    OrderItem.objects.create(
        order=full, position=0, quantity=Decimal("2.5"), price=Decimal("6200.2000"), total=Decimal("15500.50"),
        product_snapshot={"name": "=Букет  «Стандарт»", "xml_id": "910e89e5#42"}, bitrix_product_id=5,
    )  # fmt: skip
    OrderItem.objects.create(order=full, position=1, product_snapshot={"name": "Открытка"}, bitrix_product_id=6,
                             unknown_values={"price": "?"})  # fmt: skip
    Payment.objects.create(order=full, amount=Decimal("20000.50"), method="kaspi", paid_at=almaty(2026, 11, 30, 9),
                           taken_by=user)  # fmt: skip
    Payment.objects.create(order=full, amount=Decimal(-3000), method="cash", paid_at=almaty(2026, 11, 30, 10),
                           reason="Скидка, +7 701 555-44-33")  # fmt: skip
    Payment.objects.create(order=full, amount=Decimal(10), method="certificate", paid_at=almaty(2026, 11, 30, 11))
    unknown = Order.objects.create(
        order_number="122184",
        status=Status.objects.get(code="new"),
        created_at=almaty(2026, 11, 28, 1),
        unknown_values={"total_amount": "много", "delivery_fee": ""},
    )
    OrderItem.objects.create(order=unknown, quantity=Decimal(1), price=Decimal(50), total=Decimal(50))
    cancelled = Order.objects.create(
        order_number="122185", status=Status.objects.get(code="cancelled"), created_at=almaty(2026, 11, 27, 12),
        total_amount=Decimal(100), currency="USD", is_cancelled=True,
    )  # fmt: skip
    return full, unknown, cancelled


def written(user, file_format, query="preset=all"):
    """Return the file of the table for accountants, and the number of orders in it."""
    file = BytesIO()
    count = write_file(ExportRequest("accounting", file_format, query, (), user.pk), file)
    return file.getvalue(), count
