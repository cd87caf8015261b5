"""The redirect to the page on which a button was pressed. The filters in the URL of that page are kept."""

from collections.abc import Collection
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from orders.admin.rows.swaps import is_from, is_from_open_list, messages_swap, swaps_after_action


def redirect_back(request: HttpRequest, fallback: str, *, changed: Collection[UUID] = ()) -> HttpResponse:
    """Redirect to the URL that the form posted as `next` if it is a URL of the CRM, otherwise to `fallback`.

    A request of htmx is not redirected. If an order list sent it and `changed` contains orders, the response contains
    the rows of these orders. If the day board sent it, the response contains the messages, and the board updates
    itself. Otherwise the response makes htmx reload the page.
    """
    if changed and is_from_open_list(request):
        return swaps_after_action(request, changed)
    if request.headers.get("HX-Request"):
        if is_from(request, reverse("day_board")):
            return HttpResponse(messages_swap(request), headers={"HX-Trigger": "crm-order-changed"})
        return HttpResponse(headers={"HX-Refresh": "true"})
    wanted = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return HttpResponseRedirect(wanted if is_ours else fallback)
