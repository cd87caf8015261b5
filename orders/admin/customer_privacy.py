"""The page on which an owner downloads everything that is stored about a customer, or erases it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.serializers.json import DjangoJSONEncoder
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, reverse
from django.utils.translation import gettext, ngettext

from cvety_crm.admin_site.features import POST, READ, Feature
from cvety_crm.formatting import short_moment
from cvety_crm.users import display_name, staff_user
from orders import services
from orders.admin.people import person
from orders.admin.permissions import may_erase
from orders.admin.redirects import redirect_back
from orders.models import Customer, PhoneLook
from orders.selectors.customer_data import data_of_customer, orders_of
from orders.services import NotAllowedError
from orders.services.phone_looks import record_look

_FILE_HEADERS = {"Cache-Control": "no-store, private"}


class CustomerPrivacy(Feature[Customer]):
    """The page, and its two buttons."""

    def urls(self) -> list[URLPattern]:
        """Return the URLs of the page and of its buttons."""
        return [
            self.view("<uuid:key>/data/", self.page, name="data", methods=READ, permission=may_erase),
            self.view("<uuid:key>/data/download/", self.download, name="download", methods=POST, permission=may_erase),
            self.view("<uuid:key>/data/erase/", self.erase, name="erase", methods=POST, permission=may_erase),
        ]

    def page_context(self, request: HttpRequest, row: Customer, context: Mapping[str, Any]) -> dict[str, Any]:
        """Return the context of `orders/customer_privacy_link.html`, as `privacy`."""
        erased = ""
        if row.erased_at is not None:
            who, when = display_name(row.erased_by), short_moment(row.erased_at)
            erased = f"{who}, {when}" if who else when
        return {"privacy": {"erased": erased, "may_erase": may_erase(request) and row.merged_into_id is None}}

    def page(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Show what is stored, with a button that downloads it and a form that erases it."""
        customer = _customer_or_404(key)
        context = {
            "present": person(request, customer),
            "count": orders_of(key).count(),
            "word": gettext("erase"),
            "download_url": reverse("admin:orders_customer_download", args=[key]),
            "erase_url": reverse("admin:orders_customer_erase", args=[key]),
        }
        return self.render(request, "orders/customer_privacy.html", gettext("Data of the customer"), context)

    def download(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Return a JSON file with everything that is stored about the customer, and record who has taken it."""
        _customer_or_404(key)
        record_look(staff_user(request), PhoneLook.Kind.DATA, customer=key)
        return JsonResponse(
            data_of_customer(key),
            encoder=DjangoJSONEncoder,
            json_dumps_params={"ensure_ascii": False, "indent": 2},
            headers={**_FILE_HEADERS, "Content-Disposition": f'attachment; filename="customer-{key}.json"'},
        )

    def erase(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Erase the customer if the word was typed that confirms it."""
        page = reverse("admin:orders_customer_data", args=[key])
        if request.POST.get("word", "").strip().casefold() != gettext("erase").casefold():
            messages.error(
                request, gettext("Nothing was erased: type the word “%(word)s”.") % {"word": gettext("erase")}
            )
            return redirect_back(request, page)
        try:
            count = services.erase_customer(customer_id=key, actor=staff_user(request))
        except NotAllowedError as refusal:
            messages.error(request, str(refusal))
            return redirect_back(request, page)
        if count is None:
            messages.info(request, gettext("The data of this customer is erased already."))
        else:
            text = ngettext(
                "The data of the customer is erased, also in %(count)s order.",
                "The data of the customer is erased, also in %(count)s orders.",
                count,
            )
            messages.success(request, text % {"count": count})
        return redirect_back(request, reverse("admin:orders_customer_change", args=[key]))


def _customer_or_404(key: UUID) -> Customer:
    customer = Customer.objects.people().filter(pk=key).only("name", "phone").first()
    if customer is None:
        raise Http404
    return customer
