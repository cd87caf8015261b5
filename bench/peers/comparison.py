"""Send the same webhooks to the CRM and to the plain receiver, insert the same rows with pgbench, and compare.

The bursts alternate, so that the other load of the machine affects all of them, and the table has medians.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median, quantiles

import psycopg

from bench import client, report
from bench.database import conninfo, second_database
from bench.peers import postgresql
from bench.queries import Statements
from bench.server import ROOT, Server
from bench.webhooks import Day, Webhook
from cvety_crm.ops.listen_address import free_port

PLAIN = "bench.peers.plain_django"
DATABASE = "cvety_bench_plain"
CRM_NAME, STORED_NAME, PLAIN_NAME, LIMIT_NAME = "CRM", "CRM, stored first", "plain Django", "pgbench"


@dataclass(frozen=True, slots=True)
class Burst:
    """The measurements of one burst. Times are in seconds."""

    rate: float
    p50: float
    p99: float
    web_cpu: float
    """The processor time of the web processes for each request. It is 0 for pgbench."""


def compare(day: Day, counted: Mapping[str, Statements], options: argparse.Namespace, database_version: str) -> str:
    """Return the comparison as text. `counted` are the statements of the CRM."""
    with ExitStack() as running:
        url = running.enter_context(second_database(DATABASE))
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": f"{PLAIN}.settings",
            "DATABASE_URL": url,
            "PORT": str(free_port(preferred=8010)),
        }
        _run(environment, "-m", "django", "migrate", "--run-syncdb", "--verbosity=0")
        plain_counted = _counted(environment, options.counted)
        postgresql.prepare(url)
        crm, plain = running.enter_context(Server()), running.enter_context(Server(f"{PLAIN}.wsgi", environment))
        # Its own folder, because the CRM would queue events behind those that this server has queued.
        scratch = running.enter_context(tempfile.TemporaryDirectory())
        storing = {"WEBHOOK_TIME_BUDGET": "0", "THROTTLE_CACHE_DIR": scratch, "PORT": str(free_port(preferred=8011))}
        stored = running.enter_context(Server(environment=os.environ | storing))
        warm_up = day.take(options.warm_up)
        for server in (crm, plain):
            client.send(_target(server), warm_up, connections=16)
        client.send(_target(stored, "stored"), day.take(options.warm_up), connections=16)
        bursts: dict[tuple[int, str], list[Burst]] = defaultdict(list)
        for _ in range(options.rounds):
            for connections in sorted(options.connections, reverse=True):
                webhooks = day.take(options.requests)
                bursts[connections, CRM_NAME].append(_burst(crm, webhooks, connections))
                bursts[connections, STORED_NAME].append(_burst(stored, day.take(len(webhooks)), connections, "stored"))
                bursts[connections, PLAIN_NAME].append(_burst(plain, webhooks, connections))
                bursts[connections, LIMIT_NAME].append(_limit(url, webhooks, connections))
        facts = f"{report.facts(database_version, crm.workers())}, fsync {_fsync(url)}"
    return "\n".join((facts, "", *_table(bursts), "", *_statements(counted, plain_counted)))


def _run(environment: Mapping[str, str], *arguments: str) -> str:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def _counted(environment: Mapping[str, str], count: int) -> dict[str, Statements]:
    found = json.loads(_run(environment, "-m", "bench.peers.statements", str(count)))
    return {action: Statements(**one) for action, one in found.items()}


def _fsync(url: str) -> str:
    with psycopg.connect(conninfo(url)) as connection:
        return str(connection.execute("SELECT current_setting('fsync')").fetchall()[0][0])


def _target(server: Server, action: str | None = None) -> client.Target:
    return client.Target(server.host, server.port, "/webhooks/bitrix/order", os.environ["WEBHOOK_TOKENS"], action)


def _burst(server: Server, webhooks: Sequence[Webhook], connections: int, action: str | None = None) -> Burst:
    before = server.web_seconds()
    load = client.send(_target(server, action), webhooks, connections)
    return _summary(load.seconds, load.latencies, (server.web_seconds() - before) / len(webhooks))


def _limit(url: str, webhooks: Sequence[Webhook], connections: int) -> Burst:
    inserted = postgresql.insert(url, webhooks[0], len(webhooks), connections)
    return _summary(inserted.seconds, inserted.latencies, 0.0)


def _summary(seconds: float, latencies: Sequence[float], web_cpu: float) -> Burst:
    cuts = quantiles(latencies, n=100, method="inclusive")
    return Burst(len(latencies) / seconds, cuts[49], cuts[98], web_cpu)


def _table(bursts: Mapping[tuple[int, str], Sequence[Burst]]) -> Iterable[str]:
    """Yield the lines of the table. A ratio is the median of the ratios of the rounds."""
    rounds = len(next(iter(bursts.values())))
    yield f"Medians of {rounds} rounds; × is the ratio to plain Django in the same round."
    yield (
        f"{'receiver':<18}{'connections':>12}{'requests/s':>12}{'×':>7}{'p50 ms':>9}{'×':>7}{'p99 ms':>9}{'×':>7}"
        f"{'CPU web ms':>12}{'×':>7}"
    )
    for (connections, name), own in bursts.items():
        plain = bursts[connections, PLAIN_NAME]
        columns = [
            _cells([getattr(one, field) * scale for one in own], [getattr(one, field) * scale for one in plain], width)
            for field, scale, width in (("rate", 1, 12), ("p50", 1000, 9), ("p99", 1000, 9), ("web_cpu", 1000, 12))
        ]
        yield f"{name:<18}{connections:>12}{''.join(columns)}"


def _cells(own: Sequence[float], plain: Sequence[float], width: int) -> str:
    """Return a median and the median ratio to the plain receiver."""
    ratios = [one / other for one, other in zip(own, plain, strict=True) if other]
    return f"{median(own):>{width}.1f}{median(ratios) if ratios else float('nan'):>7.2f}"


def _statements(counted: Mapping[str, Statements], plain: Mapping[str, Statements]) -> Iterable[str]:
    yield "Round trips (SQL statements with BEGIN and COMMIT) per request, median:"
    yield f"{'receiver':<18}{'new order':>12}{'update':>12}"
    for name, found in ((CRM_NAME, counted), (PLAIN_NAME, plain)):
        numbers = [found[action].usual + found[action].transaction_control for action in ("created", "updated")]
        yield f"{name:<18}{numbers[0]:>12g}{numbers[1]:>12g}"
    yield f"{LIMIT_NAME:<18}{1:>12}{'–':>12}"
