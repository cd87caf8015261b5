"""The customer behind a phone call: known by his phone, or new."""

from django.db import transaction

from orders.models import Customer
from orders.services.locking import lock_names
from orders.values.phones import normalize_phone


@transaction.atomic
def customer_for_call(*, name: str, phone: str) -> Customer | None:
    """Return the customer with this phone, made if he is new; None when neither name nor phone is given.

    A known customer keeps the name he has. What staff type is ours, not the site's: nothing is agreed on yet.
    """
    number = normalize_phone(phone).value
    if not number:
        return Customer.objects.create(name=name) if name else None
    # Nothing unique to lean on: two managers who take one caller's orders must not make him twice.
    lock_names([f"customer {number}"])
    known = Customer.objects.filter(phone=number).order_by("created_at").first()
    return known or Customer.objects.create(name=name, phone=number)
