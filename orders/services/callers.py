"""The service that finds or creates the customer of a phone call."""

from django.db import transaction

from orders.models import Customer
from orders.services.locking import lock_names
from orders.values.phones import normalize_phone


@transaction.atomic
def customer_for_call(*, name: str, phone: str) -> Customer | None:
    """Return the customer with this phone, or create a customer. Return None if neither a name nor a phone is given.

    The stored name of a known customer is not changed. A new customer has no agreement with the site.
    """
    typed = normalize_phone(phone)
    number = typed.value
    if not number:
        return Customer.objects.create(name=name) if name else None
    # Phones are not unique, so without the lock two managers could create the same customer twice.
    lock_names([f"customer {number}"])
    known = Customer.objects.filter(phone=number).order_by("created_at").first()
    return known or Customer.objects.create(name=name, phone=number, other_phones=typed.more)
