"""The limit of PostgreSQL itself: `pgbench` inserts an order, three lines and an event with one statement.

The rows are those of the plain receiver, with the body of a real webhook. No program that stores a webhook in these
tables and in one transaction can be faster on the same database.
"""

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.database import conninfo
from bench.webhooks import Webhook
from cvety_crm.dev import embedded_postgres

_PREPARE = """
CREATE SEQUENCE limit_ids START 1000000000;
INSERT INTO plain_django_customer VALUES (0, 0, 'Customer', '77010000000', 'customer@mail.example');
INSERT INTO plain_django_product VALUES (0, 0, 'Product', 8900);
"""
_INSERT = """
WITH new_order AS (
    INSERT INTO plain_django_order (
        site_id, number, status, is_paid, price, customer_id, recipient_name, recipient_phone, address, delivery_date,
        comment, postcard, created_at, updated_at
    )
    SELECT
        id, id::text, 'N', false, 21350, 0, 'Нұрлан', '+77756368886', 'ул. Шевченко, 278Б, кв. 109', '2026-12-01',
        '', 'Я тебя люблю!', now(), now()
    FROM nextval('limit_ids') AS id
    RETURNING id, site_id
), new_items AS (
    INSERT INTO plain_django_item (site_id, order_id, product_id, name, price, quantity)
    SELECT 3 * site_id + line, id, 0, 'Плюшевый мишка 40 см', 8900, 2 FROM new_order, generate_series(0, 2) AS line
)
INSERT INTO plain_django_event (event_id, event, payload, order_id, created_at)
SELECT gen_random_uuid(), 'order.create', '{payload}', id, now() FROM new_order;
"""


@dataclass(frozen=True, slots=True)
class Burst:
    """The measurements of pgbench. Times are in seconds."""

    seconds: float
    latencies: list[float]


def prepare(database_url: str) -> None:
    """Create what the statement needs beside the tables of the plain receiver."""
    with psycopg.connect(conninfo(database_url)) as connection:
        connection.execute(_PREPARE)


def insert(database_url: str, webhook: Webhook, count: int, connections: int) -> Burst:
    """Insert the rows `count` times, each time with the body of the webhook, over so many parallel connections."""
    parameters = psycopg.conninfo.conninfo_to_dict(conninfo(database_url))
    # The simple protocol leaves the colons of the JSON alone; the others take them for variables.
    statement = _INSERT.replace("{payload}", webhook.body.decode().replace("'", "''"))
    with tempfile.TemporaryDirectory(prefix="cvety-pgbench-") as folder:
        script = Path(folder) / "insert.sql"
        script.write_text(statement)
        subprocess.run(
            [
                str(embedded_postgres.programs() / "pgbench"), "--no-vacuum", "--protocol=simple", "--log",
                f"--client={connections}", f"--jobs={min(2, connections)}",
                f"--transactions={max(1, count // connections)}", f"--file={script}",
                f"--host={parameters['host']}", f"--port={parameters['port']}", f"--username={parameters['user']}",
                str(parameters["dbname"]),
            ],
            cwd=folder, check=True, capture_output=True, text=True,
        )  # fmt: skip
        lines = [line.split() for log in Path(folder).glob("pgbench_log.*") for line in log.read_text().splitlines()]
    latencies = [int(line[2]) / 1e6 for line in lines]
    ends = [int(line[4]) + int(line[5]) / 1e6 for line in lines]
    first = min(end - latency for end, latency in zip(ends, latencies, strict=True))
    return Burst(max(ends) - first, latencies)
