"""The payments on an order's page: what was paid, and the forms that record a payment, a refund or a correction."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.translation import gettext

from cvety_crm.admin_site.features import POST, Feature
from cvety_crm.formatting import short_moment
from cvety_crm.users import display_name, staff_user
from orders import services
from orders.admin.lookup import order_or_404, uuid_or_none
from orders.admin.money.sums import read_sum, sum_to_type
from orders.admin.redirects import redirect_back
from orders.models import Order, Payment, PaymentMethod
from orders.presentation.formatting import money
from orders.rules.payment import payment_of
from orders.rules.visibility import may_see_orders, shown_text
from orders.services import NotAllowedError

ANCHOR = "#payments"


def may_add(request: HttpRequest) -> bool:
    """Return whether the user may record payments."""
    return may_see_orders(request.user) and request.user.has_perm("orders.add_payment")


def may_refund(request: HttpRequest) -> bool:
    """Return whether the user may record refunds and correct payments."""
    return may_see_orders(request.user) and request.user.has_perm("orders.refund_payment")


class Payments(Feature[Order]):
    """The section with the payments of an order, and the actions of its forms."""

    def urls(self) -> list[URLPattern]:
        """Return the URLs to which the forms are posted."""
        return [
            self.view("<uuid:key>/payments/add/", self.add, name="add_payment", methods=POST, permission=may_add),
            self.view("<uuid:key>/payments/refund/", self.refund, name="refund", methods=POST, permission=may_refund),
            self.view(
                "<uuid:key>/payments/<uuid:payment>/correct/",
                self.correct,
                name="correct_payment",
                methods=POST,
                permission=may_refund,
            ),
        ]

    def page_context(self, request: HttpRequest, row: Order, context: Mapping[str, Any]) -> dict[str, Any]:
        """Return the payments as `payments`, or nothing for a user who may not see the sums of all orders.

        A dispatcher, who sees only the sums of today, records cash on the page of the couriers' cash.
        """
        if not (request.user.has_perm("orders.view_payment") and request.user.has_perm("orders.view_all_prices")):
            return {}
        rows = list(row.payments.select_related("taken_by", "courier").order_by("-paid_at", "-created_at"))
        corrected = {one.corrects_id for one in rows}
        due = payment_of(row).due
        may = may_refund(request)
        return {
            "payments": {
                "rows": [_row(one, request, row.currency, may=may, is_corrected=one.pk in corrected) for one in rows],
                "total": money(row.paid_amount, row.currency),
                "add_url": reverse("admin:orders_order_add_payment", args=[row.pk]) if may_add(request) else "",
                "refund_url": reverse("admin:orders_order_refund", args=[row.pk])
                if may and row.paid_amount > 0
                else "",
                "methods": PaymentMethod.choices,
                "method": row.payment_method,
                "due": sum_to_type(due) if due else "",
                "paid": sum_to_type(row.paid_amount),
                "key": uuid4(),
                "longest": services.LONGEST_REASON,
            }
        }

    def add(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Record a payment. The key in the form makes a second tap harmless."""

        def record(order: Order, amount: Decimal) -> str:
            payment = services.add_payment(
                order_id=order.pk,
                amount=amount,
                method=request.POST.get("method", ""),
                reason=request.POST.get("reason", ""),
                payment_id=uuid_or_none(request.POST.get("key", "")),
                actor=staff_user(request),
            )
            return gettext("Recorded: %(sum)s.") % {"sum": money(payment.amount, order.currency)}

        return self._record(request, key, record)

    def refund(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Record a refund."""

        def record(order: Order, amount: Decimal) -> str:
            payment = services.refund(
                order_id=order.pk,
                amount=amount,
                method=request.POST.get("method", ""),
                reason=request.POST.get("reason", ""),
                actor=staff_user(request),
            )
            return gettext("Given back: %(sum)s.") % {"sum": money(-payment.amount, order.currency)}

        return self._record(request, key, record)

    def correct(self, request: HttpRequest, key: UUID, payment: UUID) -> HttpResponse:
        """Correct a payment that was recorded by mistake."""
        order = order_or_404(key)
        if not order.payments.filter(pk=payment).exists():
            raise Http404
        try:
            services.correct_payment(
                payment_id=payment, reason=request.POST.get("reason", ""), actor=staff_user(request)
            )
        except NotAllowedError as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, gettext("The payment is corrected."))
        return self._back(request, key)

    def _record(self, request: HttpRequest, key: UUID, record: Callable[[Order, Decimal], str]) -> HttpResponse:
        order = order_or_404(key)
        amount = read_sum(request.POST.get("amount", ""))
        try:
            if amount is None:
                raise NotAllowedError(gettext("Enter the sum as a number."), field="amount")
            messages.success(request, record(order, amount))
        except NotAllowedError as refusal:
            messages.error(request, str(refusal))
        return self._back(request, key)

    def _back(self, request: HttpRequest, key: UUID) -> HttpResponse:
        return redirect_back(request, reverse("admin:orders_order_change", args=[key]) + ANCHOR, changed=[key])


def _row(payment: Payment, request: HttpRequest, currency: str, *, may: bool, is_corrected: bool) -> dict[str, Any]:
    who = display_name(payment.taken_by) if payment.taken_by else payment.get_source_display()
    is_valid = payment.amount > 0 and not is_corrected
    return {
        "sum": money(payment.amount, currency),
        "method": payment.get_method_display() or gettext("method unknown"),
        "when": short_moment(payment.paid_at),
        "who": who,
        "courier": payment.courier.name if payment.courier else "",
        "is_with_courier": is_valid and payment.courier_id is not None and payment.settled_at is None,
        "reason": shown_text(request.user, payment.reason),
        "correct_url": reverse("admin:orders_order_correct_payment", args=[payment.order_id, payment.pk])
        if may and is_valid
        else "",
    }
