"""The page that turns on the second factor of a user: signed in, or on the way if the user's role needs one."""

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from cvety_crm.models import User
from cvety_crm.sign_in import log, second_factor, steps
from cvety_crm.sign_in.account_views import show_codes
from cvety_crm.sign_in.devices import remember
from cvety_crm.sign_in.forms import NewFactorForm, too_many_attempts, wrong_code
from cvety_crm.sign_in.limits import wait_before_code
from cvety_crm.sign_in.views import refused, render
from cvety_crm.users import staff_user

NEW_KEY = "second_factor_secret"
"""The name under which a session stores a new key and its user, until the first code is entered."""


@never_cache
@csrf_protect
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: HttpRequest) -> HttpResponse:
    """Show a new key as a QR code, check a code of the app, and show the recovery codes."""
    waiting = None if admin.site.has_permission(request) else steps.pending(request)
    if waiting is None and not admin.site.has_permission(request):
        return HttpResponseRedirect(reverse("admin:login"))
    user = waiting.user if waiting is not None else staff_user(request)
    if second_factor.has_second_factor(user):
        return _is_on_already(request, is_signed_in=waiting is None)
    secret = _new_key(request, user)
    form = NewFactorForm(request.POST if request.method == "POST" else None)
    wait = wait_before_code(request, user.username) if form.is_valid() else 0
    if wait:
        form.add_error("code", too_many_attempts(wait))
    elif form.is_valid():
        step = second_factor.matching_step(secret, form.cleaned_data["code"])
        if step is not None:
            return _turned_on(request, user, second_factor.turn_on(user, secret, step), waiting)
        form.add_error("code", wrong_code())
    context = {
        "form": form,
        "base": "admin/base_site.html" if waiting is None else "unfold/layouts/unauthenticated.html",
        "is_signed_in": waiting is None,
        "qr_code": second_factor.qr_code(secret, user.get_username()),
        "key": second_factor.key_in_groups(secret),
    }
    page = render(request, "cvety_crm/sign_in/set_up.html", gettext("Sign-in with a second factor"), context)
    return refused(page, wait) if wait else page


def _new_key(request: HttpRequest, user: User) -> str:
    """Return the key of this set-up, the same one when the page is opened again.

    In a shared browser, a key that was shown to somebody else is never offered.
    """
    stored = request.session.get(NEW_KEY)
    if stored is None or stored["user"] != user.pk:
        stored = request.session[NEW_KEY] = {"user": user.pk, "key": second_factor.new_secret()}
    return str(stored["key"])


def _turned_on(request: HttpRequest, user: User, codes: list[str], waiting: steps.Pending | None) -> HttpResponse:
    """Return the page with the recovery codes. A user who was on the way is signed in."""
    del request.session[NEW_KEY]
    if waiting is not None:
        steps.open_session(request, user, method=log.Method.CODE)
    log.record(log.Kind.FACTOR_ON, user, request=request)
    response = show_codes(request, user, codes, waiting.next_url if waiting is not None else reverse("account"))
    if waiting is not None:
        remember(request, response, user.get_username())
    return response


def _is_on_already(request: HttpRequest, *, is_signed_in: bool) -> HttpResponse:
    if not is_signed_in:
        return HttpResponseRedirect(reverse("sign_in_code"))
    messages.info(request, gettext("The second factor is on already."))
    return HttpResponseRedirect(reverse("account"))
