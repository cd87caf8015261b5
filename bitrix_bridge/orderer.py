"""Whose an order of the site is, where its account is nobody's."""

from dataclasses import replace

from django.conf import settings

from orders.snapshot import OrderSnapshot


def without_nobody(snapshot: OrderSnapshot) -> OrderSnapshot:
    """Return the snapshot without the account that orders without one are made under.

    It is nobody's: only the phone says whose order it is.
    """
    customer = snapshot.customer
    if customer is None or not customer.bitrix_user_id or customer.bitrix_user_id != settings.BITRIX_DEFAULT_USER_ID:
        return snapshot
    phone = {name: value for name, value in customer.fields.items() if name == "phone"}
    return replace(snapshot, customer=replace(customer, bitrix_user_id=None, fields=phone))
