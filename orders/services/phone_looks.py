"""The log of who has seen whose phone: the pages of orders and customers, searches by phone, lists, files.

A user who may see phones causes one row a day for each thing, with a counter, by one statement. The list of orders
shows phones to those who may see them, so its first page is everyday work and is not recorded; a further page is, and
so is the dialog with the contacts of one order. A list is one row, not one for each of its phones.
"""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone

from cvety_crm.ops.retention import delete_in_batches
from cvety_crm.users import User
from orders.models import PhoneLook
from orders.rules.visibility import may_see_phones
from orders.values.phones import phone_digits

Kind = PhoneLook.Kind
ORDERS, CUSTOMERS = "orders", "customers"
"""The subjects of lists."""
_FEWEST_DIGITS = 7
"""A shorter number is that of an order, unless it has the four digits by which staff find a phone."""
_LAST = 4
_RECORD = """
    INSERT INTO phone_looks (user_id, day, kind, subject, order_id, customer_id, looks, last_at)
    VALUES (%s, %s, %s, %s, %s, %s, 1, %s)
    ON CONFLICT (user_id, day, kind, subject)
    DO UPDATE SET looks = phone_looks.looks + 1, last_at = EXCLUDED.last_at, updated_at = EXCLUDED.last_at
"""


def record_look(
    user: User, kind: PhoneLook.Kind, *, subject: str = "", order: UUID | None = None, customer: UUID | None = None
) -> None:
    """Record that the user has opened something with phones. This makes one statement, or none if the user sees none.

    `subject` is a text without a phone; an order or a customer needs none.
    """
    if not may_see_phones(user):
        return
    now = timezone.now()
    of_row = str(order or customer or "")
    with connection.cursor() as cursor:
        cursor.execute(_RECORD, [user.pk, timezone.localdate(now), str(kind), subject or of_row, order, customer, now])


def record_list(user: User, name: str, *, query: str, page: str) -> None:
    """Record a search by phone, or a list of phones, unless it is the first page of the orders."""
    digits = _searched_digits(query)
    if digits:
        record_look(user, Kind.SEARCH, subject=f"•••{digits[-2:]}")
    elif name != ORDERS or page not in ("", "1"):
        record_look(user, Kind.LIST, subject=name)


def prune() -> int:
    """Delete the rows that are older than `KEEP_LOOKS_DAYS`. Return their number. The worker calls this each day."""
    if settings.KEEP_LOOKS_DAYS <= 0:
        return 0
    before = timezone.now() - timedelta(days=settings.KEEP_LOOKS_DAYS)
    return delete_in_batches(PhoneLook.objects.filter(last_at__lt=before))


def _searched_digits(query: str) -> str:
    """Return the digits of a search by phone, or an empty string if it is another search."""
    digits = phone_digits(query)
    is_phone = len(digits) == _LAST or len(digits) >= _FEWEST_DIGITS
    return digits if is_phone and not any(map(str.isalpha, query)) else ""
