"""The orders that a search finds: by their own columns, by their customers, by the names of their couriers, and by
the names and details of their items.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.postgres.aggregates import BoolOr
from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db.models import ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from orders.models import Courier, Customer, Order, OrderItem
from orders.selectors.search import by_index, has_more_than, ids_if_few
from orders.values.search_document import search_document

MOST_CUSTOMERS = 200
"""The largest number of customers whose orders a search includes. A search for one person finds fewer customers."""
COMMON = 20_000
"""The number of found items above which a word is so common that the newest orders with it are found at once."""
FEW_ITEMS = 500
"""The largest number of found items whose orders the query selects by key."""
FEW_FOUND = 2000
"""The largest number of found orders that the query selects by key. Of more orders, the newest 50 are found sooner by
reading the newest orders: of these, more than one in 500 is found in a table of a million."""


def found_orders(orders: QuerySet[Order], query: SearchQuery, *, by_customer: bool = True) -> QuerySet[Order]:
    """Return those of the orders that the query finds. The search uses indexes."""
    return search_orders(orders, query, by_customer=by_customer)[0]


def search_orders(
    orders: QuerySet[Order], query: SearchQuery, *, by_customer: bool = True
) -> tuple[QuerySet[Order], bool]:
    """Return those of the orders that the query finds, and whether it finds more than `FEW_FOUND` of all orders.

    If it is not known whether it finds more, return False.
    """
    with by_index():
        found = Q(search=query)
        keys = _keys(query, by_customer=by_customer)
        if keys["customer"]:
            found |= Q(customer_id__in=keys["customer"])
        if keys["courier"]:
            found |= Q(courier_id__in=keys["courier"])
        if len(keys["order"]) > FEW_ITEMS:
            return orders.filter(found | _with_items(query)), False
        if keys["order"]:
            found |= Q(pk__in=keys["order"])
        # A few orders are selected by primary key. Many orders are found quickly if the newest are scanned first.
        few = ids_if_few(Order.objects.filter(found), FEW_FOUND)
    return (orders.filter(found), True) if few is None else (orders.filter(pk__in=few), False)


def _keys(query: SearchQuery, *, by_customer: bool) -> Mapping[str, list[UUID]]:
    """Return the keys of the found customers and couriers, and of the orders with found items, with one query.

    There are at most `MOST_CUSTOMERS` customers, and at most one order more than `FEW_ITEMS`.
    """
    parts = [
        _part("courier", _couriers(query), "pk"),
        _part("order", OrderItem.objects.filter(search=query), "order_id")[: FEW_ITEMS + 1],
    ]
    if by_customer:
        customers = Customer.objects.filter(search=query)
        parts.append(_part("customer", customers, Coalesce("merged_into", "pk"))[:MOST_CUSTOMERS])
    found: Mapping[str, list[UUID]] = {"courier": [], "order": [], "customer": []}
    for kind, key in parts[0].union(*parts[1:], all=True):
        found[kind].append(key)
    return found


def _part(kind: str, rows: QuerySet[Any], key: str | Coalesce) -> QuerySet[Any, tuple[str, UUID]]:
    return rows.order_by().values_list(Value(kind), F(key) if isinstance(key, str) else key)


def _with_items(query: SearchQuery) -> Q:
    """Return the condition of the orders with these items, which are too many to be selected by key.

    PostgreSQL would read all items that contain a common word, such as "bouquet", to find the newest 50 orders. Then it
    must look at the items of each order instead.
    """
    items = OrderItem.objects.filter(search=query)
    if not has_more_than(items, COMMON):
        return Q(pk__in=items.order_by().values("order_id"))
    # An aggregate can't be computed for all orders at once.
    of_order = OrderItem.objects.filter(order=OuterRef("pk")).order_by().values("order")
    return Q(Subquery(of_order.annotate(is_found=BoolOr(Q(search=query))).values("is_found")))


def _couriers(query: SearchQuery) -> QuerySet[Courier]:
    """Return the couriers with this name or phone. There are too few couriers for an index."""
    document = ExpressionWrapper(search_document(words=["name"], phones=["phone"]), output_field=SearchVectorField())
    return Courier.objects.alias(document=document).filter(document=query)
