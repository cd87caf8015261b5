"""The database of the shop's earlier CRM: its tables, with good and bad rows, and columns that are not described."""

import json
from typing import Any

from django.db import connection

MANAGER, FLORIST, AIGERIM, MARAT, TWIN = (f"00000000-0000-4000-8000-00000000000{n}" for n in range(1, 6))
ROSES = "10000000-0000-4000-8000-000000000001"
SELLER, SELLER_WITHOUT_ID = (f"20000000-0000-4000-8000-00000000000{n}" for n in (1, 2))
CHAT = "30000000-0000-4000-8000-000000000001"
MISSING = "99999999-0000-4000-8000-000000000000"
HUGE = "Открытка 🌹 Әсем " * 20_000


def order_id(number: int) -> str:
    """Return the UUID of an order."""
    return f"40000000-0000-4000-8000-{number:012}"


def item_id(number: int) -> str:
    """Return the UUID of an item."""
    return f"50000000-0000-4000-8000-{number:012}"


TABLES = """
CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text, phone text, email text, role text, is_florist boolean,
    is_active boolean, bitrix_user_id integer, preferences jsonb, created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(), loyalty_level smallint
);
CREATE TABLE sellers (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text, description text, is_active boolean, metadata jsonb,
    created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now()
);
CREATE TABLE products (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name varchar(1000), slug text, description text,
    price double precision, old_price numeric, quantity integer, category_id uuid, seller_id uuid REFERENCES sellers,
    sort_order integer, is_active boolean, metadata jsonb, created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now()
);
CREATE TABLE orders (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), order_number text, status text, user_id uuid, user_name text,
    user_phone text, user_email text, recipient_name text, recipient_phone text, recipient_email text,
    delivery_address text, delivery_date text, delivery_time text, delivery_time_id integer, delivery_cost numeric,
    delivery_fee numeric, delivery_coordinates jsonb, city_id uuid, bitrix_city_id integer, seller_id uuid,
    bitrix_shop_id integer, subtotal numeric, discount numeric, discount_amount numeric, total_amount numeric,
    currency text, payment_method text, payment_status text, comment text, courier_comment text, postcard_text text,
    responsible_id uuid, responsible_name text, pre_delivery_photos jsonb, source text, metadata jsonb,
    bitrix_order_id bigint, bitrix_user_id integer, completed_at timestamptz, created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(), whatsapp_thread text, tags text[]
);
CREATE INDEX orders_created ON orders (created_at DESC);
CREATE TABLE order_items (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), order_id uuid, product_id uuid, product_name text, quantity integer,
    price numeric, total numeric, product_snapshot jsonb, created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(), wrapped_by text
);
CREATE TABLE telegram_users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), chat_id bigint, username text, first_name text, level text,
    is_active boolean, created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now()
);
CREATE TABLE flowers (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), xml_id text, name text, quantity integer);
CREATE TABLE product_composition (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), product_id uuid REFERENCES products, flower_id uuid, amount integer
);
CREATE TABLE sync_log (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), entity_type text, bitrix_id text, action text);
CREATE TABLE couriers (id integer PRIMARY KEY, nickname text);
CREATE VIEW open_orders AS SELECT id, order_number FROM orders WHERE status <> 'completed';
"""
"""The table `couriers` and the columns `loyalty_level`, `whatsapp_thread`, `tags`, `wrapped_by` are undescribed."""

USERS: list[dict[str, Any]] = [
    {"id": MANAGER, "name": "Данияр Сеитов", "email": "daniyar@cvety.kz", "role": "manager", "is_active": True},
    {"id": FLORIST, "name": "Гульнара", "phone": "8 (777) 000-11-22", "is_florist": True, "bitrix_user_id": 5},
    {"id": AIGERIM, "name": "Айгерим", "phone": "8 777 123 45 67", "email": "aigerim@cvety.kz",
     "role": "customer", "bitrix_user_id": 1079, "preferences": {"likes": ["роза"], "sum": 12.5}, "loyalty_level": 3},
    {"id": MARAT, "name": None, "phone": "звонить Марату +7 701 111 22 33, 87022223344", "bitrix_user_id": 1080},
]  # fmt: skip
ORDERS: list[dict[str, Any]] = [
    # An ordinary order of the site, which the site will change.
    {"id": order_id(1), "order_number": "122183", "status": "confirmed", "user_id": AIGERIM, "user_name": "Айгерим",
     "user_phone": "+77771234567", "recipient_name": "Мария", "recipient_phone": "8 (701) 123-45-67",
     "recipient_email": "maria@example.kz", "delivery_address": "ул. Абая 150, кв 25", "delivery_date": "2025-08-25",
     "delivery_time_id": 18, "delivery_fee": 1500, "delivery_coordinates": {"lat": 43.238, "lng": 76.889},
     "bitrix_city_id": 2, "seller_id": SELLER, "bitrix_shop_id": 17008, "subtotal": 7500, "total_amount": 9000,
     "currency": "KZT", "payment_method": "kaspi", "payment_status": "paid", "comment": "без лилий",
     "postcard_text": "С днём рождения, мама! 🌹", "responsible_id": FLORIST, "responsible_name": "Гульнара",
     "pre_delivery_photos": ["https://cdn.example.kz/1.jpg"], "source": "bitrix",
     "metadata": {"webhook": {"PAY_SYSTEM_ID": "10"}, "weight": 1.25}, "bitrix_order_id": 122183,
     "bitrix_user_id": 1079, "created_at": "2025-08-24T07:00:00+00:00", "updated_at": "2025-08-24T09:30:00.5+00:00",
     "whatsapp_thread": "w-1", "tags": ["vip", "роза"]},
    # Bad values: a date as text, a sum without a meaning, an orphaned customer, a code of the site as a status.
    {"id": order_id(2), "order_number": "122184", "status": "UN", "user_id": MISSING, "user_phone": "нет телефона",
     "recipient_phone": "+77011234567; 87017654321 мама", "delivery_date": "как можно скорее",
     "delivery_time": "с 15:00 до 16:00", "total_amount": 10**13, "payment_status": "частично",
     "bitrix_order_id": 122184, "responsible_id": MISSING, "currency": "тенге", "source": "whatsapp"},
    # A negative sum, a huge text, an order that never reached the site.
    {"id": order_id(3), "order_number": "CRM-2044", "status": "Assembled", "user_id": MARAT,
     "delivery_date": "26.08.2025", "delivery_time": "Как можно скорее", "total_amount": -500, "delivery_fee": -100.5,
     "discount": 100, "payment_status": "pending", "postcard_text": HUGE, "created_at": None, "updated_at": None},
    # A closed order without an id on the site.
    {"id": order_id(4), "order_number": None, "status": "completed", "user_id": AIGERIM, "total_amount": 4000.005,
     "payment_status": "paid", "delivery_cost": 500, "completed_at": "2024-02-29T10:00:00+06:00"},
]  # fmt: skip
ITEMS: list[dict[str, Any]] = [
    {"id": item_id(1), "order_id": order_id(1), "product_id": ROSES, "product_name": "Букет Стандарт", "quantity": 1,
     "price": 7500, "total": 7500, "wrapped_by": "Гульнара", "product_snapshot": {
         "bitrix_basket_id": 501, "bitrix_product_id": 696613, "xml_id": "x-1", "price": "7500.00"}},
    {"id": item_id(2), "order_id": order_id(2), "product_id": MISSING, "product_name": "Тюльпаны", "quantity": None,
     "price": 300, "total": None},
    {"id": item_id(3), "order_id": order_id(2), "quantity": 2, "price": 1.23456, "product_snapshot": {
        "bitrix_basket_id": "77"}},
    {"id": item_id(4), "order_id": order_id(2), "quantity": 2, "price": 5, "product_snapshot": {
        "bitrix_basket_id": 77, "name": "Лента"}},
    {"id": item_id(5), "order_id": MISSING, "product_name": "Без заказа", "quantity": 1, "price": 1, "total": 1},
]  # fmt: skip
OTHERS: dict[str, list[dict[str, Any]]] = {
    "sellers": [
        {"id": SELLER, "name": "CVETYKZ Абая", "description": "главный", "is_active": True,
         "metadata": {"bitrix_id": 17008, "city": "Алматы"}},
        {"id": SELLER_WITHOUT_ID, "name": "Партнёр", "is_active": False},
    ],
    "products": [
        {"id": ROSES, "name": "Букет Стандарт", "slug": "standart", "price": 7500.5, "quantity": 3, "sort_order": 10,
         "seller_id": SELLER, "description": "25 роз", "is_active": True, "metadata": {
             "bitrix_id": 696613, "sku": "S-1", "properties": {"ru_img_miniature": "/upload/r.jpg"}}},
    ],
    "telegram_users": [
        {"id": CHAT, "chat_id": -100123, "first_name": "Флористы", "level": "all", "is_active": True},
        {"chat_id": 555, "username": "owner", "level": "errors", "is_active": True},
        {"chat_id": 555, "username": "owner2", "level": "all", "is_active": False},
    ],
    "flowers": [{"name": "Роза", "quantity": 100}],
    "product_composition": [{"product_id": ROSES, "amount": 25}],
    "couriers": [{"id": 7, "nickname": "Быстрый"}],
}  # fmt: skip


def create_tables() -> None:
    """Create the tables and insert the rows."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
    for table, rows in {"users": USERS, **OTHERS, "orders": ORDERS, "order_items": ITEMS}.items():
        for row in rows:
            insert(table, row)


def insert(table: str, row: dict[str, Any]) -> None:
    """Insert a row. A column that it does not name gets its default."""
    names = ", ".join(row)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM jsonb_populate_record(NULL::{table}, %s::jsonb)",
            [json.dumps(row)],
        )


def stored(table: str, schema: str = "public") -> dict[str, Any]:
    """Return all rows of a table as JSON, by their ids."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT to_jsonb(t)::text FROM {schema}.{table} t")
        rows = [json.loads(text) for (text,) in cursor.fetchall()]
    return {str(row["id"]): row for row in rows}
