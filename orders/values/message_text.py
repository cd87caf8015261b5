"""The texts of message templates: their placeholders, their optional parts, and how they are filled.

`{имя}` is replaced by a value. A part in square brackets is left out if one of its values is missing, so
`Здравствуйте[, {имя}]!` also greets a person without a name. Outside brackets, the whole sentence with a missing value
is left out. So no message has a hole or a dash in place of a value.
"""

import re
from collections.abc import Iterator, Mapping

from django.utils.translation import gettext

PLACEHOLDERS = (
    "номер",
    "имя",
    "получатель",
    "дата",
    "время",
    "адрес",
    "сумма",
    "к оплате",
    "курьер",
    "магазин",
)
"""The names of the values that a template may contain."""
DUE = "к оплате"
PRICES = frozenset({"сумма", DUE})
"""The placeholders that are sums of money."""

_PLACEHOLDER = re.compile(r"\{([^{}]{0,80})\}")
_OPTIONAL = re.compile(r"\[([^\[\]]{0,2000})\]")
_CURLY = re.compile(r"[{}]")
_SQUARE = re.compile(r"[\[\]]")
_SENTENCE_END = re.compile(r"([^\W\d_]{0,20})[.!?…]{1,5}(?=\s|$)")
_ABBREVIATIONS = frozenset({"г", "д", "кв", "көш", "мкр", "пр", "тел", "ул"})
"""Words that end with a full stop inside a sentence."""
_SHOWN = 20
"""The number of characters of the text that a message about a mistake shows."""


def names_in(text: str) -> frozenset[str]:
    """Return the names of the placeholders in the text, in lower case."""
    return frozenset(_name(match) for match in _PLACEHOLDER.finditer(text))


def mistakes(text: str) -> list[str]:
    """Return a message for each mistake in the text of a template. The list is empty if the text can be used."""
    available = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
    found = [
        gettext("There is no value {%(name)s}. These exist: %(available)s.") % {"name": name, "available": available}
        for name in sorted(names_in(text) - set(PLACEHOLDERS))
    ]
    if place := _place(_CURLY, _PLACEHOLDER.sub("", text)):
        found.append(gettext("A curly bracket has no pair: “%(place)s”.") % {"place": place})
    found += [
        gettext("The part [%(part)s] contains no value, so it would always be sent. Remove the square brackets.")
        % {"part": match[1][:_SHOWN]}
        for match in _OPTIONAL.finditer(text)
        if not names_in(match[1])
    ]
    if place := _place(_SQUARE, _OPTIONAL.sub("", text)):
        found.append(gettext("A square bracket has no pair or is inside another one: “%(place)s”.") % {"place": place})
    return found


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return the text with its values. A value that is absent or empty is missing.

    Optional parts and sentences with a missing value are left out, and so are lines that become empty.
    """
    known = {name for name, value in values.items() if value}
    chosen = _OPTIONAL.sub(lambda match: match[1] if names_in(match[1]) <= known else "", text)
    lines: list[str] = []
    for line in chosen.split("\n"):
        kept = "".join(sentence for sentence in _sentences(line) if names_in(sentence) <= known).strip()
        is_blank = not line.strip()
        if kept or (is_blank and lines and lines[-1]):
            lines.append(kept)
    return _PLACEHOLDER.sub(lambda match: values[_name(match)], "\n".join(lines)).strip()


def _sentences(line: str) -> Iterator[str]:
    """Yield the sentences of a line, each with the white space behind it."""
    start = 0
    for match in _SENTENCE_END.finditer(line):
        if match[0].endswith(".") and match[1].lower() in _ABBREVIATIONS:
            continue
        rest = line[match.end() :]
        end = match.end() + len(rest) - len(rest.lstrip())
        yield line[start:end]
        start = end
    if start < len(line):
        yield line[start:]


def _name(match: re.Match[str]) -> str:
    return " ".join(match[1].split()).lower()


def _place(pattern: re.Pattern[str], text: str) -> str:
    """Return the beginning of the text at the first match of the pattern, or an empty string."""
    match = pattern.search(text)
    return text[match.start() : match.start() + _SHOWN].split("\n")[0] if match else ""
