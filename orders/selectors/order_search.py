"""The orders that a search finds: by their own columns, by their customers, and by the details of their items."""

from django.contrib.postgres.search import SearchQuery
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from orders.models import Customer, Order, OrderItem
from orders.selectors.search import ids_if_few

MOST_CUSTOMERS = 200
"""The largest number of customers whose orders a search includes. A search for one person finds fewer customers."""
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
    items = OrderItem.objects.filter(search=query)
    with_items = ids_if_few(items, FEW_FOUND, key="order_id")
    if with_items is None:
        return orders.filter(found | Q(pk__in=items.order_by().values("order_id")))
    if with_items:
        found |= Q(pk__in=with_items)
    # A few orders are selected by primary key. Many orders are found quickly if the newest are scanned first.
    few = ids_if_few(Order.objects.filter(found), FEW_FOUND)
    return orders.filter(found) if few is None else orders.filter(pk__in=few)
