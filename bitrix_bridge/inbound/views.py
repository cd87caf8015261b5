"""The webhook views. They throttle and authenticate the sender, parse the body and pass the event to the inbox."""

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import Error as DatabaseError
from django.utils.crypto import constant_time_compare
from rest_framework import status
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bitrix_bridge.inbound.documentation import document_webhook
from bitrix_bridge.inbound.event_handlers import is_known, is_ping
from bitrix_bridge.inbound.inbox import receive
from bitrix_bridge.inbound.parsing import BadBodyError, parse_body, read_incoming
from bitrix_bridge.inbound.throttling import WebhookThrottle
from bitrix_bridge.models import WebhookEvent

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 30


class _WebhookView(APIView):
    """The base class of the webhook views.

    Senders authenticate with a token and not with a session, so CSRF protection is not needed. The content type of a
    request is ignored.
    """

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = (WebhookThrottle,)

    def post(self, request: Request) -> Response:
        """Receive one event and return its outcome."""
        if _declared_length(request) > settings.WEBHOOK_MAX_BYTES:
            return _too_large()
        try:
            raw = request._request.body
        except RequestDataTooBig:
            return _too_large()
        if len(raw) > settings.WEBHOOK_MAX_BYTES:
            return _too_large()

        # The token may be in the body. If the body can't be parsed, only the token in the header is checked.
        try:
            body: dict[str, Any] = parse_body(raw)
            body_error = None
        except BadBodyError as error:
            body, body_error = {}, error
        if not _is_authorized(request, body):
            return _error(status.HTTP_401_UNAUTHORIZED, "invalid_token")
        if body_error is not None:
            return _error(status.HTTP_400_BAD_REQUEST, "invalid_payload", str(body_error))
        event = str(body.get("event", ""))
        if is_ping(event):
            # No database query: a ping tests only the connection, and `/health` checks the database.
            return Response({"status": "success", "action": "pong"})
        try:
            known = is_known(event)
            incoming = read_incoming(body, known=known, remote_addr=WebhookThrottle().get_ident(request))
        except BadBodyError as error:
            return _error(status.HTTP_400_BAD_REQUEST, "invalid_payload", str(error))

        try:
            return Response(_success(receive(incoming)))
        except DatabaseError:
            # The database is unavailable, read-only or full. The sender will send the event again.
            logger.exception("the event could not be stored")
            response = _error(status.HTTP_503_SERVICE_UNAVAILABLE, "database_unavailable")
            response["Retry-After"] = str(RETRY_AFTER_SECONDS)
            return response

    def handle_exception(self, exc: Exception) -> Response:
        """Return the response for the exception. For a throttled sender, use the error format of the webhooks."""
        response = super().handle_exception(exc)
        if isinstance(exc, Throttled):
            response.data = {"status": "error", "error": "too_many_requests"}
        return response


@document_webhook("заказы и покупатели")
class OrderWebhookView(_WebhookView):
    """The view of `POST /webhooks/bitrix/order`."""


@document_webhook("товары")
class ProductWebhookView(_WebhookView):
    """The view of `POST /webhooks/bitrix/product`."""


def _declared_length(request: Request) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def _is_authorized(request: Request, body: dict[str, Any]) -> bool:
    given = []
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        given.append(credentials.strip())
    if isinstance(body.get("token"), str):
        given.append(body["token"])
    # Compare every token, so that the response time does not reveal which one matches.
    matches = [constant_time_compare(one, token) for one in given for token in settings.WEBHOOK_TOKENS if token]
    return any(matches)


def _success(row: WebhookEvent) -> dict[str, Any]:
    body: dict[str, Any] = {"status": "success", "action": row.action, "event_id": str(row.pk)}
    if row.order is not None:
        body |= {"order_id": str(row.order.pk), "order_number": row.order.order_number}
    return body


def _too_large() -> Response:
    return _error(status.HTTP_413_REQUEST_ENTITY_TOO_LARGE, "too_large", f"limit: {settings.WEBHOOK_MAX_BYTES} bytes")


def _error(code: int, error: str, message: str = "") -> Response:
    body = {"status": "error", "error": error}
    return Response(body | ({"message": message} if message else {}), status=code)
