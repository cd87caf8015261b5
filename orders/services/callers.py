"""The customer of a phone call: found by phone, or created."""

from django.db import transaction

from orders.models import Customer
from orders.services.locking import lock_names
from orders.values.phones import normalize_phone


@transaction.atomic
def customer_for_call(*, name: str, phone: str) -> Customer | None:
    """Return the customer with this phone, created if there is none; None when neither name nor phone is given.

    A known customer keeps their stored name. A new customer has no agreement with the site.
    """
    number = normalize_phone(phone).value
    if not number:
        return Customer.objects.create(name=name) if name else None
    # The phone is not unique: without the lock two managers could create the same caller twice.
    lock_names([f"customer {number}"])
    known = Customer.objects.filter(phone=number).order_by("created_at").first()
    return known or Customer.objects.create(name=name, phone=number)
