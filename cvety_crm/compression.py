"""The middleware that compresses pages."""

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class PageCompression(GZipMiddleware):
    """Compress HTML for browsers that accept gzip. Other responses, such as those to webhooks, stay as they are.

    The length of a compressed page could reveal a secret that the page contains together with text from the request
    (the BREACH attack). The only secret in a page is the CSRF token, and Django masks it differently in each response.
    In addition, Django makes the length of each response random.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Return the response, compressed if it is HTML."""
        if not response.headers.get("Content-Type", "").startswith("text/html"):
            return response
        compressed: HttpResponseBase = super().process_response(request, response)
        return compressed
