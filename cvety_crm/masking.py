"""Secrets stay out of logs, errors, timelines and pages: every text that leaves is passed through `mask`."""

import html
import json
import logging
import re
from functools import cache
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from django.conf import settings

MASK = "•••"
SECRET_SETTINGS = ("SECRET_KEY", "BITRIX_API_TOKEN", "TELEGRAM_BOT_TOKEN", "WEBHOOK_TOKENS", "HEALTH_TOKEN")

# A bot's token in an address of Telegram's Bot API; a REST webhook's secret in one of Bitrix's.
# JSON may write a slash as `\/`. And a customer's link to the photos of his bouquet (`orders.photos.links`).
_ADDRESS_SECRETS = re.compile(r"(/bot)\d+:[\w-]+|(/rest\\?/\d+\\?/)\w+|(/p\\?/)[\w-]{43}\.[\w-]{43}")


@cache
def _secrets(values: tuple[str, ...]) -> re.Pattern[str] | None:
    spellings = {spelling for value in values for spelling in _spellings(value) if len(spelling) >= 6}
    return re.compile("|".join(map(re.escape, sorted(spellings, key=len, reverse=True)))) if spellings else None


def _spellings(value: str) -> tuple[str, ...]:
    """Return the secret as it is, in an address, in HTML, and in JSON as Python, JavaScript and PHP write it."""
    in_json = [json.dumps(value, ensure_ascii=ascii)[1:-1] for ascii in (True, False)]
    return (value, quote(value, safe=""), html.escape(value), *in_json, *(text.replace("/", r"\/") for text in in_json))


def _values() -> tuple[str, ...]:
    found: list[str] = []
    for name in SECRET_SETTINGS:
        value = getattr(settings, name, "")
        found.extend([value] if isinstance(value, str) else value)
    found.append(str(settings.DATABASES["default"].get("PASSWORD") or ""))
    found.append(unquote(urlsplit(settings.BITRIX_MYSQL_URL).password or ""))
    address = urlsplit(settings.BITRIX_API_URL)
    # A value in its query is there to open something; which of them are secrets, their names need not say.
    found += [unquote(address.password or ""), *(value for _, value in parse_qsl(address.query))]
    # What follows `/rest/<user>/` in the address of an inbound webhook; numbers are too short to be taken for secrets.
    found += urlsplit(settings.BITRIX_REST_URL).path.rpartition("/rest/")[2].split("/")
    return tuple(value for value in found if value)


def mask(text: str) -> str:
    """Return the text with every configured secret, and every secret in a known kind of address, blotted out."""
    pattern = _secrets(_values())
    if pattern is not None:
        text = pattern.sub(MASK, text)
    return _ADDRESS_SECRETS.sub(lambda match: (match[1] or match[2] or match[3]) + MASK, text)


def truncate_masked(text: str, limit: int | None = None) -> str:
    """Return a text of another system, or of an error, fit to be kept: masked, then cut to `limit` characters.

    Whoever cuts before masking leaves the first half of a secret that lies on the edge. PostgreSQL's text takes neither
    NUL nor half of a surrogate pair, and JSON may bring both.
    """
    whole = mask(text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole[:limit].replace("\0", "\ufffd")


class MaskingFormatter(logging.Formatter):
    """Masks a whole record once it is text: message, arguments and traceback alike."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's text, masked."""
        return mask(super().format(record))
