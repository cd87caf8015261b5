"""The HTTP responses with small pictures. The caller must check that the user may see the picture."""

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified

from orders.product_pictures.fetching import SIDES, Size, State, thumbnail
from orders.product_pictures.links import digest

_WEEK = 7 * 24 * 3600
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # The browser treats a picture that is opened by its URL as a page.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}
PLACEHOLDER = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40" width="160" height="160">'
    '<rect width="40" height="40" fill="#e5e7eb"/><g fill="none" stroke="#9ca3af" stroke-width="1.6">'
    '<circle cx="20" cy="15" r="3.2"/><path d="M20 11.8a3.6 3.6 0 1 1 3 1.6a3.6 3.6 0 1 1-1 4.4a3.6 3.6 0 1 1-4 0'
    'a3.6 3.6 0 1 1-1-4.4a3.6 3.6 0 1 1 3-1.6M20 21v10M20 28c3 0 5-1.500 5.500-4"/></g></svg>'
)
"""The neutral picture that is shown instead of a missing one."""


def thumbnail_response(request: HttpRequest, address: str) -> HttpResponse:
    """Return the small copy of the picture with this address on the site, or the placeholder.

    `?size=large` selects the larger copy. `?v=` is the digest of the address: with it, the browser need not ask again
    for a week. If the picture is being fetched, the response has the status 503, and the page's script asks again.
    """
    size: Size = "large" if request.GET.get("size") == "large" else "small"
    found = thumbnail(address, size)
    if found.state == State.BUSY:
        return HttpResponse(status=503, headers={**_HEADERS, "Retry-After": "1", "Cache-Control": "no-store"})
    if found.state == State.MISSING:
        caching = "private, max-age=60" if address else "private, no-cache"
        return HttpResponse(PLACEHOLDER, content_type="image/svg+xml", headers={**_HEADERS, "Cache-Control": caching})
    is_exact = request.GET.get("v") == digest(address)
    headers = {
        **_HEADERS,
        "ETag": f'"{found.key[:32]}-{SIDES[size]}"',
        "Cache-Control": f"private, max-age={_WEEK}" if is_exact else "private, no-cache",
    }
    if headers["ETag"] in request.headers.get("If-None-Match", ""):
        return HttpResponseNotModified(headers=headers)
    return HttpResponse(found.content, content_type="image/jpeg", headers=headers)
