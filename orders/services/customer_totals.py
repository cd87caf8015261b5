"""The number, the sum and the latest of each customer's orders, stored with the customer.

The list of customers sorts by these columns with an index, even with 100,000 customers. Each order would otherwise have
to be read. The worker renews the columns, and not the change of an order: the site's placeholder for customers without
an account has 100,000 orders, and all changes of its orders would wait for one row.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Max, Q, Sum
from django.utils import timezone

from orders.models import Customer, Order, Stage
from orders.rules.payment import sum_is_counted

LOOKED_BACK = timedelta(minutes=3)
"""The time within which an order counts as changed. The job runs each minute, and a transaction may take a while."""
BATCH = 1000
COLUMNS = ("orders_count", "orders_total", "last_order_at")


def renew_changed_totals() -> int:
    """Renew the columns of customers whose orders have just changed. Return the number of changed customers."""
    changed = Order.objects.filter(updated_at__gte=timezone.now() - LOOKED_BACK).exclude(customer=None)
    keys = list(changed.order_by().values_list("customer", flat=True).distinct())
    return sum(_renew(keys[start : start + BATCH]) for start in range(0, len(keys), BATCH))


def renew_all_totals() -> int:
    """Renew the columns of all customers. Return the number of changed customers.

    The worker does so each day, because it may have stood still, and because an order may have got another customer.
    """
    return sum(_renew(keys) for keys in _batches())


def _batches() -> Iterator[Sequence[UUID]]:
    last: UUID | None = None
    while True:
        later = Customer.objects.order_by("pk") if last is None else Customer.objects.filter(pk__gt=last).order_by("pk")
        keys = list(later.values_list("pk", flat=True)[:BATCH])
        if not keys:
            return
        yield keys
        last = keys[-1]


@transaction.atomic
def _renew(keys: Sequence[UUID]) -> int:
    """Renew the columns of these customers. A cancelled order is neither counted nor added."""
    is_kept = Q(is_cancelled=False) & ~Q(status__stage=Stage.CANCELLED)
    found = {
        row["customer"]: (row["count"], row["total"], row["last"])
        for row in Order.objects.filter(customer__in=keys)
        .order_by()
        .values("customer")
        .annotate(
            count=Count("pk", filter=is_kept),
            total=Sum("total_amount", filter=is_kept & sum_is_counted(), default=Decimal(0)),
            last=Max("created_at"),
        )
    }
    # The rows are locked in the order of their keys, as everywhere.
    stored = Customer.objects.filter(pk__in=keys).order_by("pk").select_for_update(no_key=True).only("pk", *COLUMNS)
    changed = []
    for customer in stored:
        wanted = found.get(customer.pk, (0, Decimal(0), None))
        if (customer.orders_count, customer.orders_total, customer.last_order_at) != wanted:
            customer.orders_count, customer.orders_total, customer.last_order_at = wanted
            changed.append(customer)
    Customer.objects.bulk_update(changed, COLUMNS)
    return len(changed)
