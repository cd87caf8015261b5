"""The page on which staff sign in."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from cvety_crm.sign_in.devices import remember
from cvety_crm.sign_in.forms import SignInForm


@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """Show the page, or sign the user in. Return 429 with Retry-After if there were too many attempts."""
    response: Any = admin.site.login(request)
    form = (getattr(response, "context_data", None) or {}).get("form")
    if isinstance(form, SignInForm) and form.wait:
        response.status_code = 429
        response["Retry-After"] = str(form.wait)
    elif request.method == "POST" and request.user.is_authenticated:
        remember(request, response, request.user.get_username())
    return response
