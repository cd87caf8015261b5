"""The sanity checks of orders: sums, payments, customers and the making that contradict each other."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, Round
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.ops.sanity import SanityCheck, by_hand
from orders.models import (
    BulkResult,
    BulkRun,
    Customer,
    Order,
    OrderItem,
    OrderPhoto,
    ReportSchedule,
    Source,
)

_ZERO = Decimal(0)
LATE = timedelta(days=1)


def order_checks() -> Sequence[SanityCheck]:
    """Return the checks of orders and of the rows that belong to them."""
    return [*_money_checks(), *_work_checks(), *_other_checks()]


def _money_checks() -> list[SanityCheck]:
    return [
        SanityCheck(
            "orders.payments",
            _("Orders whose payments are not the paid amount"),
            _("Open the order, block “Payment”, and record the payment that is missing, or correct a wrong one."),
            _payments,
            "order_number",
        ),
        SanityCheck(
            "items.total",
            _("Items whose total is not the quantity times the price"),
            _("Open the order, enter the price or the quantity of the item again, and save."),
            _item_totals,
            "order__order_number",
        ),
        SanityCheck(
            "orders.total",
            _("Orders made here whose sum is not that of the items and the delivery"),
            _("Open the order, enter the price of an item again, and save: the sum is computed from the items."),
            _order_totals,
            "order_number",
        ),
    ]


def _work_checks() -> list[SanityCheck]:
    withdraw = gettext("Open the order and withdraw the photo that has no picture.")
    files = by_hand("order_photos", "image='', thumbnail=''", "withdrawn_at IS NOT NULL")
    return [
        SanityCheck(
            "orders.route",
            _("Orders with a place in a route, or with a notified courier, but without a courier"),
            _("Assign a courier to the order, and remove the courier again if there is none."),
            _without_courier,
            "order_number",
        ),
        SanityCheck(
            "orders.making",
            _("Orders whose bouquet has somebody who took it or made it, but no time of it"),
            f"{by_hand('orders', 'taken_by_id=NULL', 'taken_at IS NULL')}"
            f" {by_hand('orders', 'ready_by_id=NULL', 'ready_at IS NULL')}",
            _making,
            "order_number",
        ),
        SanityCheck(
            "photos.files",
            _("Photos without a picture that are not withdrawn, or withdrawn photos that still have one"),
            f"{withdraw} {files}",
            _photos,
            "order__order_number",
        ),
    ]


def _other_checks() -> list[SanityCheck]:
    return [
        SanityCheck(
            "customers.merged",
            _("Customers that were merged, but still have orders"),
            _("Open the customer, part it, and merge it again."),
            _merged_with_orders,
        ),
        SanityCheck(
            "customers.chain",
            _("Customers that were merged into a customer that was merged itself"),
            _("Open the customer, part it, and merge it into the one that has the orders."),
            _merge_chains,
        ),
        SanityCheck(
            "bulk_results.waiting",
            _("Orders that a bulk action should have changed before it ended"),
            _("Do the action again for these orders."),
            _waiting_results,
            "order__order_number",
        ),
        SanityCheck(
            "report_schedules.due",
            _("Scheduled reports that are switched on, but never due, or late for more than a day"),
            _("Open the scheduled report and save it: the next sending is computed. Is the worker running?"),
            _late_schedules,
            "name",
        ),
    ]


def _payments() -> QuerySet[Order]:
    # One pass over the payments is faster than a subquery for each order.
    return (
        Order.objects.exclude(unknown_values__has_key="paid_amount")
        .annotate(payments_sum=Coalesce(Sum("payments__amount"), _ZERO))
        .exclude(payments_sum=F("paid_amount"))
    )


def _item_totals() -> QuerySet[OrderItem]:
    known = OrderItem.objects.exclude(unknown_values__has_any_keys=["price", "quantity"])
    return known.exclude(total=Round(F("quantity") * F("price"), precision=2))


def _order_totals() -> QuerySet[Order]:
    """Return the orders of staff that the site has not computed. Of others, the sum of the site is kept."""
    unknown_items = OrderItem.objects.filter(order=OuterRef("pk")).exclude(unknown_values={})
    goods = OrderItem.objects.filter(order=OuterRef("pk")).order_by().values("order").annotate(sum=Sum("total"))
    return (
        Order.objects.filter(source=Source.ADMIN, bitrix_order_id=None)
        .exclude(unknown_values__has_any_keys=["total_amount", "delivery_fee"])
        .exclude(Exists(unknown_items))
        .annotate(goods=Subquery(goods.values("sum")))
        .filter(goods__isnull=False)
        .exclude(total_amount=F("goods") + F("delivery_fee"))
    )


def _without_courier() -> QuerySet[Order]:
    return Order.objects.filter(courier=None).exclude(route_position=None, courier_notified_at=None)


def _making() -> QuerySet[Order]:
    is_taken, is_ready = Q(taken_at=None) & ~Q(taken_by=None), Q(ready_at=None) & ~Q(ready_by=None)
    return Order.objects.filter(is_taken | is_ready)


def _photos() -> QuerySet[OrderPhoto]:
    return OrderPhoto.objects.filter(Q(withdrawn_at=None, image="") | (~Q(withdrawn_at=None) & ~Q(image="")))


def _merged_with_orders() -> QuerySet[Customer]:
    return Customer.objects.exclude(merged_into=None).filter(Exists(Order.objects.filter(customer=OuterRef("pk"))))


def _merge_chains() -> QuerySet[Customer]:
    return Customer.objects.filter(merged_into__merged_into__isnull=False)


def _waiting_results() -> QuerySet[BulkResult]:
    return BulkResult.objects.filter(run__state=BulkRun.State.DONE, outcome=BulkResult.Outcome.WAITING)


def _late_schedules() -> QuerySet[ReportSchedule]:
    is_late = Q(next_run_at=None) | Q(next_run_at__lt=timezone.now() - LATE)
    return ReportSchedule.objects.filter(is_late, is_active=True)
