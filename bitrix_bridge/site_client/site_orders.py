"""Fetch an order from the site as the same snapshot that a webhook's payload is read into."""

from dataclasses import replace

from django.conf import settings

from bitrix_bridge.payloads import read_order
from bitrix_bridge.site_client.transports import SiteClient
from orders.sync.snapshot import OrderSnapshot


def read_site_order(client: SiteClient, bitrix_order_id: int) -> OrderSnapshot:
    """Fetch an order and return its snapshot.

    Raise `OrderNotFoundError`, `OrderArchivedError`, another `DeliveryError` or `PayloadError`.
    """
    data = client.get_order(bitrix_order_id)
    return without_shared_account(read_order(data, pay_systems=settings.BITRIX_PAY_SYSTEMS))


def without_shared_account(snapshot: OrderSnapshot) -> OrderSnapshot:
    """Return the snapshot without the account `BITRIX_DEFAULT_USER_ID`.

    Orders of customers who have no account are created under it, so only the phone identifies the customer.
    """
    customer = snapshot.customer
    if customer is None or not customer.bitrix_user_id or customer.bitrix_user_id != settings.BITRIX_DEFAULT_USER_ID:
        return snapshot
    phone = {name: value for name, value in customer.fields.items() if name == "phone"}
    return replace(snapshot, customer=replace(customer, bitrix_user_id=None, fields=phone))
