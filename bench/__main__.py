"""`python -m bench`: start a separate CRM, send webhooks to it, and print their cost.

The exit status is 1 if a response is not as expected, because the measurements are then not valid.
"""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import client, report
from bench.database import fresh_database
from bench.server import Server, database_seconds, environment
from bench.webhooks import Day, Webhook

REQUESTS = 2000
CONNECTIONS = (1, 4, 16)
WARM_UP = 300
COUNTED = 250
"""The number of requests whose SQL statements are counted: 200 new orders and 50 changes."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark that the arguments select, and print its results."""
    options = _parse(arguments)
    # SIGTERM must also stop the server and drop the database.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with fresh_database() as database_url, tempfile.TemporaryDirectory(prefix="cvety-bench-") as scratch:
        os.environ.update(environment(database_url, Path(scratch)))
        try:
            _measure(options)
        except (client.WrongAnswerError, RuntimeError) as error:
            sys.exit(f"The benchmark failed: {error}")
        except KeyboardInterrupt:
            sys.exit(130)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=REQUESTS, help="webhooks at each level (default: %(default)s)")
    parser.add_argument("--peers", action="store_true", help="compare with a plain Django receiver and with pgbench")
    parser.add_argument("--rounds", type=int, default=6, help="rounds of --peers (default: %(default)s)")
    parser.add_argument(
        "--connections",
        type=int,
        nargs="+",
        default=CONNECTIONS,
        help="parallel connections at each level (default: 1 4 16)",
    )
    parser.add_argument(
        "--warm-up", type=int, default=WARM_UP, help="requests before the measurement (default: %(default)s)"
    )
    parser.add_argument("--profile", metavar="SORT", help="profile 300 requests, sorted by tottime or cumtime")
    parser.add_argument("--counted", type=int, default=COUNTED, help="requests whose SQL statements are counted")
    parser.add_argument(
        "--reconcile",
        type=int,
        nargs="+",
        metavar="ORDERS",
        help="measure the comparison of so many orders with the site instead",
    )
    parser.add_argument(
        "--orders", type=int, nargs="+", metavar="ORDERS", help="measure the order list with so many orders instead"
    )
    parser.add_argument(
        "--reports",
        type=int,
        nargs="+",
        metavar="ORDERS",
        help="measure the reports of a year with so many orders instead",
    )
    parser.add_argument(
        "--import",
        type=int,
        nargs="+",
        metavar="ORDERS",
        dest="imported",
        help="measure the import of so many orders instead",
    )
    parser.add_argument(
        "--exports", type=int, metavar="ORDERS", help="measure the files of exports with so many orders instead"
    )
    parser.add_argument("--batch-size", type=int, default=200, help="batch size of the import (default: %(default)s)")
    return parser.parse_args(arguments)


def _measure(options: argparse.Namespace) -> None:
    day = Day()
    database_version = _prepare_database()
    if options.profile:
        from bench.costs import profile

        print(profile(day.take(300), day.take(100), options.profile))
        return
    if options.reconcile:
        from bench.reconciliation import measure, table

        print(table(measure(options.reconcile)))
        return
    if options.imported:
        from bench import history

        print(history.table(history.measure(options.imported, batch_size=options.batch_size)))
        return
    if options.exports:
        from bench import exports

        print(exports.table(exports.measure(options.exports)))
        return
    if options.orders:
        from bench import order_list

        print(order_list.table(order_list.measure(options.orders)))
        return
    if options.reports:
        from bench import reports

        print(reports.table(reports.measure(options.reports)))
        return
    counted = _count_statements(day.take(options.counted))
    if options.peers:
        from bench.peers import comparison

        print(comparison.compare(day, counted, options, database_version))
        return
    rows = []
    with Server() as server:
        token = os.environ["WEBHOOK_TOKENS"]
        webhook = client.Target(server.host, server.port, "/webhooks/bitrix/order", token)
        baseline = client.Target(server.host, server.port, "/baseline", token, action="answered")
        # The warm-up lets every web process connect to the database and finish its late imports.
        client.send(webhook, day.take(options.warm_up), connections=16)
        print(report.facts(database_version, server.workers()))
        print(report.statements(counted), flush=True)
        for connections in options.connections:
            webhooks = day.take(options.requests)
            rows.append(_row(server, "webhook", webhook, webhooks, connections))
            rows.append(_row(server, "baseline", baseline, webhooks, connections))
    print(report.table(rows))
    print(report.persistence([row.load for row in rows]))


def _prepare_database() -> str:
    """Create the tables. Return the version of PostgreSQL."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0, interactive=False)
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return str(cursor.fetchone()[0])


def _count_statements(webhooks: Sequence[Webhook]) -> "dict[str, report.Statements]":
    from django.db import connections

    from bench.queries import count_statements

    try:
        return count_statements(webhooks)
    finally:
        connections.close_all()


def _row(server: Server, view: str, target: client.Target, webhooks: Sequence[Webhook], connections: int) -> report.Row:
    web, database = server.web_seconds(), database_seconds()
    load = client.send(target, webhooks, connections)
    return report.Row(view, connections, load, server.web_seconds() - web, max(0.0, database_seconds() - database))


if __name__ == "__main__":
    main()
