"""The buttons on a customer's page that merge two customers and part them again."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.translation import gettext, ngettext

from cvety_crm.admin_site.features import POST, READ, Feature
from cvety_crm.users import staff_user
from orders import services
from orders.admin.people import people_context, person, similar_rows
from orders.admin.permissions import may_merge
from orders.admin.redirects import redirect_back
from orders.models import Customer
from orders.selectors.suggestions import LONGEST_QUERY, suggested_customers
from orders.services import NotAllowedError


class CustomerMerging(Feature[Customer]):
    """The page that finds the other customer, and the two buttons."""

    def urls(self) -> list[URLPattern]:
        """Return the URLs of the page and of the buttons."""
        return [
            self.view("<uuid:key>/merge/", self.page, name="merge_with", methods=READ, permission=may_merge),
            self.view("<uuid:key>/merge/do/", self.merge, name="merge", methods=POST, permission=may_merge),
            self.view("<uuid:key>/part/", self.part, name="part", methods=POST, permission=may_merge),
        ]

    def page_context(self, request: HttpRequest, row: Customer, context: Mapping[str, Any]) -> dict[str, Any]:
        """Return the context of `orders/customer_people.html`, as `people`."""
        return {"people": people_context(request, row)}

    def page(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Show the similar customers and those that the search finds, each with a button that merges."""
        customer = _customer_or_404(key)
        query = request.GET.get("q", "")[:LONGEST_QUERY].strip()
        context = {
            "present": person(request, customer),
            "similar": similar_rows(request, customer),
            "query": query,
            "found": [one for one in suggested_customers(request.user, query) if one["id"] != str(key)],
            "merge_url": reverse("admin:orders_customer_merge", args=[key]),
        }
        return self.render(request, "orders/merge_customer.html", gettext("Merge customers"), context)

    def merge(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Merge the customer `other` into the customer of the page."""
        page = reverse("admin:orders_customer_change", args=[key])
        try:
            count = services.merge_customers(
                kept_id=key, merged_id=UUID(request.POST.get("other", "")), actor=staff_user(request)
            )
        except ValueError:
            messages.error(request, gettext("The page is out of date. Open it again."))
        except NotAllowedError as refusal:
            messages.error(request, str(refusal))
        else:
            text = ngettext(
                "The customers are merged: %(count)s order was added. They can be parted again.",
                "The customers are merged: %(count)s orders were added. They can be parted again.",
                count,
            )
            messages.success(request, text % {"count": count})
        return redirect_back(request, page)

    def part(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Undo the merge of the customer `key`."""
        try:
            count = services.part_customer(merged_id=key, actor=staff_user(request))
        except NotAllowedError as refusal:
            messages.error(request, str(refusal))
        else:
            text = ngettext(
                "The customers are parted: %(count)s order has returned.",
                "The customers are parted: %(count)s orders have returned.",
                count,
            )
            messages.success(request, text % {"count": count})
        return redirect_back(request, reverse("admin:orders_customer_change", args=[key]))


def _customer_or_404(key: UUID) -> Customer:
    customer = Customer.objects.people().filter(pk=key).only("name", "phone").first()
    if customer is None:
        raise Http404
    return customer
