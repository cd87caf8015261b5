"""The page on which staff say that an order belongs to another person."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext

from cvety_crm.admin_site.features import POST, READ, Feature
from cvety_crm.users import staff_user
from orders import services
from orders.admin.lookup import order_or_404
from orders.admin.people import person, similar_rows
from orders.admin.permissions import may_change_customer
from orders.admin.redirects import redirect_back
from orders.models import Order
from orders.presentation.contacts import contact_of
from orders.presentation.phones import phone_text
from orders.rules.visibility import may_see_phones, shown_text
from orders.selectors.suggestions import LONGEST_QUERY, suggested_customers
from orders.services import NotAllowedError


class OtherCustomer(Feature[Order]):
    """The page with a search for another customer and the form of a new one."""

    def urls(self) -> list[URLPattern]:
        """Return the URLs of the page and of its forms."""
        may = may_change_customer
        return [
            self.view("<uuid:key>/customer/", self.page, name="other_customer", methods=READ, permission=may),
            self.view("<uuid:key>/customer/set/", self.set_customer, name="set_customer", methods=POST, permission=may),
        ]

    def page(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Show the contacts that were given with the order, the similar customers and those that the search finds."""
        order = order_or_404(key)
        query = request.GET.get("q", "")[:LONGEST_QUERY].strip()
        return self.render(
            request, "orders/other_customer.html", gettext("It is another person"), self._context(request, order, query)
        )

    def set_customer(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Give the order to the `customer`, or to a new one with this `name` and `phone`."""
        order = order_or_404(key)
        posted = request.POST
        try:
            chosen = UUID(posted["customer"]) if posted.get("customer") else None
            given = services.change_customer(
                order_id=order.pk,
                customer_id=chosen,
                name=posted.get("name", ""),
                phone=posted.get("phone", ""),
                actor=staff_user(request),
            )
        except ValueError:
            messages.error(request, gettext("The page is out of date. Open it again."))
        except NotAllowedError as refusal:
            messages.error(request, str(refusal))
        else:
            who = person(request, given.customer)["name"] if given.customer else "—"
            messages.success(request, gettext("The order now belongs to “%(customer)s”.") % {"customer": who})
            return redirect_back(request, reverse("admin:orders_order_change", args=[key]))
        query = urlencode({"q": posted.get("q", "")[:LONGEST_QUERY]})
        return redirect_back(request, f"{reverse('admin:orders_order_other_customer', args=[key])}?{query}")

    def _context(self, request: HttpRequest, order: Order, query: str) -> dict[str, Any]:
        user, customer, given = request.user, order.customer, contact_of(order)
        skipped = {str(order.customer_id)}
        return {
            "order": order,
            "order_url": reverse("admin:orders_order_change", args=[order.pk]),
            "set_url": reverse("admin:orders_order_set_customer", args=[order.pk]),
            "present": person(request, customer) if customer else None,
            "given_name": shown_text(user, given.name),
            "given_phone": phone_text(user, given.phone),
            # A masked phone must not be stored.
            "new_phone": phone_text(user, given.phone) if may_see_phones(user) else "",
            "similar": similar_rows(request, customer, order),
            "query": query,
            "found": [one for one in suggested_customers(user, query) if one["id"] not in skipped],
            "longest_name": services.LONGEST_NAME,
        }
