"""The printing of documents, for one order from its page or for many orders from the list.

The PDF opens in a new tab. Printing is a POST request, because each printed postcard is recorded. The preview of a
postcard is a GET request, and the preview has a watermark.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.admin_site.features import POST, READ, BulkAction, Feature
from cvety_crm.users import staff_user
from orders import services
from orders.admin.permissions import may_change_status, may_see
from orders.models import Order
from orders.paper.orders_to_print import MOST_AT_ONCE, long_day, orders_to_print
from orders.paper.postcard import has_postcard, postcards
from orders.paper.route_sheet import route_of, route_sheets, sum_to_collect
from orders.paper.work_order import work_orders
from orders.presentation.delivery import reason_to_leave_out
from orders.services import AlreadyPrintedError, Print
from orders.values.paper_formats import FORMATS, Paper, PaperFormat, find_format


def may_print_postcards(request: HttpRequest) -> bool:
    """Return whether the user may print postcards; other users may only preview them."""
    return may_change_status(request)


class Printing(Feature[Order]):
    """The URLs of the documents, the bulk action, and the menu on the order's page."""

    def urls(self) -> list[URLPattern]:
        """Return the URLs of the documents."""
        postcard = "<uuid:key>/postcard/"
        return [
            self.view("print/", self.print_paper, name="print", methods=POST, permission=may_see),
            self.view(postcard, self.preview_postcard, name="postcard", methods=READ, permission=may_see),
        ]

    def bulk_actions(self) -> list[BulkAction[Order]]:
        """Return the action that shows which documents can be printed."""
        return [BulkAction(self.print_selected, _("Print…"), may_see)]

    def page_context(self, request: HttpRequest, row: Order, context: Mapping[str, Any]) -> dict[str, Any]:
        """Return the context of the order's printing menu, as `printing`."""
        return {"printing": _menu(row, may_print_cards=may_print_postcards(request))}

    def print_selected(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponse | None:
        """Show which documents can be printed for the selected orders."""
        keys = list(queryset.order_by().values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
        if len(keys) > MOST_AT_ONCE:
            messages.error(request, _too_many())
            return None
        orders = orders_to_print(self.model_admin.get_queryset(request), keys)
        cards = [order for order in orders if has_postcard(order)]
        left_out = [(order, reason) for order in orders if (reason := reason_to_leave_out(order))]
        return self._page(
            request,
            "orders/print.html",
            gettext("Print"),
            orders=orders,
            work_orders=_buttons(Paper.WORK_ORDER),
            route_sheets=_buttons(Paper.ROUTE_SHEET),
            postcards=_buttons(Paper.POSTCARD) if may_print_postcards(request) else [],
            sheets=[
                {"sheet": sheet, "day": long_day(sheet.day), "collect": sum_to_collect(sheet, request.user)}
                for sheet in route_of(orders)
            ],
            left_out=left_out,
            with_card=cards,
            without_card=[order for order in orders if not has_postcard(order)],
        )

    def print_paper(self, request: HttpRequest) -> HttpResponse:
        """Return the requested document for the posted orders as a PDF.

        If nothing can be printed, return a page with the reason. If a postcard has been printed since the page was
        loaded, return a page that asks for confirmation. Raise `PermissionDenied` if the user may not print postcards.
        """
        paper, size = _wanted(request.POST.get("paper", ""))
        seen = _keys(request.POST.getlist("order"))
        if len(seen) > MOST_AT_ONCE:
            return self._nothing(request, _too_many())
        orders = orders_to_print(self.model_admin.get_queryset(request), seen)
        if paper == Paper.POSTCARD:
            if not may_print_postcards(request):
                raise PermissionDenied
            return self._print_postcards(request, orders, size, seen)
        if paper == Paper.ROUTE_SHEET:
            sheets = route_of(orders)
            if not sheets:
                return self._nothing(request, gettext("None of these orders is to be delivered by a courier."))
            stops = [order for sheet in sheets for order in sheet.stops]
            return _pdf(route_sheets(sheets, size, request.user), paper, stops)
        if not orders:
            return self._nothing(request, gettext("There are no such orders."))
        return _pdf(work_orders(orders, size), paper, orders)

    def preview_postcard(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Return the order's postcard with a watermark. This is not recorded as a print.

        Raise `Http404` if the order has no postcard.
        """
        size = find_format(Paper.POSTCARD, request.GET.get("size", "")) or FORMATS[Paper.POSTCARD][0]
        orders = orders_to_print(self.model_admin.get_queryset(request), [key])
        if not any(map(has_postcard, orders)):
            raise Http404
        return _pdf(postcards(orders, size, is_preview=True), Paper.POSTCARD, orders)

    def _print_postcards(
        self, request: HttpRequest, orders: Sequence[Order], size: PaperFormat, seen: Mapping[UUID, int]
    ) -> HttpResponse:
        cards = [order for order in orders if has_postcard(order)]
        if not cards:
            return self._nothing(request, gettext("There is no text for a postcard."))
        keys = [order.pk for order in cards]
        prints = services.postcard_prints(keys)
        if any(len(prints.get(key, ())) > seen.get(key, 0) for key in keys):
            return self._again(request, cards, size, prints)
        content = postcards(cards, size)
        try:
            services.record_postcards_printed(
                order_ids=keys,
                paper_format=size.name,
                seen=seen,
                actor=staff_user(request),
            )
        except AlreadyPrintedError:
            # A colleague has printed the same postcards while this PDF was being created.
            return self._again(request, cards, size, services.postcard_prints(keys))
        return _pdf(content, Paper.POSTCARD, cards)

    def _again(
        self,
        request: HttpRequest,
        cards: Sequence[Order],
        size: PaperFormat,
        prints: Mapping[UUID, Sequence[Print]],
    ) -> HttpResponse:
        return self._page(
            request,
            "orders/print_again.html",
            gettext("Printed before"),
            size=size,
            paper=_value(Paper.POSTCARD, size),
            printed=[(order, print_text(prints[order.pk][0])) for order in cards if order.pk in prints],
            fresh=[order for order in cards if order.pk not in prints],
            keys=[f"{order.pk}:{len(prints.get(order.pk, ()))}" for order in cards],
        )

    def _nothing(self, request: HttpRequest, why: str) -> HttpResponse:
        return self._page(request, "orders/nothing_to_print.html", gettext("Nothing to print"), why=why)

    def _page(self, request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
        return self.render(request, template, title, context)


def print_text(printed: Print) -> str:
    """Return the time and the user of a print as text: `printed before, on 25.08 at 14:02, Daniyar`."""
    at = timezone.localtime(printed.printed_at)
    words = gettext("printed before, on %(day)s at %(time)s") % {"day": f"{at:%d.%m}", "time": f"{at:%H:%M}"}
    return ", ".join(part for part in (words, printed.who) if part)


def _menu(order: Order, *, may_print_cards: bool) -> dict[str, Any]:
    papers = [{"label": Paper.WORK_ORDER.label, "buttons": _buttons(Paper.WORK_ORDER)}]
    if not reason_to_leave_out(order):
        papers.append({"label": Paper.ROUTE_SHEET.label, "buttons": _buttons(Paper.ROUTE_SHEET)})
    prints = services.postcard_prints([order.pk]).get(order.pk, [])
    return {
        "key": f"{order.pk}:{len(prints)}",
        "papers": papers,
        "postcards": _buttons(Paper.POSTCARD) if has_postcard(order) else [],
        "may_print_cards": may_print_cards,
        "printed": print_text(prints[0]) if prints else "",
    }


def _buttons(paper: Paper) -> list[dict[str, Any]]:
    return [{"value": _value(paper, size), "label": size.label, "size": size.name} for size in FORMATS[paper]]


def _value(paper: Paper, size: PaperFormat) -> str:
    return f"{paper}:{size.name}"


def _wanted(value: str) -> tuple[Paper, PaperFormat]:
    name, _colon, size_name = value.partition(":")
    if name not in Paper.values:
        raise Http404
    paper = Paper(name)
    size = find_format(paper, size_name)
    if size is None:
        raise Http404
    return paper, size


def _keys(values: Sequence[str]) -> dict[UUID, int]:
    """Return the primary keys of the orders, each with the number of prints of the postcard that the page showed.

    Raise `Http404` for a malformed value.
    """
    keys = {}
    for value in values:
        key, _colon, count = value.partition(":")
        try:
            keys[UUID(key)] = int(count or 0)
        except ValueError:
            raise Http404 from None
    return keys


def _too_many() -> str:
    return gettext("At most %(count)s orders can be printed at once.") % {"count": MOST_AT_ONCE}


def _pdf(content: bytes, paper: Paper, orders: Sequence[Order]) -> HttpResponse:
    which = orders[0].order_number if len(orders) == 1 else f"({len(orders)})"
    return HttpResponse(
        content,
        content_type="application/pdf",
        headers={
            "Content-Disposition": content_disposition_header(False, f"{paper.label} {which}.pdf"),
            # The PDF contains names, phones and addresses, so a shared computer must not store it.
            "Cache-Control": "no-store, private",
        },
    )
