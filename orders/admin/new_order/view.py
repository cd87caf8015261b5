"""The page on which staff create an order: after a phone call, from Instagram, or for a customer in the shop.

It is a plain form. A script adds suggestions and a live sum. It also stores the entered values in the browser until the
order is created. The server calculates the sums that are stored. The page contains the primary key of the new order, so
a form that is posted twice creates one order.
"""

from collections.abc import Callable, Iterable
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.translation import gettext

from cvety_crm.admin_site.features import READ, Feature
from cvety_crm.users import User, staff_user
from orders import services
from orders.admin.doubts import questions_context
from orders.admin.new_order.forms import NewOrderForm
from orders.admin.new_order.lines import PREFIX, BaseLineFormSet, LineFormSet
from orders.admin.permissions import may_add, may_see
from orders.models import Channel, Customer, Order, Source
from orders.presentation.formatting import plain_text
from orders.presentation.phones import form_text
from orders.rules.doubts import doubt_of_sum
from orders.rules.visibility import may_see_phones, may_see_prices, shown_text
from orders.selectors.repeat_order import Draft, draft_from
from orders.selectors.suggestions import described_customer, suggested_customers, suggested_products
from orders.values.phones import normalize_phone

DONE = "new_orders_done"
"""The session key with the ids of the latest created orders. The page's script deletes the entered values of such an
order from the browser."""
REMEMBERED = 20
NO_PRODUCT = UUID(int=0)
"""A key of no product. The page's script replaces it in the URL of a picture."""
PRIVATE = {"Cache-Control": "no-store, private"}
"""The headers of responses that contain names and phones. A shared computer must not store such a response."""


class NewOrder(Feature[Order]):
    """The page, and the URLs of its suggestions."""

    def urls(self) -> list[URLPattern]:
        """Return the URLs of the suggestions; the page itself has Django's own URL."""
        return [
            self.view(f"add/{route}", _as_json(view), name=f"add_{name}", methods=READ, permission=may_add)
            for route, view, name in (
                ("customers/", _customers, "customers"),
                ("customers/<uuid:key>/", _customer, "customer"),
                ("products/", _products, "products"),
            )
        ]

    def page(self, request: HttpRequest) -> HttpResponse:
        """Show the page, or create the posted order. Raise `PermissionDenied` for users who may not add orders."""
        if not may_add(request):
            raise PermissionDenied
        if request.method == "POST":
            return self._create_new_order(request)
        return self._empty_new_order(request)

    # --- showing

    def _empty_new_order(self, request: HttpRequest) -> HttpResponse:
        user = staff_user(request)
        form = NewOrderForm(user=user)
        initial = form.defaults(form.slots, user)
        lines: list[dict[str, Any]] = []
        remarks: list[str] = []
        customer = None
        if source := self._order_to_repeat(request):
            shows_prices = may_see_prices(user, source.delivery_date)
            draft = draft_from(source, with_prices=shows_prices, with_phones=may_see_phones(user))
            initial |= _initial_fields(user, source, draft)
            lines, remarks, customer = _initial_lines(draft), draft.remarks, source.customer
        elif phone := request.GET.get("phone", "")[:100].strip():
            number = normalize_phone(phone)
            initial["phone"] = form_text(user, number.value) if number.is_valid else phone
            if number.is_valid:
                customer = Customer.objects.filter(phone=number.value).order_by("created_at").first()
        if customer is not None:
            initial |= {
                "customer": customer.pk,
                "phone": form_text(user, customer.phone),
                "name": customer.name,
            }
        form.initial = initial
        return self._new_order_page(request, form, LineFormSet(initial=lines, prefix=PREFIX), customer, remarks)

    def _order_to_repeat(self, request: HttpRequest) -> Order | None:
        wanted = request.GET.get("from", "")
        if not wanted:
            return None
        try:
            key = UUID(wanted)
        except ValueError:
            key = None
        order = self.model_admin.get_queryset(request).filter(pk=key).first() if key else None
        if order is None or not may_see(request):
            messages.warning(request, gettext("The order to repeat was not found. This one starts empty."))
            return None
        return order

    def _new_order_page(
        self,
        request: HttpRequest,
        form: NewOrderForm,
        lines: Any,
        customer: Customer | None = None,
        remarks: Iterable[str] = (),
    ) -> HttpResponse:
        is_refused = form.is_bound
        context = {
            "form": form,
            "lines": lines,
            "remarks": list(remarks),
            "is_refused": is_refused and not _only_asks(form, lines),
            **(questions_context(request, [form, *lines.forms], form_id="new-order-form") if is_refused else {}),
            # The values that the browser stores must not overwrite a page that was opened for a customer or to repeat
            # an order.
            "begins_empty": not is_refused and not request.GET,
            "customer": described_customer(request.user, customer) if customer else None,
            "no_product": NO_PRODUCT,
            "done": request.session.get(DONE, []),
            "now": timezone.localtime().strftime("%Y-%m-%dT%H:%M:%S"),
        }
        return self.render(request, "orders/new_order.html", gettext("New order"), context, headers=PRIVATE)

    # --- creating

    def _create_new_order(self, request: HttpRequest) -> HttpResponse:
        form = NewOrderForm(request.POST, user=staff_user(request))
        key = form.key_of_order
        if key is not None and (made := Order.objects.filter(pk=key).first()):
            messages.info(request, gettext("%(order)s was made already.") % {"order": made})
            return self._redirect_after_new_order(request, made)
        lines = cast(BaseLineFormSet, LineFormSet(request.POST, prefix=PREFIX))
        are_lines_valid = lines.is_valid()
        is_valid = form.is_valid() and are_lines_valid
        if is_valid:
            form.ask(doubt_of_sum(form.total_of(lines.new_items())))
        if is_valid and not form.questions:
            try:
                order = services.create_order(
                    items=lines.new_items(),
                    fields=form.fields_for_service(),
                    customer=form.known,
                    caller=form.caller(),
                    channel=Channel(form.cleaned_data["channel"]),
                    order_id=form.cleaned_data["key"],
                    actor=staff_user(request),
                    source=Source.ADMIN,
                )
            except services.NotAllowedError as refusal:
                form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
            else:
                messages.success(
                    request, gettext("%(order)s is made; the site will get it by itself.") % {"order": order}
                )
                return self._redirect_after_new_order(request, order)
        return self._new_order_page(request, form, lines, form.known)

    def _redirect_after_new_order(self, request: HttpRequest, order: Order) -> HttpResponse:
        done = [key for key in request.session.get(DONE, []) if key != str(order.pk)]
        request.session[DONE] = [str(order.pk), *done][:REMEMBERED]
        if may_see(request):
            return HttpResponseRedirect(reverse("admin:orders_order_change", args=[order.pk]))
        return HttpResponseRedirect(reverse("admin:index"))


def _only_asks(form: NewOrderForm, lines: Any) -> bool:
    """Return whether the form is shown again only because of questions about doubtful values."""
    forms = [form, *lines.forms]
    errors = sum(len(found) for one in forms for found in one.errors.values()) + len(lines.non_form_errors())
    return errors == sum(len(one.questions) for one in forms)


def _as_json(view: Callable[..., list[Any] | dict[str, Any]]) -> Callable[..., HttpResponse]:
    def respond(request: HttpRequest, **arguments: Any) -> HttpResponse:
        return JsonResponse({"found": view(request, **arguments)}, headers=PRIVATE)

    return respond


def _customers(request: HttpRequest) -> list[Any]:
    return suggested_customers(request.user, request.GET.get("q", ""))


def _customer(request: HttpRequest, key: UUID) -> dict[str, Any]:
    customer = Customer.objects.filter(pk=key).only("name", "phone").first()
    if customer is None:
        raise Http404
    return described_customer(request.user, customer)


def _products(request: HttpRequest) -> list[Any]:
    return suggested_products(request.GET.get("q", ""))


def _initial_fields(user: User, source: Order, draft: Draft) -> dict[str, Any]:
    fields = {name: value for name, value in draft.fields.items() if name != "customer" and value is not None}
    fields |= {name: shown_text(user, text) for name, text in fields.items() if isinstance(text, str)}
    fields["recipient_phone"] = form_text(user, source.recipient_phone)
    fields["recipient_from"] = source.pk
    fields["delivery_date"] = None
    if fee := fields.pop("delivery_fee", None):
        fields["delivery_fee"] = plain_text(fee)
    return fields


def _initial_lines(draft: Draft) -> list[dict[str, Any]]:
    return [
        {
            "product": line.product.pk if line.product else None,
            "name": line.name,
            "quantity": "" if line.quantity is None else plain_text(line.quantity),
            "price": "" if line.price is None else plain_text(line.price),
            "list_price": plain_text(line.price) if line.product and line.price is not None else "",
        }
        for line in draft.lines
    ]
