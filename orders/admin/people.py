"""The parts of pages about who a customer is: similar customers, merged customers and what staff have decided."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext

from cvety_crm.formatting import short_moment
from cvety_crm.users import display_name
from orders.admin.permissions import may_merge
from orders.models import Customer, CustomerChange, Order
from orders.presentation.phones import phone_text
from orders.rules.visibility import shown_text
from orders.selectors.similar_customers import similar_customers

CHANGES_SHOWN = 20
Row = dict[str, Any]


def similar_rows(request: HttpRequest, customer: Customer | None, order: Order | None = None) -> list[Row]:
    """Return the customers who may be the same person, for a user who may see customers. This makes one query."""
    if customer is None or not request.user.has_perm("orders.view_customer"):
        return []
    return [
        {
            **person(request, one.customer),
            "why": gettext("the same phone") if one.has_phone else gettext("the same account on the site"),
        }
        for one in similar_customers(customer, order)
    ]


def person(request: HttpRequest, customer: Customer) -> Row:
    """Return the name, the phone and the link of a customer, with the phone masked if the user may not see it."""
    name = shown_text(request.user, customer.name) if customer.name else gettext("Customer without a name")
    return {
        "key": customer.pk,
        "name": name,
        "phone": phone_text(request.user, customer.phone),
        "url": reverse("admin:orders_customer_change", args=[customer.pk]),
    }


def people_context(request: HttpRequest, customer: Customer) -> dict[str, Any]:
    """Return the context of `orders/customer_people.html`."""
    kept = customer.merged_into
    return {
        "may_merge": may_merge(request) and customer.erased_at is None,
        "kept": person(request, kept) if kept is not None else None,
        "merged": [] if kept is not None else _merged(request, customer),
        "similar": [] if kept is not None else similar_rows(request, customer),
        "changes": _changes(request, customer),
    }


def _merged(request: HttpRequest, customer: Customer) -> list[Row]:
    own = Q(orders_before_merge__customer=customer)
    found = customer.merged.annotate(own_orders=Count("orders_before_merge", filter=own)).order_by("created_at", "pk")
    return [
        {
            **person(request, one),
            "email": one.email or "",
            "bitrix_user_id": one.bitrix_user_id,
            "note": shown_text(request.user, one.note),
            "count": one.own_orders,
        }
        for one in found.defer("search", "preferences", "bitrix_state")
    ]


def _changes(request: HttpRequest, customer: Customer) -> Sequence[Row]:
    found = CustomerChange.objects.filter(Q(customer=customer) | Q(other=customer))
    related = found.select_related("customer", "other", "order", "actor").order_by("-created_at", "-pk")
    return [
        {
            "when": short_moment(change.created_at),
            "who": display_name(change.actor),
            "what": _sentence(request, change),
            "order": change.order,
            "order_url": reverse("admin:orders_order_change", args=[change.order_id]) if change.order_id else "",
        }
        for change in related.only(*_READ)[:CHANGES_SHOWN]
    ]


_READ = (
    *("kind", "created_at", "orders_count", "customer__name", "customer__phone", "other__name", "other__phone"),
    *("order__order_number", "actor__username", "actor__first_name", "actor__last_name"),
)


def _sentence(request: HttpRequest, change: CustomerChange) -> str:
    names = {
        "customer": person(request, change.customer)["name"] if change.customer else gettext("no customer"),
        "other": person(request, change.other)["name"],
        "count": change.orders_count,
    }
    if change.kind == CustomerChange.Kind.MOVED:
        return gettext("An order of “%(customer)s” given to “%(other)s”") % names
    if change.kind == CustomerChange.Kind.MERGED:
        return gettext("“%(customer)s” merged into “%(other)s”, orders: %(count)s") % names
    return gettext("“%(customer)s” parted from “%(other)s”, orders: %(count)s") % names
