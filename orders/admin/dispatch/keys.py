"""Short texts for primary keys: the dispatcher's page has hundreds of them, and the text of a UUID is much longer."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Iterable, Mapping
from uuid import UUID

from django.http import Http404

LENGTH = 22
_SEEN_LENGTH = 8
_NO_ONE = UUID(int=0)


def short(key: UUID) -> str:
    """Return a key as 22 characters that are safe in URLs and ids."""
    return urlsafe_b64encode(key.bytes).decode().rstrip("=")


def long(text: str) -> UUID:
    """Return the key of a short text. Raise `Http404` for any other text."""
    try:
        return UUID(bytes=urlsafe_b64decode(f"{text}==" if len(text) == LENGTH else ""))
    except (ValueError, Error):
        raise Http404 from None


def with_seen(order: UUID, courier: UUID | None) -> str:
    """Return a text for an order and for the courier whom the page shows at it, if it shows one."""
    return short(order) + (short(courier)[:_SEEN_LENGTH] if courier else "")


def seen_couriers(texts: Iterable[str], couriers: Iterable[UUID]) -> Mapping[UUID, UUID | None]:
    """Return the orders of these texts (`with_seen`) with the couriers whom the page showed, None for no one.

    A courier who is not in `couriers` counts as another one than the present one. Raise `Http404` for any other text.
    """
    known = {short(key)[:_SEEN_LENGTH]: key for key in couriers}
    return {long(text[:LENGTH]): _seen(text[LENGTH:], known) for text in texts}


def _seen(text: str, known: Mapping[str, UUID]) -> UUID | None:
    return known.get(text, _NO_ONE) if text else None
