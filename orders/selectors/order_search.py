"""The orders that a search finds: by their own columns, by their customers, by the names of their couriers, and by
the names and details of their items.
"""

from uuid import UUID

from django.contrib.postgres.aggregates import BoolOr
from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db.models import ExpressionWrapper, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from orders.models import Courier, Customer, Order, OrderItem
from orders.selectors.search import has_more_than, ids_if_few
from orders.values.search_document import search_document

MOST_CUSTOMERS = 200
"""The largest number of customers whose orders a search includes. A search for one person finds fewer customers."""
COMMON = 20_000
"""The number of found items above which a word is so common that the newest orders with it are found at once."""
FEW_FOUND = 500
"""The largest number of found rows that the query selects by key. A page shows a tenth of this number."""


def found_orders(orders: QuerySet[Order], query: SearchQuery, *, by_customer: bool = True) -> QuerySet[Order]:
    """Return those of the orders that the query finds. The search uses indexes."""
    found = Q(search=query)
    if by_customer:
        customers = (
            Customer.objects.filter(search=query).order_by().values_list(Coalesce("merged_into", "pk"), flat=True)
        )
        if keys := list(customers[:MOST_CUSTOMERS]):
            found |= Q(customer_id__in=keys)
    if keys := list(_couriers(query)):
        found |= Q(courier_id__in=keys)
    items = OrderItem.objects.filter(search=query)
    with_items = ids_if_few(items, FEW_FOUND, key="order_id")
    if with_items is None:
        return orders.filter(found | _with_items(items, query))
    if with_items:
        found |= Q(pk__in=with_items)
    # A few orders are selected by primary key. Many orders are found quickly if the newest are scanned first.
    few = ids_if_few(Order.objects.filter(found), FEW_FOUND)
    return orders.filter(found) if few is None else orders.filter(pk__in=few)


def _with_items(items: QuerySet[OrderItem], query: SearchQuery) -> Q:
    """Return the condition of the orders with these items, which are too many to be selected by key.

    PostgreSQL would read all items that contain a common word, such as "bouquet", to find the newest 50 orders. Then it
    must look at the items of each order instead.
    """
    if not has_more_than(items, COMMON):
        return Q(pk__in=items.order_by().values("order_id"))
    # An aggregate can't be computed for all orders at once.
    of_order = OrderItem.objects.filter(order=OuterRef("pk")).order_by().values("order")
    return Q(Subquery(of_order.annotate(is_found=BoolOr(Q(search=query))).values("is_found")))


def _couriers(query: SearchQuery) -> QuerySet[Courier, UUID]:
    """Return the primary keys of the couriers with this name or phone. There are too few couriers for an index."""
    document = ExpressionWrapper(search_document(words=["name"], phones=["phone"]), output_field=SearchVectorField())
    return Courier.objects.alias(document=document).filter(document=query).order_by().values_list("pk", flat=True)
