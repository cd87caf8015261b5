"""The headers of every page that limit what a browser may do with it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_only_middleware

View = Callable[[HttpRequest], HttpResponse]

_POLICY = {
    "default-src": "'self'",
    # Unfold's templates have inline scripts, and Alpine.js evaluates the attributes of elements.
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
    # Unfold's templates have style attributes.
    "style-src": "'self' 'unsafe-inline'",
    # Small icons are a part of style sheets, and a photo is shown before it is uploaded.
    "img-src": "'self' data: blob:",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "object-src": "'none'",
}
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in _POLICY.items()),
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


@sync_only_middleware
def add_security_headers(get_response: View) -> View:
    """Return a middleware that adds the headers that a view has not set itself. No other host is allowed."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return middleware
