"""The benchmark of the order list measures the time of each page with different numbers of orders."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from urllib.parse import quote

from django.test import Client

from bench.client import WrongAnswerError

RUNS = 7
PAGES = {
    "today, with all counts": "/crm/orders/order/",
    "all, page 1": "/crm/orders/order/?preset=all",
    "archive": "/crm/orders/order/?preset=archive",
    "late": "/crm/orders/order/?preset=late",
    "not paid": "/crm/orders/order/?preset=unpaid",
    "a status": "/crm/orders/order/?status__code__exact=cancelled",
    "a rare city": "/crm/orders/order/?city__bitrix_id__exact=99",
    "search: a number": "/crm/orders/order/?q=9999",
    "search: a whole phone": "/crm/orders/order/?q=8 (701) 007-91-9",
    "search: four digits": "/crm/orders/order/?q=4567",
    "search: a name": "/crm/orders/order/?q=мария",
    "search: an address": "/crm/orders/order/?q=абая 150",
    "pulse, nothing new": "/crm/orders/order/pulse/?changed={changed}",
    "pulse, something new": "/crm/orders/order/pulse/?changed=",
}


@dataclass(frozen=True, slots=True)
class Timings:
    """The median time of each page in milliseconds, with `orders` orders in the table."""

    orders: int
    milliseconds: dict[str, float]


def measure(numbers: Sequence[int]) -> list[Timings]:
    """Measure all pages for each number of orders, from the smallest number to the largest.

    Raise `WrongAnswerError` if a response is an error page.
    """
    from django.test import Client, override_settings

    from bench.many_orders import make_orders
    from cvety_crm.users import User

    user = User.objects.create_superuser("bench", password="made-up")
    found, last = [], 0
    # The storage in the CRM's settings needs collected static files, and the benchmark does not collect them.
    plain = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
             "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}  # fmt: skip
    with override_settings(STORAGES=plain, ALLOWED_HOSTS=["testserver"], HTTPS=False, SECURE_SSL_REDIRECT=False):
        client = Client()
        client.force_login(user)
        for number in sorted(numbers):
            make_orders(last + 1, number)
            last = number
            found.append(Timings(number, _measure_pages(client)))
    return found


def _measure_pages(client: Client) -> dict[str, float]:
    page = client.get("/crm/orders/order/").content.decode()
    (changed,) = re.findall(r'name="changed" value="([^"]*)"', page)
    milliseconds = {}
    for name, address in PAGES.items():
        times = []
        for _run in range(RUNS + 1):
            started = time.perf_counter()
            answer = client.get(address.replace("{changed}", quote(changed)))
            times.append(1000 * (time.perf_counter() - started))
            if answer.status_code not in (200, 204):
                raise WrongAnswerError(f"{address}: {answer.status_code}")
        milliseconds[name] = median(times[1:])
    return milliseconds


def table(found: Sequence[Timings]) -> str:
    """Return a table of the times in milliseconds, each with its ratio to the time for the first number of orders."""
    lines = [f"{'ms (times the smallest)':<24}" + "".join(f"{one.orders:>18,}" for one in found)]
    for name in PAGES:
        base = found[0].milliseconds[name]
        cells = (f"{one.milliseconds[name]:.0f} ({one.milliseconds[name] / base:.1f})" for one in found)
        lines.append(f"{name:<24}" + "".join(f"{cell:>18}" for cell in cells))
    return "\n".join(lines)
