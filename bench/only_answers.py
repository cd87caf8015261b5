"""A view that only answers: gunicorn, Django, DRF and the throttle, but no JSON read and no database.

What it costs is what a webhook costs before the CRM has done anything.
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


class OnlyAnswersView(APIView):
    """The same shape of answer as the webhook's."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = (WebhookThrottle,)

    def post(self, request: Request) -> Response:
        """Take the body off the wire, as the webhook does, and answer."""
        _ = request._request.body
        return Response(ANSWER)
