"""Reading addresses as people in Almaty write them."""

import re

_DISTRICT = re.compile(
    r"(?:\b(?:мкр|мкрн|м-н|мкр-н|микрорайон|ЖК|жилой комплекс)\b\.?\s*[«\"]?[\w-]+(?:[ -]\d+\w?)?[»\"]?)"
    r"|(?:\b[\w-]+(?:ский|инский|овский)\s+(?:район|р-н)\b)",
    re.IGNORECASE,
)


def split_address(address: str) -> tuple[str, str]:
    """Return the district or estate that an address names, and the rest of it; an empty district when it names none.

    A courier asks first in which part of the town it is.
    """
    text = " ".join(address.split())
    match = _DISTRICT.search(text)
    if match is None:
        return "", text
    rest = f"{text[: match.start()].rstrip(' ,;')}, {text[match.end() :].lstrip(' ,;.')}".strip(" ,;")
    return match[0], rest
