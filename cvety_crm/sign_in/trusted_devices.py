"""The devices on which a user has chosen to need no code for 30 days. A signed cookie of the browser names the user.

The password is still needed. A new password, a new second factor and "sign out everywhere" end this on all devices.
"""

import time
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

from cvety_crm.models import SecondFactor, User

COOKIE = "crm_trusted"
DAYS = 30
MOST_ACCOUNTS = 10
_LIFE = DAYS * 24 * 3600
_SALT = "cvety_crm.sign_in.trusted_devices"


def is_trusted(request: HttpRequest, user: User, factor: SecondFactor) -> bool:
    """Return whether the user needs no code in this browser."""
    stored = _stored(request).get(str(user.pk))
    if not (isinstance(stored, list) and len(stored) == 2):
        return False
    since, tag = stored
    is_recent = factor.trusted_since.timestamp() <= since <= time.time() < since + _LIFE
    return is_recent and constant_time_compare(tag, _tag(user, factor))


def trust(request: HttpRequest, response: HttpResponse, user: User, factor: SecondFactor) -> None:
    """Let the browser remember that the user needs no code in it."""
    stored = {key: value for key, value in _stored(request).items() if key != str(user.pk)}
    stored[str(user.pk)] = [time.time(), _tag(user, factor)]
    response.set_cookie(
        COOKIE,
        signing.dumps(dict(list(stored.items())[-MOST_ACCOUNTS:]), salt=_SALT),
        max_age=_LIFE,
        path=settings.CSRF_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _stored(request: HttpRequest) -> dict[str, Any]:
    try:
        found = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=_LIFE)
    except signing.BadSignature:
        return {}
    return found if isinstance(found, dict) else {}


def _tag(user: User, factor: SecondFactor) -> str:
    return salted_hmac(_SALT, f"{factor.secret} {user.password}", algorithm="sha256").hexdigest()
