"""Other customers who may be the same person: they share a phone or an account of the site with this one.

`orders.rules.same_person` did not make them one customer, because a phone or an account alone does not decide.
"""

from dataclasses import dataclass

from orders.models import Customer, Order

MOST_SIMILAR = 5
MOST_ORDERS = 200
"""The largest number of orders that are looked at."""

_SIMILAR = """
    WITH accounts AS (
        SELECT bitrix_user_id FROM users
        WHERE (id = %(customer)s OR merged_into_id = %(customer)s) AND bitrix_user_id IS NOT NULL
        UNION SELECT %(account)s::bigint
        EXCEPT SELECT bitrix_user_id FROM shared_accounts
    ),
    by_phone AS (
        SELECT id, merged_into_id FROM users WHERE phone = ANY(%(phones)s)
        UNION (SELECT user_id, NULL FROM orders WHERE contact_phone = ANY(%(phones)s) AND contact_phone <> ''
            ORDER BY created_at DESC LIMIT %(most_orders)s)
    ),
    by_account AS (
        SELECT id, merged_into_id FROM users WHERE bitrix_user_id IN (SELECT bitrix_user_id FROM accounts)
        UNION (SELECT user_id, NULL FROM orders
            WHERE bitrix_user_id IN (SELECT bitrix_user_id FROM accounts) AND contact_phone <> '' LIMIT %(most_orders)s)
    ),
    found AS (
        SELECT COALESCE(merged_into_id, id) AS id, TRUE AS has_phone FROM by_phone
        UNION ALL SELECT COALESCE(merged_into_id, id), FALSE FROM by_account
    )
    SELECT users.id, users.name, users.phone, bool_or(found.has_phone) AS has_phone
    FROM users JOIN found ON found.id = users.id
    WHERE users.id <> %(customer)s AND users.merged_into_id IS NULL
    GROUP BY users.id ORDER BY users.created_at, users.id LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class SimilarCustomer:
    """A customer who may be the same person, and whether the phone or only the account is the same."""

    customer: Customer
    has_phone: bool


def similar_customers(customer: Customer, order: Order | None = None) -> list[SimilarCustomer]:
    """Return other customers who may be this person, or who may have placed this order, with one query."""
    phones = {customer.phone, order.contact_phone if order is not None else ""} - {""}
    account = order.bitrix_user_id if order is not None else None
    limits = {"most": MOST_SIMILAR, "most_orders": MOST_ORDERS}
    parameters = {"customer": customer.pk, "phones": sorted(phones), "account": account, **limits}
    found = Customer.objects.raw(_SIMILAR, parameters)
    return [SimilarCustomer(row, row.has_phone) for row in found]  # type: ignore[attr-defined]
