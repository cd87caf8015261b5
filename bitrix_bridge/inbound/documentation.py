"""The OpenAPI documentation of the webhooks, shown at /docs. It describes the request and every response."""

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
    inline_serializer,
)
from rest_framework import serializers
from rest_framework.views import APIView

from bitrix_bridge.inbound.event_handlers import HANDLERS
from bitrix_bridge.models import WebhookEvent

View = TypeVar("View", bound=type[APIView])

_SUCCESS = inline_serializer(
    "WebhookSuccess",
    {
        "status": serializers.ChoiceField(choices=["success"]),
        "action": serializers.ChoiceField(choices=[*WebhookEvent.Action.values, "pong"]),
        "event_id": serializers.UUIDField(required=False, help_text="Нет только в ответе на ping."),
        "order_id": serializers.UUIDField(required=False),
        "order_number": serializers.CharField(required=False),
    },
)
_ERROR = inline_serializer(
    "WebhookError",
    {
        "status": serializers.ChoiceField(choices=["error"]),
        "error": serializers.CharField(),
        "message": serializers.CharField(required=False),
    },
)
_RETRY_AFTER = OpenApiParameter(
    "Retry-After", OpenApiTypes.INT, OpenApiParameter.HEADER, response=[429, 503], description="Секунды до повтора."
)
_ID = {
    "description": "ID на сайте.",
    "anyOf": [
        {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
        {"type": "string", "pattern": "^[1-9][0-9]{0,17}$"},
    ],
}
_HANDLED = sorted({*HANDLERS, "order.status_change"})
_REQUEST = {
    "type": "object",
    "required": ["event"],
    "properties": {
        "event": {
            "type": "string",
            "pattern": "\\S",
            "description": "Имя события; прочие сохраняются и не меняют ничего.",
        },
        "data": {"description": "Поля b_sale_order, properties, basket, user — или товара. Не нужно для ping."},
        "event_id": {"description": "Строка, одинаковая у повторов одного события."},
        "token": {"description": "Строка, если токена нет в заголовке Authorization: Bearer."},
    },
    "anyOf": [
        {
            "properties": {
                "event": {"enum": _HANDLED},
                "data": {"type": "object", "required": ["ID"], "properties": {"ID": _ID}},
            },
            "required": ["data"],
        },
        {"properties": {"event": {"not": {"enum": _HANDLED}}}},
    ],
}
"""The body as JSON. The server also understands forms, serialized PHP arrays and other spellings (docs/bitrix.md),
which a new sender has no reason to use."""
_PING = OpenApiExample("Проверка связи", request_only=True, value={"event": "ping"})
_PONG = OpenApiExample(
    "Ответ на проверку связи",
    response_only=True,
    status_codes=["200"],
    value={"status": "success", "action": "pong"},
)
_EXAMPLE = OpenApiExample(
    "Новый заказ",
    request_only=True,
    value={
        "event": "order.create",
        "data": {
            "ID": "122183",
            "STATUS_ID": "N",
            "PRICE": "9000.0000",
            "properties": {"nameRecipient": "Мария", "city": "2", "when": "18", "data": "2025-08-25"},
            "basket": [{"PRODUCT_ID": "696613", "NAME": "Букет Стандарт", "PRICE": "7500.0", "QUANTITY": "1.0000"}],
        },
    },
)


def require_bodies(result: dict[str, Any], **_arguments: Any) -> dict[str, Any]:
    """Mark the body of each request as required, which drf-spectacular does not do for a schema of our own."""
    for operations in result["paths"].values():
        for operation in operations.values():
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
    return result


def document_webhook(about: str) -> Callable[[View], View]:
    """Return a decorator that documents a webhook view; `about` names the subject of its events."""
    return extend_schema_view(
        post=extend_schema(
            summary=f"Вебхук сайта: {about}",
            description=(
                "Событие ping проверяет дорогу: адрес, прокси и токен. Оно ничего не сохраняет и не обращается к базе "
                "данных, ответ — action: pong."
            ),
            # A security requirement in OpenAPI's format; drf_spectacular's annotation allows only its own classes.
            auth=[{"webhookToken": []}],  # type: ignore[list-item]
            request={"application/json": _REQUEST},
            parameters=[_RETRY_AFTER],
            examples=[_EXAMPLE, _PING, _PONG],
            responses={
                200: OpenApiResponse(
                    _SUCCESS, "Событие сохранено, action говорит, что с ним стало; pong — ответ на ping."
                ),
                400: OpenApiResponse(_ERROR, "Не JSON и не форма, нет event или ID: в message сказано, что и где."),
                401: OpenApiResponse(_ERROR, "Нет токена или он неверен."),
                408: OpenApiResponse(_ERROR, "Соединение оборвалось: тело пришло не целиком, повторить."),
                411: OpenApiResponse(_ERROR, "Нет ни Content-Length, ни Transfer-Encoding: chunked."),
                413: OpenApiResponse(_ERROR, "Больше 1 МБ, также после распаковки."),
                415: OpenApiResponse(_ERROR, "Сжатие не gzip и не deflate: Accept-Encoding называет возможные."),
                429: OpenApiResponse(_ERROR, "Слишком часто: повторить через Retry-After секунд."),
                503: OpenApiResponse(_ERROR, "База данных недоступна: повторить через Retry-After секунд."),
            },
        )
    )
