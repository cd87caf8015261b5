"""The benchmark of pages of orders: the time and the processor time of each, with different numbers of orders."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

import psutil
from django.test import Client

from bench.client import WrongAnswerError

RUNS = 7
BULK = 50
"""The number of orders of the bulk action."""
LIST = "/crm/orders/order/"
PAGES = {
    "today, with all counts": LIST,
    "all, page 1": f"{LIST}?preset=all",
    "archive": f"{LIST}?preset=archive",
    "late": f"{LIST}?preset=late",
    "not paid": f"{LIST}?preset=unpaid",
    "a status": f"{LIST}?status__code__exact=cancelled",
    "a rare city": f"{LIST}?city__bitrix_id__exact=99",
    "search: a number": f"{LIST}?q=9999",
    "search: a whole phone": f"{LIST}?q=8 (701) 007-91-9",
    "search: four digits": f"{LIST}?q=4567",
    "search: a name": f"{LIST}?q=мария",
    "search: an address": f"{LIST}?q=абая 150",
    "pulse, nothing new": f"{LIST}pulse/?changed={{changed}}",
    "pulse, something new": f"{LIST}pulse/?changed=",
    "counts of views": f"{LIST}views/counts/",
    "filters": f"{LIST}filters/",
    "page of an order": f"{LIST}{{order}}/change/",
    "board": "/crm/board/",
    "home": "/crm/",
    "customers": "/crm/orders/customer/",
}
EXPORT = "preset=all&delivery_date_from={day}"
PER_ROW = "export, one row"


@dataclass(frozen=True, slots=True)
class Cost:
    """The median time of a request, and the mean processor time of the web process and of PostgreSQL, in ms."""

    total: float
    web: float
    database: float

    def __truediv__(self, parts: int) -> "Cost":
        return Cost(self.total / parts, self.web / parts, self.database / parts)


@dataclass(frozen=True, slots=True)
class Timings:
    """The cost of each page, and of the bulk action, with `orders` orders in the table."""

    orders: int
    pages: dict[str, Cost]
    bulk: Cost


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
            found.append(Timings(number, _measure_pages(client, user.pk), _measure_bulk(client)))
    return found


def _measure_pages(client: Client, user_id: int) -> dict[str, Cost]:
    from datetime import timedelta

    from django.utils import timezone

    from orders.export.files import write_file
    from orders.export.request import ExportRequest
    from orders.models import Order

    page = client.get(LIST).content.decode()
    (changed,) = re.findall(r'name="changed" value="([^"]*)"', page)
    today = timezone.localdate()
    values = {
        "{changed}": quote(changed),
        "{order}": str(Order.objects.filter(delivery_date__gte=today).order_by("delivery_date", "pk")[0].pk),
        "{day}": f"{today - timedelta(days=30):%d.%m.%Y}",
    }

    def get(address: str) -> Any:
        for name, value in values.items():
            address = address.replace(name, value)
        answer: Any = client.get(address)
        if answer.status_code not in (200, 204):
            raise WrongAnswerError(f"{address}: {answer.status_code}")
        return b"".join(answer) if answer.streaming else answer.content

    costs = {name: cost_of(partial(get, address), RUNS) for name, address in PAGES.items()}
    export = ExportRequest("orders", "csv", EXPORT.format(day=values["{day}"]), (), user_id)
    rows = max(write_file(export, BytesIO()), 1)
    costs[PER_ROW] = cost_of(lambda: write_file(export, BytesIO()), RUNS) / rows
    return costs


def _measure_bulk(client: Client) -> Cost:
    """Return the cost of accepting `BULK` orders at once. Raise `WrongAnswerError` if not all were accepted."""
    from bench.many_orders import new_orders
    from orders.models import Order

    keys = new_orders(BULK)
    posted = {"action": "accept_selected", "index": 0, "_selected_action": keys}
    cost = cost_of(lambda: client.post(f"{LIST}?preset=all", posted), 1, warm_up=False)
    accepted = Order.objects.filter(pk__in=keys, status__code="accepted").count()
    if accepted != len(keys):
        raise WrongAnswerError(f"the bulk action accepted {accepted} of {len(keys)} orders")
    return cost


def cost_of(act: Callable[[], Any], runs: int, *, warm_up: bool = True, with_workers: bool = False) -> Cost:
    """Return the cost of a call. A first call, which is not measured, fills the caches.

    `with_workers` adds the processor time of all processes of PostgreSQL that end during the calls, such as parallel
    workers. It is exact to a hundredth of a second.
    """
    if warm_up:
        act()
    backend = _backend()
    times = []

    def database_seconds() -> float:
        return _seconds_of(backend) + (_seconds_of_ended(backend) if with_workers else 0)

    web, database = time.process_time(), database_seconds()
    for _run in range(runs):
        started = time.perf_counter()
        act()
        times.append(1000 * (time.perf_counter() - started))
    web, database = time.process_time() - web, database_seconds() - database
    return Cost(median(times), 1000 * web / runs, 1000 * database / runs)


def _backend() -> int:
    """Return the process id of PostgreSQL's process that serves this connection. Its parallel workers do not count."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def _seconds_of(process: int) -> float:
    """Return the processor time of a process in seconds. Linux also has it in nanoseconds, not only in clock ticks."""
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        times = psutil.Process(process).cpu_times()
        return times.user + times.system


def _seconds_of_ended(process: int) -> float:
    """Return the processor time in seconds of the processes of PostgreSQL that have ended."""
    server = psutil.Process(process).parent()
    assert server is not None
    times = server.cpu_times()
    return times.children_user + times.children_system


def table(found: Sequence[Timings]) -> str:
    """Return a table of the times in milliseconds, each with its ratio to the time for the first number of orders.

    The second table has the processor times of the web process and of PostgreSQL, and the last line the bulk action.
    """
    names = list(found[0].pages)
    heads = "".join(f"{one.orders:>18,}" for one in found)
    lines = [f"{'ms (times the smallest)':<24}{heads}"]
    for name in names:
        cells = (_with_ratio(one.pages[name].total, found[0].pages[name].total) for one in found)
        lines.append(f"{name:<24}" + "".join(f"{cell:>18}" for cell in cells))
    lines += ["", f"{'CPU ms: web + database':<24}{heads}"]
    for name in names:
        cells = (f"{one.pages[name].web:.1f} + {one.pages[name].database:.1f}" for one in found)
        lines.append(f"{name:<24}" + "".join(f"{cell:>18}" for cell in cells))
    bulk = (f"{one.bulk.total / 1000:.2f}" for one in found)
    lines += ["", f"{f'bulk of {BULK}, seconds':<24}" + "".join(f"{cell:>18}" for cell in bulk)]
    spent = (f"{one.bulk.web / 1000:.2f} + {one.bulk.database / 1000:.2f}" for one in found)
    lines.append(f"{'  CPU s: web + database':<24}" + "".join(f"{cell:>18}" for cell in spent))
    return "\n".join(lines)


def _with_ratio(value: float, base: float) -> str:
    digits = 0 if value >= 10 else 2
    return f"{value:.{digits}f} ({value / base:.1f})"
