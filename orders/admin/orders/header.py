"""The context of an order's page around the form: the header, the customer's orders, the notes and the timeline."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from cvety_crm.admin_site.features import Feature
from cvety_crm.model_fields import field_label
from orders import services
from orders.admin.actions.conflicts import desired_status
from orders.admin.actions.presence import presence_context
from orders.admin.actions.problems import REASONS
from orders.admin.actions.undo import undo_of_order
from orders.admin.badges import SIGNS, delivery_marks, order_marks, stage_class, status_badge, sync_badge
from orders.admin.orders.composition import composition
from orders.admin.orders.concurrent_changes import both_changed
from orders.admin.orders.notes import notes_of
from orders.admin.panels import event_links, panels
from orders.admin.people import similar_rows
from orders.admin.permissions import may_change_customer, may_change_status, may_work
from orders.admin.step_links import step_url
from orders.models import REPORTED_BY_SITE, Customer, EventKind, Order, OrderEvent, Status, SyncState
from orders.presentation.addresses import with_city
from orders.presentation.contacts import given_contact, given_email
from orders.presentation.details import order_details
from orders.presentation.formatting import money, short_moment
from orders.presentation.links import two_gis_url, yandex_maps_url
from orders.presentation.making import making_text
from orders.presentation.payment import amount_text, payment_text, receipt_number, sum_text
from orders.presentation.phones import chat_links, phone_text, shown_phone
from orders.presentation.timeline import timeline
from orders.presentation.unknown import unknown_facts
from orders.presentation.when import when_text
from orders.rules.lateness import lateness, lateness_words
from orders.rules.next_step import step_of
from orders.rules.visibility import HIDDEN, hidden_fields, may_see_phones, may_see_prices
from orders.selectors.customer_orders import MOST_COUNTED, CustomerOrders, customer_orders_of
from orders.timeline_payloads import RefusedBySite

ENTRIES_SHOWN = 100
LATEST_SHOWN = 3
"""The number of timeline entries that are not folded."""
DETAILS_SHOWN = 30


class OrderHeader(Feature[Order]):
    """The context of the templates in `orders/page/`."""

    def page_context(self, request: HttpRequest, row: Order, context: Mapping[str, Any]) -> dict[str, Any]:
        """Return the context, with the concurrent changes and the text of a note that was entered but not added."""
        preserved = self.model_admin.get_preserved_filters(request)
        found = header_context(request, row, may_move=may_change_status(request), preserved=preserved)
        if typed := request.POST.get("note_text", ""):
            found["notes"]["typed"] = typed
        return {**found, "both_changed": both_changed(row, context)}


def header_context(request: HttpRequest, order: Order, *, may_move: bool, preserved: str) -> dict[str, Any]:
    """Return the context for the templates of the order's page.

    `may_move` is True if the user may change the status. `preserved` is the query string with the filters of the list
    from which the page was opened.
    """
    shown_all = request.GET.get("timeline") == "all"
    events = order.events.select_related("actor")
    found = list(events if shown_all else events[: ENTRIES_SHOWN + 1])
    hidden = hidden_fields(request.user, order.delivery_date)
    items = list(order.items.select_related("product").defer("product__metadata", "product__search"))
    entries = timeline(found if shown_all else found[:ENTRIES_SHOWN], items=items, hidden=hidden)
    return {
        "composition": composition(order, items, request.user),
        "sums": _sums(order) if "items" not in hidden else [],
        "head": _head(request, order, found, may_move=may_move, preserved=preserved),
        "latest_entries": entries[:LATEST_SHOWN],
        "earlier_entries": entries[LATEST_SHOWN:],
        "entries_count": f"{ENTRIES_SHOWN}+" if len(found) > len(entries) else len(entries),
        "shows_all_entries": shown_all,
        "all_entries_url": _all_entries_url(request) if not shown_all and len(found) > ENTRIES_SHOWN else "",
        "entry_links": event_links(request),
        "notes": notes_of(order, may_write=may_move, back=request.get_full_path()),
        "customer_orders": _customer_orders(request, customer_orders_of(order)),
        "panels": panels(order, request),
        "details": _details(request, order),
        "similar_customers": similar_rows(request, order.customer, order),
    }


def _sums(order: Order) -> list[tuple[str, str]]:
    """Return the parts of the sum with their labels. Without a discount and a payment these are left out."""
    names = ["delivery_fee", *(name for name in ("discount_amount", "paid_amount") if _is_given(order, name))]
    return [(str(field_label(Order, name)).lower(), amount_text(order, name)) for name in names]


def _is_given(order: Order, name: str) -> bool:
    return bool(getattr(order, name)) or order.is_unknown(name)


def _details(request: HttpRequest, order: Order) -> dict[str, Any]:
    """Return the details of the order. The page shows the first ones, and the others on demand."""
    prices = may_see_prices(request.user, order.delivery_date)
    found = order_details(order, phones=may_see_phones(request.user), prices=prices)
    return {"shown": found[:DETAILS_SHOWN], "others": found[DETAILS_SHOWN:]}


def _all_entries_url(request: HttpRequest) -> str:
    query = request.GET.copy()
    query["timeline"] = "all"
    return f"?{query.urlencode()}#timeline"


def _head(
    request: HttpRequest, order: Order, events: Sequence[OrderEvent], *, may_move: bool, preserved: str
) -> dict[str, Any]:
    opts: dict[str, Any] = {"opts": Order._meta, "preserved_filters": preserved}
    is_priced = may_see_prices(request.user, order.delivery_date)
    customer = order.customer
    return {
        "list_url": add_preserved_filters(opts, reverse("admin:orders_order_changelist")),
        "badge": status_badge(order.status),
        "marks": order_marks(order, has_problem_shown=True),
        "how": delivery_marks(order),
        "when": when_text(order),
        "lateness": lateness(order),
        "lateness_words": lateness_words(order),
        "address": with_city(order, order.delivery_address.strip()),
        "two_gis": "" if order.is_pickup else two_gis_url(order),
        "yandex": "" if order.is_pickup else yandex_maps_url(order),
        "sum": sum_text(order) if is_priced else HIDDEN,
        "receipt": receipt_number(order) if is_priced else "",
        "unknown": unknown_facts(order, request.user),
        "payment": payment_text(order) if is_priced else "",
        "sync": _sync(order, events),
        "may_send_again": may_move and order.sync_state == SyncState.FAILED,
        **_recipient(request, order),
        "customer": _customer_name(customer),
        "customer_phone": shown_phone(request.user, customer.phone, customer.other_phones) if customer else "",
        "customer_chat": chat_links(request.user, customer.phone, customer.other_phones) if customer else "",
        "customer_url": _customer_url(request, customer),
        **_given(request, order),
        "other_customer_url": _other_customer_url(request, order),
        "status_url": reverse("admin:orders_order_change_status_dialog", args=[order.pk]),
        "step": _step(request, order),
        "making": making_text(order),
        "may_move": may_move,
        "undo": undo_of_order(order) if may_work(request) else "",
        "desired_status": desired_status(order) if may_move else None,
        "problem": _problem(order, events) if order.problem else None,
        "reasons": REASONS.items(),
        "longest_reason": services.LONGEST_REASON,
        "repeat_url": _repeat_url(request, order),
        "here": presence_context(order, list(events[:1])),
    }


def _step(request: HttpRequest, order: Order) -> dict[str, Any] | None:
    step = step_of(order, {status.code: status for status in Status.objects.all()}, request.user)
    if step is None:
        return None
    css, sign = stage_class(step.stage), SIGNS.get(step.stage, "")
    return {"kind": step.kind, "label": step.label, "css": css, "sign": sign, "url": step_url(step, order)}


def _sync(order: Order, events: Sequence[OrderEvent]) -> SafeString:
    """Return the sync badge, with the time of the last exchange, or with the reason if the site refused a change."""
    if order.sync_state == SyncState.FAILED:
        reason = _last_refusal(order, events)
        return sync_badge(order, gettext("the site refused: %(reason)s") % {"reason": reason})
    if order.sync_state == SyncState.SYNCED and order.bitrix_order_id is not None and not order.has_left_site:
        since = _on_site_since(order, events)
        if since is not None:
            return sync_badge(
                order, gettext("on the site since %(time)s") % {"time": short_moment(since, with_years=True)}
            )
    return sync_badge(order)


def _on_site_since(order: Order, events: Sequence[OrderEvent]) -> datetime | None:
    """Return the time of the latest timeline entry about a change that was sent to the site or reported by the site."""
    for event in events:
        if event.kind == EventKind.SENT or event.source in REPORTED_BY_SITE:
            return event.happened_at
    if len(events) <= ENTRIES_SHOWN:
        return None
    exchanged = order.events.filter(Q(kind=EventKind.SENT) | Q(source__in=REPORTED_BY_SITE))
    return exchanged.values_list("happened_at", flat=True).first()


def _last_refusal(order: Order, events: Sequence[OrderEvent]) -> str:
    event = next((event for event in events if event.kind == EventKind.REFUSED), None)
    if event is None:
        return gettext("no reason given")
    message = RefusedBySite.from_json(event.details).message
    return message or str(event.get_reason_display()) or gettext("no reason given")


def _problem(order: Order, events: Sequence[OrderEvent]) -> dict[str, str]:
    """Return the problem, with the person who reported it and the time.

    The person is a user, or the customer who answered about the photo.
    """
    event = next((event for event in events if _is_report(event)), None)
    return {"reason": order.problem, "who": event.who_and_when if event else ""}


def _is_report(event: OrderEvent) -> bool:
    if event.kind == EventKind.PHOTO_ANSWERED:
        return any(change["field"] == "problem" and change["new"] for change in event.changes)
    return event.kind == EventKind.PROBLEM


def _recipient(request: HttpRequest, order: Order) -> dict[str, Any]:
    """Return the recipient's phone with a link to a chat.

    If the order is a surprise, the phone is plain text without links, because a tap must not call the recipient.
    """
    phones = (order.recipient_phone, order.recipient_other_phones)
    if order.is_surprise:
        return {"recipient_phone": phone_text(request.user, *phones), "must_not_call": any(phones)}
    return {"recipient_phone": shown_phone(request.user, *phones), "recipient_chat": chat_links(request.user, *phones)}


def _customer_name(customer: Customer | None) -> str:
    if customer is None:
        return ""
    return customer.name or gettext("Customer without a name")


def _given(request: HttpRequest, order: Order) -> dict[str, Any]:
    """Return the contacts that were given with the order, if the customer has others."""
    given, email = given_contact(order), given_email(order)
    if given is None and not email:
        return {}
    return {
        "given": {
            "name": given.name if given else "",
            "phone": shown_phone(request.user, given.phone) if given else "",
            "chat": chat_links(request.user, given.phone) if given else "",
            "email": email,
        }
    }


def _other_customer_url(request: HttpRequest, order: Order) -> str:
    if not may_change_customer(request):
        return ""
    return reverse("admin:orders_order_other_customer", args=[order.pk])


def _customer_url(request: HttpRequest, customer: Customer | None) -> str:
    if customer is None or not request.user.has_perm("orders.view_customer"):
        return ""
    return reverse("admin:orders_customer_change", args=[customer.pk])


def _repeat_url(request: HttpRequest, order: Order) -> str:
    if not request.user.has_perm("orders.add_order"):
        return ""
    return f"{reverse('admin:orders_order_add')}?from={order.pk}"


def _customer_orders(request: HttpRequest, found: CustomerOrders | None) -> dict[str, Any] | None:
    if found is None:
        return None
    user = request.user
    sees_sum = found.total is not None and may_see_prices(user, None)
    return {
        "rows": [
            {
                "order": order,
                "url": reverse("admin:orders_order_change", args=[order.pk]),
                "badge": status_badge(order.status),
                "when": when_text(order),
                "sum": sum_text(order) if may_see_prices(user, order.delivery_date) else HIDDEN,
            }
            for order in found.latest
        ],
        "count": found.count,
        "total": money(found.total) if sees_sum else "",
        "more_than": MOST_COUNTED if found.has_more else 0,
        "is_regular": found.is_regular,
    }
