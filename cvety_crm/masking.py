"""Secrets stay out of logs, errors, timelines and pages: every text that leaves is passed through `mask`."""

import logging
import re
from functools import cache
from urllib.parse import quote, urlsplit

from django.conf import settings

MASK = "•••"
SECRET_SETTINGS = ("SECRET_KEY", "BITRIX_API_TOKEN", "TELEGRAM_BOT_TOKEN", "WEBHOOK_TOKENS")

# A bot's token in an address of Telegram's Bot API; a REST webhook's secret in one of Bitrix's.
_ADDRESS_SECRETS = re.compile(r"(/bot)\d+:[\w-]+|(/rest/\d+/)\w+")


@cache
def _secrets(values: tuple[str, ...]) -> re.Pattern[str] | None:
    spellings = {spelling for value in values for spelling in (value, quote(value, safe="")) if len(spelling) >= 6}
    return re.compile("|".join(map(re.escape, sorted(spellings, key=len, reverse=True)))) if spellings else None


def _values() -> tuple[str, ...]:
    found: list[str] = []
    for name in SECRET_SETTINGS:
        value = getattr(settings, name, "")
        found.extend([value] if isinstance(value, str) else value)
    found.append(str(settings.DATABASES["default"].get("PASSWORD") or ""))
    found.append(urlsplit(settings.BITRIX_API_URL).password or "")
    return tuple(value for value in found if value)


def mask(text: str) -> str:
    """Return the text with every configured secret, and every secret in a known kind of address, blotted out."""
    pattern = _secrets(_values())
    if pattern is not None:
        text = pattern.sub(MASK, text)
    return _ADDRESS_SECRETS.sub(lambda match: (match[1] or match[2]) + MASK, text)


def keepable(text: str) -> str:
    """Return a text of another system, or of an error, fit to be kept and shown: masked, and without NUL."""
    return mask(text).replace("\0", "\ufffd")  # PostgreSQL's text takes no NUL


class MaskingFormatter(logging.Formatter):
    """Masks a whole record once it is text: message, arguments and traceback alike."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's text, masked."""
        return mask(super().format(record))
