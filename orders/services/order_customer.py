"""The service by which staff give an order to another customer: “it is another person”."""

from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext

from cvety_crm.users import User
from orders.events import OrderChange, publish
from orders.exceptions import NotAllowedError
from orders.models import Customer, CustomerChange, Order, Reason, Source
from orders.services.accounts import account_of
from orders.services.callers import customer_for_call
from orders.services.inbound.owner import CUSTOMER_COLUMNS, customer_change, give_to
from orders.services.locking import lock_order
from orders.services.timeline import write_event
from orders.services.validation import refuse_excess
from orders.timeline_payloads import CustomerReplaced
from orders.values.phones import normalize_phone
from orders.values.text import clean_line

LONGEST_NAME = 255


@transaction.atomic
def change_customer(
    *, order_id: UUID, actor: User | None, customer_id: UUID | None = None, name: str = "", phone: str = ""
) -> Order:
    """Give an order to a known customer, or to a new one with this name and phone.

    The contacts that were given with the order stay on it. If the rule knows the new customer already, by the phone and
    a compatible name, that customer is used. The site's next event does not change the customer back. Raise
    `Order.DoesNotExist` if there is no such order, and `NotAllowedError` if there is no such customer, if the contacts
    are not valid, or if it is the same customer as before.
    """
    order = lock_order(order_id)
    before = order.customer
    customer = _known(customer_id) if customer_id is not None else _new(name, phone)
    if before is not None and customer.pk == before.pk:
        raise NotAllowedError(gettext("The order already belongs to this customer."))
    give_to(order, customer)
    columns = [*CUSTOMER_COLUMNS, *set_account(order)]
    order.save(update_fields=[*columns, "updated_at"])
    note_moved_order(order, before, actor)
    event = write_event(
        order=order,
        payload=CustomerReplaced(),
        source=Source.ADMIN,
        actor=actor,
        changes=customer_change(before, order),
        reason=Reason.OTHER_PERSON,
    )
    publish(OrderChange(order, event))
    return order


def set_account(order: Order) -> list[str]:
    """Set the account under which the site will create the order. Return the changed columns.

    An order that the site already has keeps its account.
    """
    if order.bitrix_order_id is not None:
        return []
    order.bitrix_user_id = account_of(order.customer, order.contact_phone)
    return ["bitrix_user_id"]


def note_moved_order(order: Order, before: Customer | None, actor: User | None) -> None:
    """Record on both customers that staff have given an order to another customer."""
    if order.customer is not None:
        CustomerChange.objects.create(
            kind=CustomerChange.Kind.MOVED,
            customer=before,
            other=order.customer,
            order=order,
            orders_count=1,
            actor=actor,
        )


def _known(customer_id: UUID) -> Customer:
    # The lock waits for a merge of this customer, which then has no orders of its own any more.
    customer = Customer.objects.people().select_for_update(no_key=True).filter(pk=customer_id).first()
    if customer is None:
        raise NotAllowedError(gettext("There is no such customer. It may have been merged into another one."))
    return customer


def _new(name: str, phone: str) -> Customer:
    name, number = clean_line(name), normalize_phone(phone)
    if not name and not number.value:
        raise NotAllowedError(gettext("A new customer needs a name or a phone."))
    refuse_excess(name, LONGEST_NAME)
    if number.value and not number.is_valid:
        raise NotAllowedError(gettext("There is no such phone number. Example: +7 701 123-45-67"))
    customer = customer_for_call(name=name, phone=number.value)
    assert customer is not None
    return customer
