"""The server's part of the drafts that a browser stores until a form is saved (`static/cvety_crm/drafts.js`).

The form posts the ids of its drafts. The session contains the ids of the saved ones, and the next page deletes these
drafts from the browser. The session is used because the answer to a save may get lost on its way.
"""

from django.contrib import admin
from django.contrib.messages import constants, get_messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.utils.deprecation import MiddlewareMixin
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

FIELD = "draft"
SAVED = "saved_drafts"
"""The session key with the ids of the latest saved drafts."""
REMEMBERED = 20
_LONGEST_ID = 20


class SavedDrafts(MiddlewareMixin):
    """The middleware that remembers which drafts have been saved."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Return the response, and store the posted ids if the form was saved."""
        if request.method == "POST" and _is_saved(request, response):
            ids = [one for one in request.POST.getlist(FIELD) if one.isalnum() and len(one) <= _LONGEST_ID]
            if ids and request.user.is_authenticated:
                earlier = [one for one in request.session.get(SAVED, []) if one not in ids]
                request.session[SAVED] = [*ids, *earlier][:REMEMBERED]
        return response


def _is_saved(request: HttpRequest, response: HttpResponse) -> bool:
    """Return whether a view has accepted a form: it redirects, and has not queued a message about an error."""
    if response.status_code not in (302, 303):
        return False
    queued = getattr(get_messages(request), "_queued_messages", ())  # reading them in public would use them up
    return not any(message.level >= constants.ERROR for message in queued)


@never_cache
@require_safe
def session_check(request: HttpRequest) -> HttpResponse:
    """Return the id of the user and a valid CSRF token, or status 401 if no member of staff is logged in."""
    if not admin.site.has_permission(request):
        return JsonResponse({}, status=401)
    return JsonResponse({"user": str(request.user.pk), "token": get_token(request)})
