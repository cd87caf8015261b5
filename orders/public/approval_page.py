"""The page on which a customer sees photos of the bouquet and approves it or asks for a change.

The page shows the photos and nothing else of the order, because a link is easily forwarded. Forged, revoked and expired
links all get the same response.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from cvety_crm.throttling import AddressThrottle
from orders import services
from orders.models import OrderPhoto, PhotoAnswer, PhotoApproval
from orders.photos.files import photo_response
from orders.photos.links import find_approval
from orders.services import LinkExpiredError, NotAllowedError
from orders.services.photo_approval import LONGEST_COMMENT
from orders.values.phones import format_phone

BRAND = "cvety.kz"
_HEADERS = {
    "Cache-Control": "private, no-store",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    # With "no-referrer" browsers would send "Origin: null" with the form, which Django refuses. Neither policy sends
    # the URL to other sites.
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
}
View = Callable[..., HttpResponseBase]


class ApprovalThrottle(AddressThrottle):
    """A limit that lets a family behind one IP address see twenty photos, but is far too low for guessing tokens."""

    scope = "approval"
    rate = "120/min"


def _limited(view: View) -> View:
    @wraps(view)
    def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        throttle = ApprovalThrottle()
        if throttle.allow_request(request, view):
            return view(request, *args, **kwargs)
        response = _page(request, "orders/approval_later.html", status=429)
        response["Retry-After"] = str(int(throttle.wait() or 60))
        return response

    return limited


@_limited
@require_http_methods(["GET", "HEAD", "POST"])
@csrf_protect
def approval(request: HttpRequest, token: str) -> HttpResponse:
    """Show the photos of the bouquet, or save the customer's answer."""
    found = find_approval(token)
    if found is None:
        return _gone(request)
    typed = error = ""
    if request.method == "POST":
        typed, liked = request.POST.get("comment", ""), request.POST.get("answer") == "liked"
        try:
            services.answer_photos(
                token=token, seen=_seen(request), liked=liked, comment=typed, answers_seen=_answers_seen(request)
            )
        except LinkExpiredError:
            return _gone(request)
        except NotAllowedError as refusal:
            error = str(refusal)
            found = find_approval(
                token
            )  # an answer that was refused because the photos have changed can be given again
            if found is None:
                return _gone(request)
        else:
            return _with_headers(HttpResponseRedirect(request.path))
    photos = _photos(found)
    return _page(
        request,
        "orders/approval.html",
        status=422 if error else 200,
        token=token,
        photos=photos,
        seen=" ".join(photo.pk.hex for photo in photos),
        answers=found.answers,
        answer=found.answer,
        comment=found.comment,
        is_liked=found.answer == PhotoAnswer.LIKED,
        is_redo=found.answer == PhotoAnswer.REDO,
        until=found.expires_at,
        typed=typed,
        error=error,
        longest=LONGEST_COMMENT,
        brand=_brand(found),
        preview=request.build_absolute_uri(f"{photos[0].pk}/small.jpg") if photos else "",
    )


@_limited
@require_safe
def approval_photo(request: HttpRequest, token: str, key: UUID, size: str) -> HttpResponseBase:
    """Return a picture of the order that the link belongs to. Raise `Http404` if its file is missing."""
    found = find_approval(token)
    photo = OrderPhoto.objects.filter(order=found.order_id, pk=key, withdrawn_at=None).first() if found else None
    if photo is None or not photo.image:
        return _gone(request)
    return photo_response(request, photo, "small" if size == "small" else "full", may_be_kept=False)


def _seen(request: HttpRequest) -> set[UUID]:
    try:
        return {UUID(key) for key in request.POST.get("seen", "").split()}
    except ValueError:
        return set()


def _answers_seen(request: HttpRequest) -> int | None:
    text = request.POST.get("answers", "")
    return int(text) if text.isdecimal() and len(text) < 9 else None


def _photos(found: PhotoApproval) -> list[OrderPhoto]:
    return list(OrderPhoto.objects.filter(order=found.order_id, withdrawn_at=None).order_by("created_at", "pk"))


def _brand(found: PhotoApproval) -> str:
    shop = found.order.shop
    return shop.name if shop is not None and not shop.needs_attention else BRAND


def _gone(request: HttpRequest) -> HttpResponse:
    return _page(request, "orders/approval_gone.html", status=404)


def _page(request: HttpRequest, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
    phone = settings.DISPATCHER_PHONE
    context = {"brand": BRAND, "phone": phone, "phone_words": format_phone(phone), **context}
    return _with_headers(render(request, template, context, status=status))


def _with_headers(response: HttpResponse) -> HttpResponse:
    for name, value in _HEADERS.items():
        response[name] = value
    return response
