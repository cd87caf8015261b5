"""The headers of every page that limit what a browser may do with it.

Scripts come only from files of the CRM. The pages of the admin are looser in one way each for Unfold: the script that
draws the page in the right theme is inline, with a nonce, and Alpine.js evaluates the attributes of elements, which
needs `unsafe-eval`. Styles may be inline everywhere: Unfold's templates have style attributes, and the page of an error
must need no other file. No policy allows inline scripts without a nonce, or another host.
"""

import secrets
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_only_middleware

View = Callable[[HttpRequest], HttpResponse]

ADMIN = "/crm/"
_POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self' 'unsafe-inline'",
    # Small icons are a part of style sheets, and a photo is shown before it is uploaded.
    "img-src": "'self' data: blob:",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "object-src": "'none'",
}
_HEADERS = {"Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()"}


@sync_only_middleware
def add_security_headers(get_response: View) -> View:
    """Return a middleware that adds the headers that a view has not set itself.

    `request.csp_nonce` is the nonce of inline scripts, which only the pages of the admin allow.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        nonce = secrets.token_urlsafe(16)
        request.csp_nonce = nonce  # type: ignore[attr-defined]
        response = get_response(request)
        is_admin = request.path.startswith(ADMIN)
        scripts = {"script-src": f"'self' 'nonce-{nonce}' 'unsafe-eval'"} if is_admin else {}
        policy = "; ".join(f"{name} {sources}" for name, sources in {**_POLICY, **scripts}.items())
        for name, value in {**_HEADERS, "Content-Security-Policy": policy}.items():
            response.headers.setdefault(name, value)
        return response

    return middleware
