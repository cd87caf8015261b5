"""The tokens of webhooks."""

from collections.abc import Iterable

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare
from rest_framework.request import Request


def header_tokens(request: Request | HttpRequest) -> list[str]:
    """Return the tokens in the headers of a request."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    bearer = [credentials.strip()] if scheme.lower() == "bearer" else []
    return [*bearer, request.headers.get("X-Webhook-Token", "").strip()]


def is_valid(given: Iterable[str]) -> bool:
    """Return whether one of the tokens is one of `WEBHOOK_TOKENS`."""
    # Compare every token, so that the response time does not reveal which one matches.
    matches = [constant_time_compare(one, token) for one in given for token in settings.WEBHOOK_TOKENS if token]
    return any(matches)
