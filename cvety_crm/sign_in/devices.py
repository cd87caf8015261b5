"""The devices on which somebody has signed in. A signed cookie of the browser names their accounts.

A known device has limits of its own, so no stranger who guesses passwords can lock its owner out.
"""

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

COOKIE = "crm_device"
LIFE = 365 * 24 * 3600
"""Seconds after which an unused device is forgotten."""
MOST_ACCOUNTS = 20
"""The accounts that one browser remembers, the last ones."""
_SALT = "cvety_crm.sign_in.devices"


def known_accounts(request: HttpRequest) -> list[str]:
    """Return the usernames that have signed in with this browser, the last one at the end."""
    try:
        found = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT, max_age=LIFE)
    except signing.BadSignature:
        return []
    return [str(name) for name in found] if isinstance(found, list) else []


def remember(request: HttpRequest, response: HttpResponse, username: str) -> None:
    """Let the browser remember that this account has signed in."""
    others = [name for name in known_accounts(request) if name != username]
    response.set_cookie(
        COOKIE,
        signing.dumps([*others, username][-MOST_ACCOUNTS:], salt=_SALT),
        max_age=LIFE,
        path=settings.CSRF_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
