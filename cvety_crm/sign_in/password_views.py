"""The pages on which a user who has forgotten the password asks for a link, and sets a new password with it."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse_lazy
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from cvety_crm import mail
from cvety_crm.sign_in import log
from cvety_crm.sign_in.forms import ForgottenPasswordForm, NewPasswordForm, too_many_attempts
from cvety_crm.sign_in.limits import wait_before_reset
from cvety_crm.sign_in.password_links import request_links
from cvety_crm.sign_in.views import refused, render


@never_cache
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def forgotten_password(request: HttpRequest) -> HttpResponse:
    """Ask for an e-mail address and send a link to it. The answer does not say whether there is such an account.

    Raise `Http404` if the CRM can't send e-mails.
    """
    if not mail.is_configured():
        raise Http404
    form = ForgottenPasswordForm(request.POST if request.method == "POST" else None)
    wait = wait_before_reset(request) if form.is_valid() else 0
    is_sent = form.is_valid() and not wait
    if wait:
        form.add_error("email", too_many_attempts(wait))
    elif is_sent:
        request_links(form.cleaned_data["email"])
    context = {"form": form, "is_sent": is_sent}
    page = render(request, "cvety_crm/sign_in/forgotten_password.html", gettext("Forgotten password"), context)
    return refused(page, wait) if wait else page


class NewPasswordView(PasswordResetConfirmView):
    """Django's view, which checks the link, with a page of the CRM. All sessions of the user end."""

    form_class = NewPasswordForm
    template_name = "cvety_crm/sign_in/new_password.html"
    success_url = reverse_lazy("admin:login")

    def form_valid(self, form: Any) -> HttpResponse:
        """Store the password."""
        response = super().form_valid(form)
        log.record(log.Kind.PASSWORD_CHANGED, self.user, request=self.request, method=log.Method.LINK)
        messages.success(self.request, gettext("The new password is set. Sign in with it."))
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the context of the page."""
        own = {"title": gettext("New password"), "subtitle": None}
        return {**super().get_context_data(**kwargs), **admin.site.each_context(self.request), **own}


new_password = NewPasswordView.as_view()
