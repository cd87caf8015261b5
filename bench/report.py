"""The texts with the results of the webhook benchmark."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from bench.client import Load
from bench.queries import Statements


@dataclass(frozen=True, slots=True)
class Row:
    """The measurements of the requests to one view over a number of connections. Times are in seconds."""

    view: str
    connections: int
    load: Load
    web_cpu: float
    database_cpu: float

    @property
    def rate(self) -> float:
        """Return the number of requests per second."""
        return len(self.load.latencies) / self.load.seconds

    def milliseconds(self, seconds: float) -> float:
        """Return the time per request in milliseconds. `seconds` is the time of all requests."""
        return 1000 * seconds / len(self.load.latencies)


def facts(database_version: str, web_processes: int) -> str:
    """Return the facts that the results depend on: machine, versions and web processes."""
    import django

    return "\n".join(
        (
            f"Machine     {os.cpu_count()} cores, {_processor()}; load average {os.getloadavg()[0]:.2f} before",
            f"Software    Python {platform.python_version()}, Django {django.get_version()},"
            f" PostgreSQL {database_version}, {web_processes} web processes",
        )
    )


def statements(counted: Mapping[str, Statements]) -> str:
    """Return the numbers of SQL statements per request as text."""
    names = {"created": "order.create", "updated": "order.update"}
    lines = [
        f"  {names[action]}  {one.usual:g} ({one.least} to {one.most}), and {one.transaction_control:g} for the"
        f" transaction; {one.requests} requests"
        for action, one in sorted(counted.items())
    ]
    return "\n".join(("SQL statements per request, median (minimum to maximum):", *lines))


def table(rows: Sequence[Row]) -> str:
    """Return the measurements as a table, with the ratio of the webhook to the baseline."""
    head = (
        f"{'view':<14}{'connections':>12}{'requests/s':>12}{'p50':>8}{'p95':>8}{'p99':>8}"
        f"{'CPU web':>10}{'CPU DB':>10}{'client':>9}"
    )
    units = f"{'':<38}{'ms':>8}{'ms':>8}{'ms':>8}{'ms/req':>10}{'ms/req':>10}{'of all':>9}"
    lines = [head, units]
    for webhook, answers in zip(rows[::2], rows[1::2], strict=True):
        lines += [_line(webhook), _line(answers)]
        slower = answers.rate / webhook.rate
        cpu_ratio = webhook.web_cpu / answers.web_cpu if answers.web_cpu else float("nan")
        lines.append(f"{'  ratio':<26}{f'1 : {slower:.1f}':>12}{'':>24}{f'{cpu_ratio:.1f} : 1':>10}")
    return "\n".join(lines)


def persistence(loads: Sequence[Load]) -> str:
    """Return the numbers of requests and connections of the client as text."""
    requests, made = sum(len(load.latencies) for load in loads), sum(load.connections_made for load in loads)
    return f"{requests} requests over {made} connections (those that the server closed, and those open at the end)."


def _line(row: Row) -> str:
    cuts = quantiles(row.load.latencies, n=100, method="inclusive")
    share = row.load.client_cpu / row.load.seconds / (os.cpu_count() or 1)
    return (
        f"{row.view:<14}{row.connections:>12}{row.rate:>12.0f}"
        + "".join(f"{1000 * cuts[cut - 1]:>8.1f}" for cut in (50, 95, 99))
        + f"{row.milliseconds(row.web_cpu):>10.2f}{row.milliseconds(row.database_cpu):>10.2f}{share:>9.0%}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
