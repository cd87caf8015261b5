"""Refuse requests with a null character, which no text has and PostgreSQL can't store."""

from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.utils.decorators import sync_only_middleware

View = Callable[[HttpRequest], HttpResponse]

FORMS = ("/crm/", "/p/")
"""The beginnings of the paths to which browsers post forms. Webhooks read their bodies themselves."""


@sync_only_middleware
def refuse_null_characters(get_response: View) -> View:
    """Return a middleware that refuses a null character in the path, in the query or in a form with 400.

    It would end in an error wherever a page looks for such a text or saves it.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        query = request.META.get("QUERY_STRING", "")
        if "\0" in request.path_info or "%00" in query or "\0" in query:
            raise BadRequest("the address contains a null character")
        if request.method == "POST" and request.path_info.startswith(FORMS) and _has_null(request):
            raise BadRequest("the form contains a null character")
        return get_response(request)

    return middleware


def _has_null(request: HttpRequest) -> bool:
    try:
        return any("\0" in name or any("\0" in one for one in values) for name, values in request.POST.lists())
    except UnreadablePostError:  # the connection is lost
        return False
