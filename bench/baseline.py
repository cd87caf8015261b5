"""The baseline view. It uses gunicorn, Django, DRF and the throttle, but parses no JSON and uses no database.

The cost of this view is the minimum cost of a webhook, without the processing in the CRM.
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
    """A view that returns a response of the same format as the webhook's response."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = (WebhookThrottle,)

    def post(self, request: Request) -> Response:
        """Read the body, because the view of the webhook also reads it, and return a constant response."""
        _ = request._request.body
        return Response(ANSWER)
