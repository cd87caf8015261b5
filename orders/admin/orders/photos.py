"""The panel with the photos on an order's page. Staff add and withdraw photos, and create the customer's link.

Each button is a form that also works without a script. The response is then a redirect to the order's page. The script
(static/cvety_crm/photos.js) requests JSON and replaces only the panel, because a reload of the page would lose what the
user has entered in the order's form.
"""

from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, cast
from uuid import UUID

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, reverse
from django.utils.translation import gettext, ngettext

from cvety_crm.admin_site.features import POST, Feature
from cvety_crm.users import AnyUser, staff_user
from orders import services
from orders.admin.permissions import may_photograph
from orders.admin.redirects import redirect_back
from orders.exceptions import NotAllowedError, StorageFullError
from orders.models import Order, OrderPhoto, PhotoAnswer
from orders.photos.links import photo_url
from orders.photos.pictures import LONGEST_SIDE, MOST_BYTES
from orders.presentation.contacts import contact_of
from orders.presentation.links import whatsapp_url
from orders.rules.photo_state import SIGNS, approval_of, live_photos, state_of
from orders.rules.visibility import may_see_phones
from orders.services.photos import MOST_PHOTOS
from orders.services.validation import refuse_excess

JSON = "application/json"
PANEL = "#crm-photos"


def photos_panel(order: Order, request: HttpRequest, *, back: str) -> dict[str, Any]:
    """Return the context of `orders/page/photos.html`. Make two queries.

    `back` is the URL of the page that shows the panel.
    """
    found = list(order.photos.select_related("author", "withdrawn_by"))
    live = live_photos(found)
    approval = approval_of(order)
    state = state_of(found, approval)
    may_change = may_photograph(request)
    link = photo_url(approval) if may_change and live and approval is not None and approval.is_open else ""
    return {
        "order": order,
        "back": back,
        "live": live,
        "live_keys": [str(photo.pk) for photo in live],
        "withdrawn": len(found) - len(live),
        "state": state,
        "sign": SIGNS.get(state, ""),
        "approval": approval if approval is not None and approval.answer != PhotoAnswer.NONE else None,
        "may_change": may_change,
        "may_add": may_change and len(live) < MOST_PHOTOS,
        "link": link,
        "until": approval.expires_at if link and approval else None,
        "whatsapp": _whatsapp(order, link, request.user),
        "limits": {"side": LONGEST_SIDE, "bytes": MOST_BYTES},
    }


def _whatsapp(order: Order, link: str, user: AnyUser) -> str:
    """Return a URL that opens WhatsApp with a message for the customer.

    Return an empty string without a link, without a phone, and for a user who may not see phones.
    """
    if not link or not may_see_phones(user):
        return ""
    return whatsapp_url(
        contact_of(order).phone, gettext("Hello! Your bouquet is ready, have a look: %(link)s") % {"link": link}
    )


class Photos(Feature[Order]):
    """The URLs of the buttons, and the panel on the order's page."""

    def urls(self) -> list[URLPattern]:
        """Return the URLs of the buttons."""
        one, may = "<uuid:key>/photos/<uuid:photo>/withdraw/", may_photograph
        return [
            self.view("<uuid:key>/photos/", self.add_photos, name="add_photos", methods=POST, permission=may),
            self.view("<uuid:key>/photo-link/", self.change_link, name="photo_link", methods=POST, permission=may),
            self.view(one, self.withdraw_photo, name="withdraw_photo", methods=POST, permission=may),
        ]

    def page_context(self, request: HttpRequest, row: Order, context: Mapping[str, Any]) -> dict[str, Any]:
        """Return the context of the panel, as `photos`."""
        return {"photos": photos_panel(row, request, back=request.get_full_path() + PANEL)}

    def add_photos(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Add the uploaded photos. Report the files that the service has refused, each with the reason."""
        files = request.FILES.getlist("photo")

        def add() -> str:
            if not files:
                raise NotAllowedError(gettext("Choose a photo first."))
            refused = []
            for file in files:
                try:
                    _add_photo(request, key, file)
                except StorageFullError:
                    raise  # the other files do not fit either
                except NotAllowedError as refusal:
                    refused.append(str(refusal) if len(files) == 1 else f"{file.name}: {refusal}")
            if refused:
                raise NotAllowedError("\n".join(refused))
            count = len(files)
            return ngettext("%(count)s photo was added.", "%(count)s photos were added.", count) % {"count": count}

        return self._respond(request, key, add)

    def withdraw_photo(self, request: HttpRequest, key: UUID, photo: UUID) -> HttpResponse:
        """Withdraw one photo of the order."""

        def withdraw() -> str:
            if not OrderPhoto.objects.filter(pk=photo, order=key).exists():
                raise Http404
            reason = request.POST.get("reason", "")
            refuse_excess(reason, services.LONGEST_REASON)
            services.withdraw_photo(photo_id=photo, actor=staff_user(request), reason=reason)
            return gettext("The photo was withdrawn: no one sees it any more.")

        return self._respond(request, key, withdraw)

    def change_link(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Create a link for the customer, or revoke the current one."""

        def change() -> str:
            if request.POST.get("do") == "revoke":
                services.revoke_photo_link(order_id=key, actor=staff_user(request))
                return gettext("The customer's link no longer works.")
            services.make_photo_link(order_id=key, actor=staff_user(request))
            return gettext("The link for the customer is ready.")

        return self._respond(request, key, change)

    def _respond(self, request: HttpRequest, key: UUID, action: Callable[[], str]) -> HttpResponse:
        """Run `action` and return its result: for the script as JSON with the panel, otherwise as a redirect."""
        found = self.model_admin.get_queryset(request).filter(pk=key)
        if not found.exists():
            raise Http404
        page = reverse("admin:orders_order_change", args=[key]) + PANEL
        said, refusal, status = "", "", 200
        try:
            said = action()
        except NotAllowedError as error:
            refusal, status = str(error), 507 if isinstance(error, StorageFullError) else 422
        if JSON in request.headers.get("Accept", ""):
            photos = photos_panel(found.get(), request, back=request.POST.get("next", page))
            panel = render_to_string("orders/photos_body.html", {"photos": photos}, request)
            return JsonResponse({"said": said, "refused": refusal, "panel": panel}, status=status)
        for line in refusal.splitlines():
            messages.error(request, line)
        if said:
            messages.success(request, said)
        return redirect_back(request, page)


def _add_photo(request: HttpRequest, key: UUID, file: UploadedFile) -> None:
    upload = cast(BinaryIO, file)  # Django's file has the methods of a binary file, but not its type
    services.add_photo(order_id=key, upload=upload, size=file.size or 0, actor=staff_user(request))
