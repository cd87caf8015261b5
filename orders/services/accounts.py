"""Which account of the site an order made by staff is created under."""

from django.db.models import Q

from orders.models import Customer


def account_of(customer: Customer | None, phone: str = "") -> int | None:
    """Return the id of the customer's account on the site, or None if there is none.

    A customer without an account of its own has those of the customers that were merged into it. The one with the phone
    of the order is preferred, then the oldest. A customer with an own account costs no query.
    """
    if customer is None or customer.bitrix_user_id is not None:
        return customer.bitrix_user_id if customer else None
    merged = list(Customer.objects.filter(~Q(bitrix_user_id=None), merged_into=customer).order_by("created_at", "pk"))
    chosen = next((one for one in merged if phone and one.phone == phone), merged[0] if merged else None)
    return chosen.bitrix_user_id if chosen else None
