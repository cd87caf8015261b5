"""The steps of signing in.

After the right password a user who needs a second step is not signed in yet: the session only says who is on the way,
and for how long. To every page the user is anonymous until the last step, so no page can forget to check the second
one.
"""

import time
from dataclasses import dataclass

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from cvety_crm.models import SecondFactor, User
from cvety_crm.sign_in import log, rules
from cvety_crm.sign_in.devices import remember
from cvety_crm.sign_in.session_store import SIGN_IN, describe_sign_in
from cvety_crm.sign_in.trusted_devices import is_trusted

PENDING = "sign_in_pending"
"""The key of the user who has entered the password, in the data of an anonymous session."""
MINUTES = 10
"""The time for the second step."""
BACKEND = "django.contrib.auth.backends.ModelBackend"


@dataclass(frozen=True, slots=True)
class Pending:
    """A user who has entered the right password, and the page to which the user wants to go."""

    user: User
    next_url: str


def after_password(request: HttpRequest, user: User, next_url: str) -> HttpResponse:
    """Sign the user in, or redirect to the page of the second step. The password was right."""
    factor = SecondFactor.objects.filter(user=user).first()
    if factor is not None:
        if is_trusted(request, user, factor):
            return complete(request, user, next_url, method=log.Method.REMEMBERED)
        return _postpone(request, user, next_url, "sign_in_code")
    if rules.needs_second_factor(user):
        return _postpone(request, user, next_url, "second_factor_set_up")
    return complete(request, user, next_url, method=log.Method.PASSWORD)


def pending(request: HttpRequest) -> Pending | None:
    """Return who has entered the password in this browser, or None if no one has in the last minutes."""
    stored = request.session.get(PENDING)
    if not stored or stored["until"] < time.time():
        return None
    user = User.objects.filter(pk=stored["user"], is_active=True, is_staff=True).first()
    # A password that was changed since then is no longer the right one.
    if user is None or not constant_time_compare(stored["hash"], user.get_session_auth_hash()):
        return None
    return Pending(user, stored["next"])


def complete(request: HttpRequest, user: User, next_url: str, *, method: log.Method) -> HttpResponse:
    """Sign the user in and redirect to the page that was wanted."""
    open_session(request, user, method=method)
    response = HttpResponseRedirect(next_url)
    remember(request, response, user.get_username())
    return response


def open_session(request: HttpRequest, user: User, *, method: log.Method) -> None:
    """Sign the user in: the session belongs to the user from now on, and has a new key."""
    request.session.pop(PENDING, None)
    login(request, user, backend=BACKEND)
    request.session[SIGN_IN] = describe_sign_in(request)
    log.record(log.Kind.SIGNED_IN, user, request=request, method=method)


def _postpone(request: HttpRequest, user: User, next_url: str, page: str) -> HttpResponse:
    request.session[PENDING] = {
        "user": user.pk,
        "hash": user.get_session_auth_hash(),
        "until": time.time() + MINUTES * 60,
        "next": next_url,
    }
    return HttpResponseRedirect(reverse(page))
