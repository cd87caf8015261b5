"""Refuse addresses that no page can have."""

from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_only_middleware

View = Callable[[HttpRequest], HttpResponse]


@sync_only_middleware
def refuse_null_characters(get_response: View) -> View:
    """Return a middleware that refuses a null character in the path or in the query with 400.

    PostgreSQL can't store this character, so it would end in an error wherever a page looks for such a text.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        query = request.META.get("QUERY_STRING", "")
        if "\0" in request.path_info or "%00" in query or "\0" in query:
            raise BadRequest("the address contains a null character")
        return get_response(request)

    return middleware
