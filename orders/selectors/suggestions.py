"""Suggestions for the form of a new order: customers, their earlier recipients, and products.

Each function makes a fixed number of queries that use indexes, and returns strings for the page. Phones are masked for
users who may not see them.
"""

import re
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.search import SearchQuery
from django.db.models import Count, Max
from django.db.models.functions import Left
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from cvety_crm.users import User
from orders.models import Customer, Order, Product
from orders.presentation.formatting import full_day, money, number, plain_text
from orders.presentation.phones import form_text
from orders.product_pictures.links import product_picture
from orders.rules.visibility import shown_text
from orders.selectors.search import search_for, search_query
from orders.values.phone_masking import start_of
from orders.values.phones import normalize_phone, phone_digits

MOST_CUSTOMERS = 8
MOST_PRODUCTS = 20
MOST_RECIPIENTS = 3
ORDERS_LOOKED_AT = 30
"""The number of a customer's last orders that are read to find different recipients."""
DIGITS, LETTERS = 4, 2
"""The minimum numbers of digits and of letters that the user must enter for a search. Fewer would match half of the
table."""
LONGEST_QUERY = 100
LONGEST_ADDRESS = 500
"""The maximum length of a suggested address. It is the length that the field of a new order accepts."""

Suggestion = dict[str, Any]

_FOUND = ("name", "phone", "merged_into__name", "merged_into__phone")


def suggested_customers(user: User | AnonymousUser, text: str) -> list[Suggestion]:
    """Return the customers whose phone or name starts with the text, the newest customer first.

    This makes two queries, or none if the text is too short.
    """
    text = text[:LONGEST_QUERY]
    query = _customer_query(user, text)
    if query is None:
        return []
    found = Customer.objects.filter(search=query).select_related("merged_into").order_by("-created_at")
    kept = {(one.merged_into or one).pk: one.merged_into or one for one in found.only(*_FOUND)[:MOST_CUSTOMERS]}
    return _described(user, list(kept.values()), typed=normalize_phone(text).value)


def described_customer(user: User | AnonymousUser, customer: Customer) -> Suggestion:
    """Return the suggestion of one customer and the last recipients of this customer, with two queries."""
    return {
        **_described(user, [customer], typed="")[0],
        "recipients": recent_recipients(user, customer),
    }


def recent_recipients(user: User | AnonymousUser, customer: Customer) -> list[Suggestion]:
    """Return the last different recipients and addresses in a customer's orders, with one query."""
    rows = (
        Order.objects.filter(customer=customer)
        .order_by("-created_at")
        .annotate(address=Left("delivery_address", LONGEST_ADDRESS + 1))
        .values("pk", "recipient_name", "recipient_phone", "address")[:ORDERS_LOOKED_AT]
    )
    recipients: dict[tuple[str, ...], Suggestion] = {}
    for row in rows:
        name = shown_text(user, row["recipient_name"])
        address = shown_text(user, start_of(row["address"], LONGEST_ADDRESS))
        phone = row["recipient_phone"]
        key = (name.casefold(), phone, address.casefold())
        if not any(key) or key in recipients:
            continue
        shown = form_text(user, phone)
        label = " · ".join(part for part in (name or shown, address) if part)
        recipients[key] = {"from": str(row["pk"]), "label": label, "name": name, "phone": shown, "address": address}
        if len(recipients) == MOST_RECIPIENTS:
            break
    return list(recipients.values())


def suggested_products(text: str) -> list[Suggestion]:
    """Return the products whose words start with the entered words, products on sale first.

    This makes one query, or none if the text is too short.
    """
    query = search_query(text[:LONGEST_QUERY], may_see_phones=True) if len(text.strip()) >= LETTERS else None
    if query is None:
        return []
    found = Product.objects.filter(search=query).order_by("-is_active", "name", "pk")
    return [
        {
            "id": str(product.pk),
            "name": product.name,
            "price": "" if product.price is None else plain_text(product.price),
            "details": " · ".join(filter(None, (_price(product), stock_words(product)))),
            "on_sale": product.is_active,
            "picture": product_picture(product),
        }
        for product in found.only("name", "price", "quantity", "is_active", "image_url")[:MOST_PRODUCTS]
    ]


def stock_words(product: Product) -> str:
    """Return a message about the stock of a product, or that it is not on sale.

    Return an empty string if the site does not count the stock of the product.
    """
    if not product.is_active:
        return gettext("not on sale")
    if product.quantity is None:
        return ""
    if product.quantity <= 0:
        return gettext("out of stock")
    return gettext("in stock: %(count)s") % {"count": number(product.quantity)}


def _price(product: Product) -> str:
    return gettext("no price") if product.price is None else money(product.price)


def _customer_query(user: User | AnonymousUser, text: str) -> SearchQuery | None:
    digits, letters = phone_digits(text), len(re.findall(r"[^\W\d_]", text))
    is_enough = letters >= LETTERS or (not letters and len(digits) >= DIGITS)
    return search_for(user, text) if is_enough else None


def _described(user: User | AnonymousUser, customers: list[Customer], *, typed: str) -> list[Suggestion]:
    totals = _totals(customer.pk for customer in customers)
    described = []
    for customer in customers:
        count, last = totals.get(customer.pk, (0, None))
        orders = (
            ngettext("%(count)s order, the last on %(day)s", "%(count)s orders, the last on %(day)s", count)
            % {"count": count, "day": full_day(timezone.localtime(last))}
            if last
            else gettext("no orders yet")
        )
        described.append(
            {
                "id": str(customer.pk),
                "name": shown_text(user, customer.name),
                "title": shown_text(user, customer.name) if customer.name else gettext("Customer without a name"),
                "phone": form_text(user, customer.phone),
                "orders": orders,
                "is_exact": bool(customer.phone) and customer.phone == typed,
            }
        )
    return described


def _totals(keys: Iterable[Any]) -> dict[Any, tuple[int, Any]]:
    wanted = list(keys)
    if not wanted:
        return {}
    rows = (
        Order.objects.filter(customer__in=wanted)
        .order_by()
        .values_list("customer")
        .annotate(count=Count("pk"), last=Max("created_at"))
    )
    return {key: (count, last) for key, count, last in rows}
