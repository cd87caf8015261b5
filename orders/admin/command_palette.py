"""The results that the CRM adds to the command palette (Ctrl+K): orders, customers, presets, the page of a new order.

Unfold itself finds the admin's pages.
"""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext
from unfold.dataclasses import SearchResult

from cvety_crm.users import User
from orders.models import Customer, Order
from orders.presentation.when import status_text, when_text
from orders.rules import staff_actions
from orders.rules.visibility import masked_phone, may_see_orders
from orders.selectors.order_search import found_orders
from orders.selectors.presets import PRESETS, preset_url
from orders.selectors.search import search_for
from orders.values.phone_masking import without_phones

MOST_ORDERS = 8
MOST_CUSTOMERS = 4


def search(request: HttpRequest, term: str) -> list[SearchResult]:
    """Return the results that this user may see. The queries for orders and customers use an index.

    The results contain no complete phones, because Unfold caches the results for some minutes, and other people may
    see the screen.
    """
    found: list[SearchResult] = []
    if may_see_orders(request.user):
        found += _pages(request, term) + _orders(request.user, term)
    if request.user.has_perm("orders.view_customer") or request.user.has_perm("orders.change_customer"):
        found += _customers(request.user, term)
    return found


def _pages(request: HttpRequest, term: str) -> list[SearchResult]:
    pages = [(str(preset.label), preset_url(preset.key)) for preset in PRESETS]
    if request.user.has_perm("orders.add_order"):
        pages.append((gettext("New order"), reverse("admin:orders_order_add")))
    if staff_actions.may_assign(request.user):
        pages.append((gettext("Dispatch"), reverse("dispatch")))
    return [
        _result(label, gettext("Orders"), url, "list") for label, url in pages if term.strip().lower() in label.lower()
    ]


def _orders(user: User | AnonymousUser, term: str) -> list[SearchResult]:
    query = search_for(user, term)
    if query is None:
        return []
    found = found_orders(Order.objects.all(), query, by_customer=False)
    orders = found.order_by("-created_at", "-id").select_related("status", "delivery_slot")
    return [
        _result(
            f"№ {order.order_number} · {without_phones(order.recipient_name) or '—'}",
            f"{status_text(order)} · {when_text(order)}",
            reverse("admin:orders_order_change", args=[order.pk]),
            "local_florist",
        )
        for order in orders[:MOST_ORDERS]
    ]


def _customers(user: User | AnonymousUser, term: str) -> list[SearchResult]:
    query = search_for(user, term)
    if query is None:
        return []
    customers = Customer.objects.people().filter(search=query).order_by("-created_at", "-id")
    return [
        _result(
            without_phones(str(customer)),
            gettext("customer") + f" · {masked_phone(customer.phone) if customer.phone else '—'}",
            reverse("admin:orders_customer_change", args=[customer.pk]),
            "person",
        )
        for customer in customers[:MOST_CUSTOMERS]
    ]


def _result(title: str, description: str, link: Any, icon: str) -> SearchResult:
    return SearchResult(title=title, description=description, link=link, icon=icon)
