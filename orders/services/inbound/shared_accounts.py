"""Accounts of the site under which many people order. They are no customers: the contacts of each order decide."""

from orders.models import Customer, SharedAccount


def share_account(account: int, holder: Customer | None) -> None:
    """Record that many people order under an account of the site. `holder` is the customer that has its id.

    The holder stays a customer without the account. The worker then gives its orders under this account to the
    customers that their contacts name (`orders.services.rehoming`).
    """
    if holder is not None:
        Customer.objects.filter(pk=holder.pk, bitrix_user_id=account).update(bitrix_user_id=None)
        holder.bitrix_user_id = None
    SharedAccount.objects.bulk_create([SharedAccount(bitrix_user_id=account, holder=holder)], ignore_conflicts=True)
