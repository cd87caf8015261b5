"""The comparison of the names of cities."""


def same_name(name: str) -> str:
    """Return the same string for all spellings of a city's name, such as `г. Алматы` and `АЛМАТЫ`."""
    text = " ".join(name.casefold().replace("ё", "е").split())
    return text.removeprefix("город ").removeprefix("г.").strip()
