"""The pages on which staff sign in: the password, then the code of those who have a second factor."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from cvety_crm import mail
from cvety_crm.models import SecondFactor, User
from cvety_crm.sign_in import log, second_factor, steps
from cvety_crm.sign_in.forms import CodeForm, SignInForm, too_many_attempts, wrong_code
from cvety_crm.sign_in.limits import forget_codes, may_log_refusal, wait_before_code
from cvety_crm.sign_in.trusted_devices import DAYS, trust


class SignInView(LoginView):
    """Django's view, with the page of the admin. Return 429 with Retry-After if there were too many attempts."""

    authentication_form = SignInForm
    template_name = "admin/login.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the page, or redirect a user who is signed in."""
        if admin.site.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index"))
        return super().get(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        """Sign the user in, or redirect to the page of the second step."""
        return steps.after_password(self.request, form.get_user(), self.get_success_url())

    def form_invalid(self, form: Any) -> HttpResponse:
        """Show the page with the error."""
        response = super().form_invalid(form)
        return refused(response, form.wait) if form.wait else response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the context of the page."""
        own = {
            "title": gettext("Log in"),
            "subtitle": None,
            "app_path": self.request.get_full_path(),
            "username": self.request.user.get_username(),
            "has_mail": mail.is_configured(),
        }
        return {**super().get_context_data(**kwargs), **admin.site.each_context(self.request), **own}


sign_in = SignInView.as_view()


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def code_page(request: HttpRequest) -> HttpResponse:
    """Ask for a code of the app or a recovery code, and sign the user in. Only the right password leads here."""
    waiting = steps.pending(request)
    factor = SecondFactor.objects.filter(user=waiting.user).first() if waiting is not None else None
    if waiting is None or factor is None:
        if request.method == "POST":
            messages.warning(request, gettext("The second step was not finished in time. Enter the password again."))
        return HttpResponseRedirect(reverse("admin:login"))
    user, form = waiting.user, CodeForm(request.POST if request.method == "POST" else None)
    wait = wait_before_code(request, user.username) if form.is_valid() else 0
    if wait:
        form.add_error("code", too_many_attempts(wait))
        if may_log_refusal(request, user.username):
            log.record(log.Kind.THROTTLED, user, request=request, method=log.Method.CODE)
    elif form.is_valid() and (method := _accepted(form.cleaned_data["code"], user)):
        forget_codes(request, user.username)
        response = steps.complete(request, user, waiting.next_url, method=method)
        if form.cleaned_data["is_remembered"]:
            trust(request, response, user, factor)
        if method == log.Method.RECOVERY_CODE:
            _say_how_many_are_left(request, user)
        return response
    elif form.is_valid():
        form.add_error("code", wrong_code())
        log.record(log.Kind.FAILED, user, request=request, method=log.Method.CODE)
    context = {"form": form, "days": DAYS, "username": user.get_username()}
    page = render(request, "cvety_crm/sign_in/code.html", gettext("Second step"), context)
    return refused(page, wait) if wait else page


def _accepted(code: str, user: User) -> log.Method | None:
    """Return how the code signs the user in, or None if it is wrong."""
    if second_factor.looks_like_recovery_code(code):
        is_right = second_factor.accept_recovery_code(user, code)
        return log.Method.RECOVERY_CODE if is_right else None
    return log.Method.CODE if second_factor.accept_code(user, code) else None


def _say_how_many_are_left(request: HttpRequest, user: User) -> None:
    left = second_factor.recovery_codes_left(user)
    text = ngettext(
        "You have signed in with a recovery code. %(number)d is left; make new ones on the page “My sign-in”.",
        "You have signed in with a recovery code. %(number)d are left; make new ones on the page “My sign-in”.",
        left,
    )
    messages.warning(request, text % {"number": left})


def refused(response: HttpResponse, wait: int) -> HttpResponse:
    """Return the response with status 429 and the seconds until the next attempt."""
    response.status_code = 429
    response["Retry-After"] = str(wait)
    return response


def render(request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> TemplateResponse:
    """Return a page with what all pages of the admin need."""
    common = {**admin.site.each_context(request), "title": title, "subtitle": None}
    return TemplateResponse(request, template, {**common, **context})
