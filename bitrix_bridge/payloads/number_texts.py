"""Read numbers and sums from texts that programs and people have formatted.

The separators may be spaces of any kind, apostrophes, commas and dots. A sum may have the sign or the name of the tenge
before or after it, HTML entities and HTML tags. A text with a different currency is no sum in KZT.
"""

import re
from decimal import Decimal

from orders.values.text import unescape

_LONGEST_TEXT = 400
_LONGEST_NUMBER = 100

_TAG = re.compile(r"<[^<>]*>")
# Python's \s contains the no-break, thin and narrow spaces. The other characters have no width.
_SPACES = re.compile(r"[\s\u200b\u2060\ufeff]+")
_MINUSES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))
_TENGE = r"(?:₸|kzt|kz₸|тенге|тңг|тнг|тг|tenge|tng|tg)\.?"
_MARK_BEFORE = re.compile(rf"^(?P<sign>[+-]?)\s*{_TENGE}\s*", re.IGNORECASE)
# Bitrix stores a property of the type "money" as `12990|KZT`.
_MARK_AFTER = re.compile(rf"(?<!\s)\s*+\|?\s*+{_TENGE}$", re.IGNORECASE)
_NO_HUNDREDTHS = re.compile(r"(?<=[0-9])[.,]\s?-$")
_APOSTROPHES = re.compile(r"(?<=[0-9])['`´‘’ʼ′](?=[0-9]{3}(?![0-9]))")

_GROUPS = {
    " ": re.compile(r"[0-9]{1,3}(?: [0-9]{3})+"),
    ",": re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+"),
    ".": re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+"),
}
_PLAIN = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?")
_BARE = re.compile(r"[0-9]{1,40}(?:\.[0-9]{1,40})?")
"""A number as PHP and MySQL print it, such as `7500` or `7500.0000`, without a sign."""
_ONE_GROUP = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
"""A number such as `12,990` or `12.990`: the separator may be that of the thousands or of the decimals."""


def number_in(raw: str) -> Decimal | None:
    """Return the number, or None if the text is not a number. Raise no exception.

    A comma before exactly three digits (`7,500`) may be the thousands separator of PHP's `number_format` or a Russian
    decimal comma, so the text is not a number.
    """
    if _BARE.fullmatch(raw):
        return Decimal(raw)
    text = _tidied(raw)
    return None if "," in text and _ONE_GROUP.fullmatch(text.lstrip("+-")) else _number(text)


def sum_in(raw: str) -> Decimal | None:
    """Return the sum in KZT, or None if the text is not a sum in KZT. Raise no exception.

    `12,990` and `12.990` are sums only with a currency sign: a sum beside it has no thousandths.
    """
    if _BARE.fullmatch(raw):
        return None if _ONE_GROUP.fullmatch(raw) else Decimal(raw)
    text = _tidied(raw)
    unmarked = _MARK_AFTER.sub("", text)
    if unmarked == text:
        unmarked = _MARK_BEFORE.sub(r"\g<sign>", text)
    unmarked = _APOSTROPHES.sub(" ", _NO_HUNDREDTHS.sub("", unmarked))
    sign, digits = _sign_of(unmarked)
    if _ONE_GROUP.fullmatch(digits):
        return None if unmarked == text else _number(sign + re.sub("[.,]", "", digits))
    return _number(unmarked)


def is_blank(raw: str) -> bool:
    """Return whether the text has no visible characters."""
    return not _tidied(raw)


def _tidied(raw: str) -> str:
    """Return the text without tags, entities and repeated spaces, with ASCII minus signs. A too long text is kept."""
    if len(raw) > _LONGEST_TEXT:
        return raw
    text = _TAG.sub("", unescape(unescape(raw)))
    return _SPACES.sub(" ", text).strip().translate(_MINUSES)


def _sign_of(text: str) -> tuple[str, str]:
    sign = text[:1] if text[:1] in ("-", "+") else ""
    return sign, text[len(sign) :].lstrip()


def _number(text: str) -> Decimal | None:
    if len(text) > _LONGEST_NUMBER:
        return None
    sign, digits = _sign_of(text)
    plain = _without_grouping(digits)
    return Decimal(sign + plain) if plain is not None and _PLAIN.fullmatch(plain) else None


def _without_grouping(text: str) -> str | None:
    """Return the number with a decimal point and no thousands separators, or None if its separators are not clear."""
    if "," in text and "." in text:
        grouping, point = (",", ".") if text.rindex(",") < text.rindex(".") else (".", ",")
    elif text.count(",") == 1:
        grouping, point = " ", ","
    elif "," in text:
        grouping, point = ",", "."
    elif text.count(".") > 1:
        grouping, point = ".", ","
    else:
        grouping, point = " ", "."
    # A second point stays in the fraction, so the result is not a number either.
    whole, _, fraction = text.partition(point)
    if grouping in whole:
        if not _GROUPS[grouping].fullmatch(whole):
            return None
        whole = whole.replace(grouping, "")
    return f"{whole}.{fraction}" if fraction else whole
