"""The page “My sign-in”: the password, the second factor and the devices of the user."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cvety_crm.models import SecondFactor, User
from cvety_crm.sign_in import log, rules, second_factor, sessions
from cvety_crm.sign_in.forms import OwnPasswordForm, too_many_attempts
from cvety_crm.sign_in.limits import wait_before
from cvety_crm.sign_in.views import refused, render
from cvety_crm.users import staff_user

View = Callable[..., HttpResponse]


def for_staff(view: View) -> View:
    """Return the view for signed-in staff only, as the admin's own pages are."""
    guarded: View = admin.site.admin_view(view)
    return guarded


@for_staff
@require_safe
def account_page(request: HttpRequest) -> HttpResponse:
    """Show how the user signs in, and on which devices."""
    user = staff_user(request)
    factor = SecondFactor.objects.filter(user=user).first()
    context = {
        "factor": factor,
        "codes_left": second_factor.recovery_codes_left(user) if factor is not None else 0,
        "is_needed": rules.needs_second_factor(user),
        "devices": sessions.devices_of(user, request.session.session_key),
    }
    return render(request, "cvety_crm/sign_in/account.html", gettext("My sign-in"), context)


@for_staff
@require_POST
def sign_out_device(request: HttpRequest) -> HttpResponse:
    """End the session of one device of the user."""
    user = staff_user(request)
    device = sessions.sign_out_device(user, request.POST.get("device", ""))
    if device is not None:
        log.record(log.Kind.DEVICE_SIGNED_OUT, user, request=request, details=device)
        messages.success(request, gettext("The device is signed out."))
    return HttpResponseRedirect(reverse("account"))


@for_staff
@require_POST
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """End all sessions of the user but the present one."""
    user = staff_user(request)
    number = sessions.sign_out_everywhere(user, except_key=request.session.session_key)
    log.record(log.Kind.ALL_SIGNED_OUT, user, request=request)
    messages.success(request, signed_out_text(number))
    return HttpResponseRedirect(reverse("account"))


def with_own_password(title: Callable[[], str], hint: Callable[[], str], button: Callable[[], str]) -> Any:
    """Return a decorator for a view that runs only after a POST with the right password of the user.

    Otherwise the page asks for the password, with these texts.
    """

    def decorate(view: View) -> View:
        @for_staff
        @never_cache
        @sensitive_post_parameters("password")
        @require_http_methods(["GET", "HEAD", "POST"])
        @wraps(view)
        def guarded(request: HttpRequest) -> HttpResponse:
            user = staff_user(request)
            form = OwnPasswordForm(request.POST if request.method == "POST" else None)
            wait = wait_before(request, user.username) if form.is_valid() else 0
            if wait:
                form.add_error("password", too_many_attempts(wait))
            elif form.is_valid():
                if user.check_password(form.cleaned_data["password"]):
                    return view(request)
                form.add_error("password", gettext("This is not your password."))
            context = {"form": form, "hint": hint(), "button": button()}
            page = render(request, "cvety_crm/sign_in/own_password.html", title(), context)
            return refused(page, wait) if wait else page

        return guarded

    return decorate


@with_own_password(
    lambda: gettext("Turn off the second factor"),
    lambda: gettext("You will sign in with the password alone. The key and the recovery codes are deleted."),
    lambda: gettext("Turn off"),
)
def turn_off(request: HttpRequest) -> HttpResponse:
    """Delete the second factor of the user, unless a role of the user needs it."""
    user = staff_user(request)
    if rules.needs_second_factor(user):
        messages.error(request, gettext("Your role needs a second factor, so it stays on."))
    elif second_factor.turn_off(user):
        log.record(log.Kind.FACTOR_OFF, user, request=request)
        messages.success(request, gettext("The second factor is off."))
    return HttpResponseRedirect(reverse("account"))


@with_own_password(
    lambda: gettext("New recovery codes"),
    lambda: gettext("The earlier recovery codes will not work any more. The new ones are shown once."),
    lambda: gettext("Make new codes"),
)
def new_codes(request: HttpRequest) -> HttpResponse:
    """Replace the recovery codes of the user and show the new ones, once."""
    user = staff_user(request)
    if not second_factor.has_second_factor(user):
        return HttpResponseRedirect(reverse("account"))
    codes = second_factor.new_recovery_codes(user)
    log.record(log.Kind.NEW_CODES, user, request=request)
    return show_codes(request, user, codes, reverse("account"))


def show_codes(request: HttpRequest, user: User, codes: list[str], next_url: str) -> HttpResponse:
    """Show new recovery codes. They can't be shown again, so the view must not be cached."""
    context = {"codes": codes, "next_url": next_url, "username": user.get_username()}
    return render(request, "cvety_crm/sign_in/recovery_codes.html", gettext("Recovery codes"), context)


def signed_out_text(number: int) -> str:
    """Return the message about so many ended sessions."""
    text = ngettext("%(number)d device is signed out.", "%(number)d devices are signed out.", number)
    return text % {"number": number}
