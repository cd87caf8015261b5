"""The page on which the owner sees how a user signs in, and helps one who is locked out."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cvety_crm.admin_site.base import moment
from cvety_crm.models import SecondFactor, SignInEvent
from cvety_crm.sign_in import log, rules, second_factor, sessions
from cvety_crm.sign_in.account_views import signed_out_text
from cvety_crm.sign_in.limits import allow_again
from cvety_crm.sign_in.password_links import link_path
from cvety_crm.users import User, display_name

LAST_ENTRIES = 10


class UserSignIn:
    """A mixin for the admin of users: their sessions, second factor and links for a new password.

    The pages are for users who may change the account. One's own account has the page “My sign-in”, which asks for the
    password where it matters.
    """

    admin_site: Any
    has_change_permission: Callable[..., bool]

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs of this page and of its buttons, then those of the admin."""
        page, button = require_safe(self.sign_in_page), require_POST(self.sign_in_button)
        own = [
            path("<path:pk>/sign-in/", self.admin_site.admin_view(never_cache(page)), name="cvety_crm_user_sign_in"),
            path(
                "<path:pk>/sign-in/<slug:name>/",
                self.admin_site.admin_view(never_cache(button)),
                name="cvety_crm_user_sign_in_button",
            ),
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc] # a mixin

    def sign_in_column(self, user: User) -> str:
        """Return the link to the page."""
        return format_html('<a class="crm-link" href="{}">{}</a>', _url(user), gettext("Devices and second factor"))

    sign_in_column.short_description = _("sign-in")  # type: ignore[attr-defined] # as Django documents

    def sign_in_page(self, request: HttpRequest, pk: str) -> HttpResponse:
        """Show how the user signs in. Raise `PermissionDenied` if the sender may not change the account."""
        user = self._user(request, pk)
        return HttpResponseRedirect(reverse("account")) if user == request.user else self._page(request, user)

    def sign_in_button(self, request: HttpRequest, pk: str, name: str) -> HttpResponse:
        """Do what a button of the page says, and show the page again."""
        user = self._user(request, pk)
        if user == request.user:
            return HttpResponseRedirect(reverse("account"))
        if name == "link":
            log.record(log.Kind.LINK_MADE, user, request=request)
            return self._page(request, user, link=request.build_absolute_uri(link_path(user)))
        if (run := _BUTTONS.get(name)) is None:
            raise Http404
        messages.success(request, run(request, user))
        return HttpResponseRedirect(_url(user))

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Let the owner set the password of a user, and record it."""
        before = _found(id)
        response: HttpResponse = super().user_change_password(request, id, form_url)  # type: ignore[misc] # a mixin
        if request.method == "POST" and before is not None:
            user = User.objects.get(pk=before.pk)
            if user.password != before.password:
                log.record(log.Kind.PASSWORD_CHANGED, user, request=request)
        return response

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the roles. A user who now needs a second factor and has none is signed out, and sets it up."""
        super().save_related(request, form, formsets, change)  # type: ignore[misc] # a mixin
        if rules.needs_second_factor(form.instance):
            rules.sign_out_without_second_factor(User.objects.filter(pk=form.instance.pk))

    def _user(self, request: HttpRequest, pk: str) -> User:
        user = _found(pk)
        if user is None:
            raise Http404
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        return user

    def _page(self, request: HttpRequest, user: User, link: str = "") -> TemplateResponse:
        factor = SecondFactor.objects.filter(user=user).first()
        entries = SignInEvent.objects.filter(user=user).order_by("-created_at")[:LAST_ENTRIES]
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Sign-in: %(user)s") % {"user": display_name(user)},
            "shown": user,
            "user_url": reverse("admin:cvety_crm_user_change", args=[user.pk]),
            "log_url": f"{reverse('admin:cvety_crm_signinevent_changelist')}?user__id__exact={user.pk}",
            "factor": factor,
            "codes_left": second_factor.recovery_codes_left(user) if factor is not None else 0,
            "is_needed": rules.needs_second_factor(user),
            "devices": sessions.devices_of(user),
            "entries": [(moment(one.created_at), one) for one in entries]
            if request.user.has_perm("cvety_crm.view_signinevent")
            else None,
            "link": link,
        }
        return TemplateResponse(request, "cvety_crm/sign_in/user.html", context)


def _found(pk: str) -> User | None:
    """Return the user with this key in an URL, or None."""
    is_key = pk.isascii() and pk.isdigit() and len(pk) < 19
    return User.objects.filter(pk=pk).first() if is_key else None


def _url(user: User) -> str:
    return reverse("admin:cvety_crm_user_sign_in", args=[user.pk])


def _sign_out(request: HttpRequest, user: User) -> str:
    number = sessions.sign_out_everywhere(user)
    log.record(log.Kind.ALL_SIGNED_OUT, user, request=request)
    return signed_out_text(number)


def _sign_out_device(request: HttpRequest, user: User) -> str:
    device = sessions.sign_out_device(user, request.POST.get("device", ""))
    if device is None:
        return gettext("This device was signed out already.")
    log.record(log.Kind.DEVICE_SIGNED_OUT, user, request=request, details=device)
    return gettext("The device is signed out.")


def _reset_factor(request: HttpRequest, user: User) -> str:
    if not second_factor.turn_off(user):
        return gettext("The user has no second factor.")
    sessions.sign_out_everywhere(user)
    log.record(log.Kind.FACTOR_RESET, user, request=request)
    return gettext("The second factor is deleted, and the user is signed out everywhere.")


def _allow(request: HttpRequest, user: User) -> str:
    allow_again(user.username)
    log.record(log.Kind.ALLOWED, user, request=request)
    return gettext("%(user)s may sign in again at once.") % {"user": user.username}


_BUTTONS: dict[str, Callable[[HttpRequest, User], str]] = {
    "sign-out": _sign_out,
    "sign-out-device": _sign_out_device,
    "reset-factor": _reset_factor,
    "allow": _allow,
}
