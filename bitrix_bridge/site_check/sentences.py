"""Describe differences in sentences for managers and developers."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext

from bitrix_bridge.site_check.comparison import Checksum, Difference, Kind

LONGEST_VALUE = 80


def sentence(difference: Difference) -> str:
    """Return the difference as a sentence."""
    return _SENTENCES[difference.kind](difference)


def sentence_in_step(title: Any, difference: Difference) -> str:
    """Return the difference as a sentence that names its step."""
    return gettext("Step “%(step)s”: %(difference)s") % {"step": title, "difference": sentence(difference)}


def _field(one: Difference) -> str:
    if one.name.endswith("order_id"):
        return gettext("%(name)s belongs to another order") % {"name": _name(one.name)}
    text = gettext("%(name)s on the site: %(site)s, expected: %(expected)s")
    return text % {
        "name": _name(one.name),
        "site": _value(one.name, one.site),
        "expected": _value(one.name, one.expected),
    }


def _missing(one: Difference) -> str:
    return gettext("the site does not return %(name)s") % {"name": _name(one.name)}


def _version(one: Difference) -> str:
    text = gettext("%(name)s on the site has grown by %(site)s, expected: by %(expected)s")
    return text % {"name": _name(one.name), "site": _value("", one.site), "expected": _value("", one.expected)}


def _checksum(one: Difference) -> str:
    text = gettext("%(name)s on the site: %(site)s, expected: %(expected)s")
    words = {
        Checksum.GIVEN: gettext("is there"),
        Checksum.CHANGED: gettext("has changed"),
        Checksum.SAME: gettext("has not changed"),
        Checksum.AS_READ: gettext("the same as in the order"),
        Checksum.OTHER: gettext("different from the one in the order"),
    }
    return text % {"name": _name(one.name), "site": words[one.site], "expected": words[one.expected]}


def _refused(one: Difference) -> str:
    step = gettext(", step %(step)s") % {"step": one.site} if one.site else ""
    text = gettext("the site refused (%(code)s%(step)s), expected: done. %(said)s")
    return (text % {"code": one.name, "step": step, "said": _message(one)}).strip()


def _not_refused(one: Difference) -> str:
    text = gettext("the site did it, expected: a refusal (%(status)s, %(code)s)")
    return text % {"status": one.expected, "code": one.name}


def _other_refusal(one: Difference) -> str:
    pairs = {"site": one.site, "expected": one.expected}
    parts = {name: ", ".join(str(part) for part in pair if part) for name, pair in pairs.items()}
    text = gettext("the site refused with another error: %(site)s, expected: %(expected)s. %(said)s")
    return (text % {**parts, "said": _message(one)}).strip()


def _part_refused(one: Difference) -> str:
    text = gettext("the site refused %(what)s (%(code)s, step %(step)s). %(said)s")
    return (text % {"what": one.name, "code": one.site, "step": one.expected, "said": _message(one)}).strip()


def _part_not_refused(one: Difference) -> str:
    text = gettext("the site accepted %(what)s, expected: a refusal (%(code)s)")
    return text % {"what": one.name, "code": one.expected}


def _warning(one: Difference) -> str:
    text = gettext("unexpected warning of the site (%(code)s). %(said)s")
    return (text % {"code": one.name or "?", "said": _message(one)}).strip()


def _no_warning(one: Difference) -> str:
    return gettext("the site sent no warning, expected: %(code)s") % {"code": one.name}


def _no_property(one: Difference) -> str:
    return gettext("the site has no order property %(code)s: the CRM can't send it there") % {"code": one.name}


def _setting(one: Difference) -> str:
    text = gettext("%(name)s: %(site)s. %(said)s")
    return (text % {"name": one.name, "site": _value("", one.site), "said": one.message}).strip()


def _no_webhook(one: Difference) -> str:
    text = gettext("no webhook arrived within %(seconds)d s: the site does not reach this CRM. %(said)s")
    return (text % {"seconds": one.expected, "said": _message(one)}).strip()


def _no_last_webhook(one: Difference) -> str:
    text = gettext("the site sent no webhook about the deletion within %(seconds)d s, only: %(events)s. %(said)s")
    return (text % {"seconds": one.expected, "events": one.site, "said": _message(one)}).strip()


def _message(one: Difference) -> str:
    return gettext("The site's answer: “%(said)s”") % {"said": one.message.strip()} if one.message.strip() else ""


def _name(path: str) -> str:
    first, _, rest = path.partition(".")
    number, _, column = rest.partition(".")
    if first in ("basket", "payments", "orders") and rest == "count":
        counted = {
            "basket": gettext("number of lines"),
            "payments": gettext("number of payments"),
            "orders": gettext("number of orders in the list"),
        }
        return counted[first]
    if first == "basket":
        return gettext("%(column)s of line %(number)s") % {"column": column, "number": number}
    if first == "payments":
        return gettext("%(column)s of payment %(number)s") % {"column": column, "number": number}
    if first == "properties":
        return gettext("property %(code)s") % {"code": rest}
    if first == "row":
        return gettext("%(column)s in the list") % {"column": rest}
    if first == "user":
        return gettext("%(column)s of the buyer") % {"column": rest}
    return path


def _value(name: str, value: Any) -> str:
    if value is None:
        return gettext("nothing")
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, Decimal):
        return f"{value:f}" if name.endswith("QUANTITY") else f"{value:.2f}".replace(".", ",")
    text = str(value)
    if not text.strip():
        return gettext("empty")
    if len(text) > LONGEST_VALUE:
        text = text[:LONGEST_VALUE] + "…"
    return f"«{text}»" if any(character.isspace() for character in text) else text


_SENTENCES: Mapping[Kind, Callable[[Difference], str]] = {
    Kind.FIELD: _field,
    Kind.MISSING: _missing,
    Kind.VERSION: _version,
    Kind.CHECKSUM: _checksum,
    Kind.REFUSED: _refused,
    Kind.NOT_REFUSED: _not_refused,
    Kind.OTHER_REFUSAL: _other_refusal,
    Kind.PART_REFUSED: _part_refused,
    Kind.PART_NOT_REFUSED: _part_not_refused,
    Kind.WARNING: _warning,
    Kind.NO_WARNING: _no_warning,
    Kind.NO_PROPERTY: _no_property,
    Kind.SETTING: _setting,
    Kind.NO_WEBHOOK: _no_webhook,
    Kind.NO_LAST_WEBHOOK: _no_last_webhook,
}
