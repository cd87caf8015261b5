"""Photos on an order's page: taking and withdrawing them, the customer's link.

Each button is a form that works without a script and then returns to the order's page. The script
(static/cvety_crm/photos.js) asks for JSON instead and puts the panel anew into the page, so that nothing typed
into the order's form is lost.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST

from orders import services
from orders.admin.redirects import redirect_back
from orders.models import Order, OrderPhoto, PhotoAnswer
from orders.photos.links import photo_url
from orders.photos.pictures import LONGEST_SIDE, MOST_BYTES
from orders.presentation.links import whatsapp_url
from orders.rules.photo_state import SIGNS, approval_of, live_photos, state_of
from orders.rules.visibility import may_see_phones
from orders.services import NotAllowedError
from orders.services.photos import MOST_PHOTOS

JSON = "application/json"
PANEL = "#crm-photos"


def may_photograph(user: User | AnonymousUser) -> bool:
    """Return whether the user may add and withdraw photos, and give the customer a link to them."""
    return user.has_perm("orders.add_orderphoto") or user.has_perm("orders.change_order")


def photos_panel(order: Order, request: HttpRequest, *, back: str) -> dict[str, Any]:
    """Return what `orders/photos.html` shows, as `photos` in its context; `back` is where it stands. Two queries."""
    found = list(order.photos.select_related("author", "withdrawn_by"))
    live = live_photos(found)
    approval = approval_of(order)
    state = state_of(found, approval)
    may_change = may_photograph(request.user)
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


def _whatsapp(order: Order, link: str, user: User | AnonymousUser) -> str:
    """Return an address that opens WhatsApp with the customer and a text to send; "" without his phone."""
    customer = order.customer
    if not link or customer is None or not may_see_phones(user):
        return ""
    return whatsapp_url(customer.phone, gettext("Hello! Your bouquet is ready, have a look: %(link)s") % {"link": link})


class Photos:
    """The addresses, for the order's ModelAdmin to mix in."""

    def get_urls(self) -> list[URLPattern]:
        """Add them."""
        wrap = self.admin_site.admin_view  # type: ignore[attr-defined]
        return [
            path("<uuid:key>/photos/", wrap(require_POST(self.add_photos)), name="orders_order_add_photos"),
            path("<uuid:key>/photo-link/", wrap(require_POST(self.change_link)), name="orders_order_photo_link"),
            path(
                "<uuid:key>/photos/<uuid:photo>/withdraw/",
                wrap(require_POST(self.withdraw_photo)),
                name="orders_order_withdraw_photo",
            ),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        """Add the panel to the order's page."""
        order = kwargs.get("obj")
        if isinstance(order, Order):
            context["photos"] = photos_panel(order, request, back=request.get_full_path() + PANEL)
        return super().render_change_form(request, context, **kwargs)  # type: ignore[misc]

    def add_photos(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Add the uploaded pictures; those that are none are named."""
        files = request.FILES.getlist("photo")

        def add() -> str:
            if not files:
                raise NotAllowedError(gettext("Choose a photo first."))
            refused = []
            for file in files:
                try:
                    self._add(request, key, file)
                except NotAllowedError as refusal:
                    refused.append(str(refusal) if len(files) == 1 else f"{file.name}: {refusal}")
            if refused:
                raise NotAllowedError("\n".join(refused))
            count = len(files)
            return ngettext("%(count)s photo was added.", "%(count)s photos were added.", count) % {"count": count}

        return self._answer(request, key, add)

    def withdraw_photo(self, request: HttpRequest, key: UUID, photo: UUID) -> HttpResponse:
        """Withdraw one photo of the order."""

        def withdraw() -> str:
            if not OrderPhoto.objects.filter(pk=photo, order=key).exists():
                raise Http404
            reason = request.POST.get("reason", "")[:500]
            services.withdraw_photo(photo_id=photo, actor=_actor(request), reason=reason)
            return gettext("The photo was withdrawn: nobody sees it any more.")

        return self._answer(request, key, withdraw)

    def change_link(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Make a link for the customer, or revoke the one there is."""

        def change() -> str:
            if request.POST.get("do") == "revoke":
                services.revoke_photo_link(order_id=key, actor=_actor(request))
                return gettext("The customer's link no longer works.")
            services.make_photo_link(order_id=key, actor=_actor(request))
            return gettext("The link for the customer is ready.")

        return self._answer(request, key, change)

    @staticmethod
    def _add(request: HttpRequest, key: UUID, file: UploadedFile) -> None:
        services.add_photo(order_id=key, upload=file, size=file.size or 0, actor=_actor(request))  # type: ignore[arg-type]

    def _answer(self, request: HttpRequest, key: UUID, do: Callable[[], str]) -> HttpResponse:
        """Do it, and say how it went: as JSON with the panel for the script, else by a message on the order's page."""
        if not self.has_view_permission(request) or not may_photograph(request.user):  # type: ignore[attr-defined]
            raise PermissionDenied
        found = self.get_queryset(request).filter(pk=key)  # type: ignore[attr-defined]
        if not found.exists():
            raise Http404
        page = reverse("admin:orders_order_change", args=[key]) + PANEL
        said = refusal = ""
        try:
            said = do()
        except NotAllowedError as error:
            refusal = str(error)
        if JSON in request.headers.get("Accept", ""):
            photos = photos_panel(found.get(), request, back=request.POST.get("next", page))
            panel = render_to_string("orders/photos_body.html", {"photos": photos}, request)
            return JsonResponse({"said": said, "refused": refusal, "panel": panel}, status=422 if refusal else 200)
        for line in refusal.splitlines():
            messages.error(request, line)
        if said:
            messages.success(request, said)
        return redirect_back(request, page)


def _actor(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
