"""The service that finds or creates the customer of a phone call."""

from django.db import transaction

from orders.models import Customer
from orders.rules.same_person import Identity
from orders.services.inbound.people import People, choose
from orders.services.locking import lock_names
from orders.values.phones import normalize_phone


@transaction.atomic
def customer_for_call(*, name: str, phone: str) -> Customer | None:
    """Return the customer with this phone and a compatible name, or create a customer.

    Return None if neither a name nor a phone is given. A call without a name belongs to the customer with this phone.
    The stored name of a known customer is not changed. A new customer has no agreement with the site.
    """
    typed = normalize_phone(phone)
    number = typed.value
    if not number:
        return Customer.objects.create(name=name) if name else None
    # Phones are not unique, so without the lock two managers could create the same customer twice.
    lock_names([f"customer {number}"])
    people = People()
    people.read([(None, number)])
    known = choose(people.candidates(None, number), Identity(None, number, name))
    if known is None:
        return Customer.objects.create(name=name, phone=number, other_phones=typed.more)
    return known if known.merged_into is None else known.merged_into
