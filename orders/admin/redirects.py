"""The redirect after a button: back to the page with the button, with its filters."""

from collections.abc import Collection
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme

from orders.admin.rows.swaps import is_from_open_list, swaps_after_action


def redirect_back(request: HttpRequest, fallback: str, *, changed: Collection[UUID] = ()) -> HttpResponse:
    """Return to the address that the button's form has sent as `next`, if it is one of ours.

    A request of htmx is not redirected: an open order list gets the `changed` orders, another page is reloaded.
    """
    if changed and is_from_open_list(request):
        return swaps_after_action(request, changed)
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Refresh": "true"})
    wanted = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return HttpResponseRedirect(wanted if is_ours else fallback)
