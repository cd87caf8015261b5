"""The baseline view: gunicorn, Django, DRF and the throttle, without parsing JSON and without the database.

Its cost is the minimum cost of a webhook, before the CRM processes it.
"""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bitrix_bridge.inbound.throttling import WebhookThrottle

ANSWER: dict[str, Any] = {
    "status": "success",
    "action": "answered",
    "event_id": "00000000-0000-0000-0000-000000000000",
    "order_id": "00000000-0000-0000-0000-000000000000",
    "order_number": "122183",
}


class BaselineView(APIView):
    """A view with a response like that of the webhook."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = (WebhookThrottle,)

    def post(self, request: Request) -> Response:
        """Read the body, as the webhook does, and return a constant response."""
        _ = request._request.body
        return Response(ANSWER)
