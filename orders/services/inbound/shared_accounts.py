"""Accounts of the site under which many people order. They are no customers: the contacts of each order decide."""

from django.db import connection

from orders.models import Customer, SharedAccount
from orders.rules.guests import MOST_PHONES

_PHONES = """
    SELECT count(*) FROM (
        SELECT DISTINCT left(contact_phone, 20) FROM orders
        WHERE bitrix_user_id = %s AND contact_phone <> '' AND contact_phone LIKE '+%%' AND left(contact_phone, 20) <> %s
        LIMIT %s
    ) AS phones
"""


def has_many_phones(account: int, phone: str) -> bool:
    """Return whether more than `MOST_PHONES` phones have ordered under this account, `phone` included. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_PHONES, [account, phone, MOST_PHONES])
        return bool(cursor.fetchone()[0] >= MOST_PHONES)


def share_account(account: int, holder: Customer | None) -> None:
    """Record that many people order under an account of the site. `holder` is the customer that has its id.

    The holder stays a customer without the account. The worker then gives its orders under this account to the
    customers that their contacts name (`orders.services.rehoming`).
    """
    if holder is not None:
        Customer.objects.filter(pk=holder.pk, bitrix_user_id=account).update(bitrix_user_id=None)
        holder.bitrix_user_id = None
    SharedAccount.objects.bulk_create([SharedAccount(bitrix_user_id=account, holder=holder)], ignore_conflicts=True)
