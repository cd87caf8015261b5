"""An order as the site has it now, asked for by us: the same snapshot that a webhook would have brought."""

from dataclasses import replace

from django.conf import settings

from bitrix_bridge.payloads import read_order
from bitrix_bridge.site_client.transports import SiteClient
from orders.sync.snapshot import OrderSnapshot


def read_site_order(client: SiteClient, bitrix_order_id: int) -> OrderSnapshot:
    """Ask the site for an order.

    Raises `OrderNotFoundError`, `OrderArchivedError`, other `DeliveryError`s, `PayloadError`.
    """
    data = client.get_order(bitrix_order_id)
    return without_shared_account(read_order(data, pay_systems=settings.BITRIX_PAY_SYSTEMS))


def without_shared_account(snapshot: OrderSnapshot) -> OrderSnapshot:
    """Return the snapshot without `BITRIX_DEFAULT_USER_ID`, the account that orders without one are made under.

    It is nobody's: only the phone says whose order it is.
    """
    customer = snapshot.customer
    if customer is None or not customer.bitrix_user_id or customer.bitrix_user_id != settings.BITRIX_DEFAULT_USER_ID:
        return snapshot
    phone = {name: value for name, value in customer.fields.items() if name == "phone"}
    return replace(snapshot, customer=replace(customer, bitrix_user_id=None, fields=phone))
