"""Fetch an order from the site and return the same snapshot as for the payload of a webhook."""

from dataclasses import replace

from django.conf import settings

from bitrix_bridge.payloads import read_order
from bitrix_bridge.site_client.transports import SiteClient
from orders.selectors.pay_systems import methods_of_systems
from orders.sync.snapshot import OrderSnapshot


def read_site_order(client: SiteClient, bitrix_order_id: int) -> OrderSnapshot:
    """Fetch an order and return its snapshot.

    Raise `OrderNotFoundError` if the site has no such order, `OrderArchivedError` if the order is in the site's
    archive, a different `DeliveryError` if the request fails, and `PayloadError` if the response contains no valid id.
    """
    data = client.get_order(bitrix_order_id)
    return without_shared_account(read_order(data, pay_systems=methods_of_systems()))


def without_shared_account(snapshot: OrderSnapshot) -> OrderSnapshot:
    """Return the snapshot without the account `BITRIX_DEFAULT_USER_ID`, which is treated like the account for guests.

    Orders of customers who have no account are created with this account, so the contacts of the order decide.
    """
    customer = snapshot.customer
    if customer is None or not customer.bitrix_user_id or customer.bitrix_user_id != settings.BITRIX_DEFAULT_USER_ID:
        return snapshot
    contacts = replace(
        customer,
        bitrix_user_id=None,
        contacts_only=True,
        guest_account=customer.bitrix_user_id,
        fields={name: value for name, value in customer.typed.items() if value},
        of_account=frozenset(),
        metadata={},
    )
    return replace(snapshot, customer=contacts)
