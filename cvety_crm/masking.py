"""Mask secrets in strings. Every string for a log, an error, a timeline or a page is passed through `mask`."""

import html
import json
import re
from functools import cache
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from django.conf import settings

MASK = "•••"
SECRET_SETTINGS = (
    *("SECRET_KEY", "SECRET_KEY_FALLBACKS", "BITRIX_API_TOKEN", "TELEGRAM_BOT_TOKEN", "WEBHOOK_TOKENS"),
    *("HEALTH_TOKEN", "METRICS_TOKEN", "EMAIL_HOST_PASSWORD", "BACKUP_S3_SECRET"),
)

# The bot token in a URL of Telegram's Bot API, the secret in a URL of a Bitrix REST webhook, a customer's link to
# the photos of their bouquet (`orders.photos.links`), and a link for a new password. JSON may write a slash as `\/`.
_URL_SECRETS = re.compile(
    r"(/bot)\d+:[\w-]+|(/rest\\?/\d+\\?/)\w+|(/p\\?/)[\w-]{43}\.[\w-]{43}"
    r"|(/login/password/[\w-]{1,20}/)[0-9a-z]{1,13}-[0-9a-f]{32}"
)

# Numbers of Kazakhstan and Russia with 11 digits, or 10 from the 7 on, and any number with a plus. Other digits are ids
# and times.
_PHONES = re.compile(
    r"(?<!\w)(?:\+?[78][\s(-]{0,2}\d{3}[\s)-]{0,2}\d{3}[\s-]?\d{2}[\s-]?\d{2}"
    r"|\(?7\d{2}[\s)-]{0,2}\d{3}[\s-]?\d{2}[\s-]?\d{2}|\+\d{10,15})(?!\w)"
)


@cache
def _secrets(values: tuple[str, ...]) -> re.Pattern[str] | None:
    spellings = {spelling for value in values for spelling in _spellings(value) if len(spelling) >= 6}
    return re.compile("|".join(map(re.escape, sorted(spellings, key=len, reverse=True)))) if spellings else None


def _spellings(value: str) -> tuple[str, ...]:
    """Return the secret unchanged, URL-encoded, HTML-escaped, and as Python, JavaScript and PHP write it in JSON."""
    in_json = [json.dumps(value, ensure_ascii=ascii)[1:-1] for ascii in (True, False)]
    return (value, quote(value, safe=""), html.escape(value), *in_json, *(text.replace("/", r"\/") for text in in_json))


def _values() -> tuple[str, ...]:
    found: list[str] = []
    for name in SECRET_SETTINGS:
        value = getattr(settings, name, "") or ""
        found.extend([value] if isinstance(value, str) else value)
    found.append(str(settings.DATABASES["default"].get("PASSWORD") or ""))
    urls = (settings.BITRIX_MYSQL_URL, settings.BACKUP_DATABASE_URL)
    found += [unquote(urlsplit(url).password or "") for url in urls]
    address = urlsplit(settings.BITRIX_API_URL)
    # Every value in the query string is masked, because a parameter's name does not show whether it is a secret.
    found += [unquote(address.password or ""), *(value for _, value in parse_qsl(address.query))]
    # The secret follows `/rest/<user>/` in the URL of an inbound webhook. The user id is too short to be masked.
    found += urlsplit(settings.BITRIX_REST_URL).path.rpartition("/rest/")[2].split("/")
    found.append(urlsplit(settings.HEARTBEAT_URL).path.rpartition("/")[2])
    found.append(urlsplit(settings.SENTRY_DSN).username or "")
    return tuple(value for value in found if value)


def mask(text: str) -> str:
    """Return the string with every configured secret, and every secret in a known kind of URL, replaced by `MASK`."""
    pattern = _secrets(_values())
    if pattern is not None:
        text = pattern.sub(MASK, text)
    return _URL_SECRETS.sub(lambda match: match[match.lastindex or 0] + MASK, text)


def mask_phones(text: str) -> str:
    """Return the string with every phone number replaced by `MASK`. Logs and error reports contain no phones."""
    return _PHONES.sub(MASK, text)


def truncate_masked(text: str, limit: int | None = None) -> str:
    """Return a string that can be stored: it is masked, then cut to `limit` characters.

    It is masked before it is cut, because a secret that is cut in half is no longer recognised. NUL and unpaired
    surrogates are replaced: PostgreSQL cannot store them, and JSON can contain both.
    """
    whole = mask(text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole[:limit].replace("\0", "\ufffd")
