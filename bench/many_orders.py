"""Made-up orders as in a shop after five years. Most orders are finished, some are open, a few are in the future."""

from datetime import date

from django.db import connection
from django.utils import timezone

YEARS = 5
DAYS_AHEAD = 30

_CUSTOMERS = """
    INSERT INTO users (name, phone, bitrix_user_id, created_at)
    SELECT (ARRAY['Айгерим','Данияр','Мария','Олег','Жанна','Тимур','Ерлан','Сауле'])[1 + id %% 8] || ' '
           || (ARRAY['Ахметова','Ким','Иванова','Сапаров','Ли','Нурланова'])[1 + (id / 8) %% 6],
           '+7701' || lpad((id * 7919 %% 10000000)::text, 7, '0'), id, now() - id * interval '1 minute'
    FROM generate_series(1, %(customers)s::bigint) AS id
    ON CONFLICT (bitrix_user_id) DO NOTHING
"""
_ORDERS = """
    INSERT INTO orders (order_number, bitrix_order_id, status, source, user_id, recipient_name, recipient_phone,
                        delivery_address, delivery_date, delivery_time_id, bitrix_city_id, bitrix_shop_id,
                        total_amount, paid_amount, payment_status, is_pickup, postcard_text, created_at, updated_at,
                        taken_at, ready_at)
    SELECT made.id::text, made.id,
           CASE WHEN day > %(today)s THEN (ARRAY['new','accepted'])[1 + made.id %% 2]
                WHEN day = %(today)s
                THEN (ARRAY['new','accepted','processing','delivering','completed'])[1 + made.id %% 5]
                WHEN made.id %% 50 = 0 THEN 'accepted' WHEN made.id %% 14 = 0 THEN 'cancelled' ELSE 'finished' END,
           CASE WHEN made.id %% 500 = 0 THEN 'admin' ELSE 'bitrix' END,
           customer.id,
           (ARRAY['Мария','Гүлнар','Асель','Виктория','Ольга','Камила','Диана'])[1 + made.id %% 7],
           '+7777' || lpad((made.id * 6007 %% 10000000)::text, 7, '0'),
           'ул. ' || (ARRAY['Абая','Сатпаева','Розыбакиева','Толе би','Достык'])[1 + made.id %% 5]
           || ' ' || made.id %% 300 || ', кв ' || made.id %% 90,
           day, (ARRAY['18', NULL])[1 + (made.id %% 20 = 0)::int],
           CASE WHEN made.id %% 1000 = 0 THEN %(rare)s ELSE 2 END, 17008,
           5000 + made.id %% 40 * 500, CASE WHEN made.id %% 3 = 0 THEN 0 ELSE 5000 + made.id %% 40 * 500 END,
           CASE WHEN made.id %% 3 = 0 THEN 'pending' ELSE 'paid' END, made.id %% 15 = 0,
           repeat('С днём рождения! ', 4),
           day - interval '1 day', day - interval '1 day',
           CASE WHEN day = %(today)s AND made.id %% 5 >= 2 THEN now() - interval '2 hours' END,
           CASE WHEN day = %(today)s AND (made.id %% 5 >= 3 OR made.id %% 10 = 2) THEN now() - interval '1 hour' END
    FROM (SELECT id, %(today)s::date + %(ahead)s - (id * 11 %% %(days)s)::int AS day
          FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS id) AS made
    JOIN users AS customer ON customer.bitrix_user_id = 1 + made.id %% %(customers)s
"""
_ITEMS = """
    INSERT INTO order_items (order_id, product_id, quantity, price, total, position, product_snapshot)
    SELECT orders.id, products.ids[1 + bitrix_order_id %% greatest(products.number, 1)],
           1, 7500, 7500, 0, '{"name": "Букет Стандарт", "currency": "KZT"}'
    FROM orders CROSS JOIN (SELECT array_agg(id) AS ids, count(*) AS number FROM products) AS products
    WHERE bitrix_order_id BETWEEN %(first)s AND %(last)s
    ORDER BY delivery_date
"""


def make_orders(first: int, last: int) -> None:
    """Insert orders with the ids `first` to `last` on the site, with one item each, of the products that exist.

    The delivery dates are within the last five years and the next 30 days.
    """
    from orders.models import City

    rare, _made = City.objects.get_or_create(bitrix_id=99, defaults={"name": "Капчагай"})
    customers = max(last // 4, 1)
    values: dict[str, int | date] = {
        "first": first,
        "last": last,
        "rare": rare.bitrix_id,
        "today": timezone.localdate(),
        "ahead": DAYS_AHEAD,
        "days": YEARS * 365 + DAYS_AHEAD,
        "customers": customers,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CUSTOMERS, {"customers": customers})
        cursor.execute(_ORDERS, values)
        cursor.execute(_ITEMS, values)
        # PostgreSQL would do the same work by itself some minutes later.
        cursor.execute("SELECT gin_clean_pending_list('orders_search'), gin_clean_pending_list('users_search')")
        cursor.execute("ANALYZE orders, order_items, users")


def new_orders(number: int) -> list[str]:
    """Make so many of the first orders new again, and return their primary keys."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE orders SET status = 'new', taken_at = NULL, ready_at = NULL
            WHERE bitrix_order_id <= %s RETURNING id
            """,
            [number],
        )
        return [str(key) for (key,) in cursor.fetchall()]
