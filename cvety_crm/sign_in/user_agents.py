"""The name of a device, made of the header User-Agent. It helps users to recognise a device, and proves nothing."""

from django.http import HttpRequest

from cvety_crm.sign_in_tables import DEVICE_LENGTH

# Each browser also names those that it is compatible with, so the first match counts.
_BROWSERS = (
    ("YaBrowser/", "Яндекс Браузер"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("MiuiBrowser/", "Mi Browser"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)
_LONGEST = 1000
"""The characters that are read. Headers of real browsers have some hundred."""


def device_of(request: HttpRequest) -> str:
    """Return the browser and the system, such as `Chrome, Windows`, or an empty string if neither is known."""
    return device_name(request.headers.get("User-Agent", ""))


def device_name(agent: str) -> str:
    """Return the browser and the system that this User-Agent names, or an empty string if neither is known."""
    agent = agent[:_LONGEST]
    found = (_first(agent, names) for names in (_BROWSERS, _SYSTEMS))
    return ", ".join(name for name in found if name)[:DEVICE_LENGTH]


def _first(agent: str, names: tuple[tuple[str, str], ...]) -> str:
    return next((name for sign, name in names if sign in agent), "")
