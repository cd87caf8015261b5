"""Functions that find the district or estate in an address, and write it in one way."""

import re

LONGEST = 500
"""The number of characters in which a district, a flat or a city is searched. The site stores no longer addresses, but
its customers can send them."""
DISTRICT_LENGTH = 100
"""The maximum length of a district."""

# The pattern is for one line. The number of its repetitions is limited, so the time of a search is proportional to the
# length of the text. Without the limits, an address of 10,000 commas would be searched for minutes.
_DISTRICT = re.compile(
    r"(?:\b(?P<kind>мкр|мкрн|м-н|мкр-н|микрорайон|ЖК|жилой комплекс)\b\.? ?"
    r"[«\"]?(?P<name>[\w-]{1,60}(?:[ -]\d{1,5}\w?)?)[»\"]?)"
    r"|(?:\b(?P<part>[\w-]{1,40}ский) (?:район|р-н)\b)",
    re.IGNORECASE,
)
_ESTATES = ("жк", "жилой комплекс")


def find_district(line: str) -> re.Match[str] | None:
    """Return where an address, written on one line, names a district or an estate."""
    return _DISTRICT.search(line[:LONGEST])


def district_of(address: str) -> str:
    """Return the district or estate in an address, written in one way, or an empty string if there is none.

    So "МИКРОРАЙОН самал 2" and "мкр. Самал-2" are the same district: "мкр. Самал-2".
    """
    found = find_district(" ".join(address.split()))
    if found is None:
        return ""
    if found["part"]:
        name = f"{_with_capital(found['part'])} район"
    else:
        kind = "ЖК" if found["kind"].casefold() in _ESTATES else "мкр."
        name = f"{kind} {_with_capital(re.sub(r' (?=[0-9])', '-', found['name']))}"
    return name[:DISTRICT_LENGTH]


def _with_capital(text: str) -> str:
    """Return the text with a capital at the beginning of each part that is joined by a hyphen."""
    return "-".join(part[:1].upper() + part[1:].lower() for part in text.split("-"))
