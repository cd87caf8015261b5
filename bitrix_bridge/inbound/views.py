"""The webhook views. They throttle and authenticate the sender, parse the body and pass the event to the inbox."""

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from django.db import Error as DatabaseError
from rest_framework import status
from rest_framework.exceptions import Throttled
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bitrix_bridge.inbound.authentication import header_tokens, is_valid
from bitrix_bridge.inbound.documentation import document_webhook
from bitrix_bridge.inbound.earlier_callers import translated
from bitrix_bridge.inbound.event_handlers import is_known
from bitrix_bridge.inbound.event_names import is_ping
from bitrix_bridge.inbound.inbox import receive
from bitrix_bridge.inbound.parsing import address_of, parse_body, read_incoming
from bitrix_bridge.inbound.refused import keep_refused, tokens_in
from bitrix_bridge.inbound.throttling import WebhookThrottle
from bitrix_bridge.inbound.transport import DECODED, BadBodyError, read_body
from bitrix_bridge.models import WebhookEvent
from cvety_crm.measurements import measure

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 30


class _AlwaysJson(BaseContentNegotiation):
    """Respond with JSON even if `Accept` excludes it, so that no event is refused because of this header."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the only renderer."""
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


class _WebhookView(APIView):
    """The base class of the webhook views.

    Senders authenticate with a token and not with a session, so CSRF protection is not needed. The content of the body
    decides how it is read, not its content type.
    """

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = (WebhookThrottle,)
    content_negotiation_class = _AlwaysJson
    default_event = ""
    """The event of a body that names none, at the URLs of the earlier CRM."""

    def post(self, request: Request) -> Response:
        """Receive one event and return its outcome."""
        started = time.monotonic()
        response = self._receive(request)
        if not getattr(response, "_has_been_logged", False):
            outcome = response.data.get("action") or response.data.get("error")
            measure(f"webhook {outcome}", time.monotonic() - started)
        return response

    def _receive(self, request: Request) -> Response:
        body: dict[str, Any] = {}
        try:
            raw = read_body(request._request)
            body = parse_body(raw, request.headers.get("Content-Type", ""))
            refusal = None
        except BadBodyError as error:
            refusal = error
        if refusal is not None and refusal.status == status.HTTP_411_LENGTH_REQUIRED:
            # The body is unknown, and the token may be in it.
            return _refused(refusal)
        if not _is_authorized(request, body, refusal.received if refusal else b""):
            response = _error(status.HTTP_401_UNAUTHORIZED, "invalid_token")
            # The worker knocks like this each minute (`bitrix_bridge.public_url`), which is neither logged nor counted.
            response._has_been_logged = is_ping(str(body.get("event", "")))  # type: ignore[attr-defined]
            return response
        if refusal is not None:
            return _keep(request, refusal, body)
        body = translated(body, default_event=self.default_event)
        event = str(body.get("event", ""))
        if is_ping(event):
            # No database query: a ping tests only the connection, and `/health` checks the database.
            return Response({"status": "success", "action": "pong"})
        try:
            incoming = read_incoming(body, known=is_known(event), remote_addr=WebhookThrottle().get_ident(request))
        except BadBodyError as error:
            return _keep(request, error, body)
        return _stored(lambda: Response(_success(receive(incoming))))

    def handle_exception(self, exc: Exception) -> Response:
        """Return the response for the exception. For a throttled sender, use the error format of the webhooks."""
        response = super().handle_exception(exc)
        if isinstance(exc, Throttled):
            response.data = {"status": "error", "error": "too_many_requests"}
            measure("webhook too_many_requests", 0.0)
        return response


@document_webhook("заказы и покупатели")
class OrderWebhookView(_WebhookView):
    """The view of `POST /webhooks/bitrix/order`."""


@document_webhook("товары")
class ProductWebhookView(_WebhookView):
    """The view of `POST /webhooks/bitrix/product`."""


def _stored(store: Callable[[], Response]) -> Response:
    """Return the response of `store`, or 503 if the database is unavailable, read-only or full.

    After 503 the sender sends the event again.
    """
    try:
        return store()
    except DatabaseError:
        logger.exception("the event could not be stored")
        response = _error(status.HTTP_503_SERVICE_UNAVAILABLE, "database_unavailable")
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response


def _keep(request: Request, refusal: BadBodyError, body: dict[str, Any]) -> Response:
    """Store a request that has a valid token and is refused, so that staff see it, and return the refusal."""

    def keep() -> Response:
        keep_refused(
            refusal,
            body=body,
            content_type=request.headers.get("Content-Type", ""),
            remote_addr=address_of(WebhookThrottle().get_ident(request)),
        )
        return _refused(refusal)

    return _stored(keep)


def _is_authorized(request: Request, body: dict[str, Any], unparsed: bytes) -> bool:
    in_body = [body["token"]] if isinstance(body.get("token"), str) else tokens_in(unparsed)
    return is_valid([*header_tokens(request), *in_body])


def _success(row: WebhookEvent) -> dict[str, Any]:
    body: dict[str, Any] = {"status": "success", "action": row.action, "event_id": str(row.pk)}
    if row.order is not None:
        body |= {"order_id": str(row.order.pk), "order_number": row.order.order_number}
    return body


def _refused(refusal: BadBodyError) -> Response:
    response = _error(refusal.status, refusal.error, str(refusal))
    if refusal.status == status.HTTP_415_UNSUPPORTED_MEDIA_TYPE:
        response["Accept-Encoding"] = ", ".join(DECODED)
    if refusal.status == status.HTTP_408_REQUEST_TIMEOUT:
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _error(code: int, error: str, message: str = "") -> Response:
    body = {"status": "error", "error": error}
    return Response(body | ({"message": message} if message else {}), status=code)
