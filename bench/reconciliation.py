"""The benchmark of the comparison measures the time and the memory of a comparison with a fake site.

The fake site only lists orders. The fake site and the command run as separate processes, because only the memory of
the command is measured.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.client import WrongAnswerError
from bench.server import ROOT

STATE = {
    "agreed": {
        "status": "accepted",
        "total_amount": "9000.00",
        "payment_status": "pending",
        "is_cancelled": False,
        "recipient_name": "Мария",
        "recipient_phone": "+77011234567",
        "delivery_address": "ул. Абая 150, кв 25",
        "postcard_text": "С днём рождения, мама! " * 8,
        "items": [[696613, "1.000", "7500.00"]],
    },
    "sent": {},
    "site_status": "AP",
    "received_version": 3,
}
"""The stored state of an order (`Order.bitrix_state`). It is as large as the state of a real order."""
_INSERT = """
    INSERT INTO orders (order_number, bitrix_order_id, status, source, total_amount, bitrix_version, bitrix_state)
    SELECT id::text, id, 'accepted', 'bitrix', 9000, 3, %s::jsonb FROM generate_series(%s::bigint, %s::bigint) AS id
"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The measurements of one run of the command."""

    orders: int
    seconds: float
    peak_megabytes: float


def measure(numbers: Sequence[int]) -> list[Comparison]:
    """Run one comparison for each number of orders, sorted in ascending order, and return the measurements.

    Raise `WrongAnswerError` if a run fails.
    """
    from django.db import connection

    found, last = [], 0
    for number in sorted(numbers):
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, [json.dumps(STATE), last + 1, number])
            cursor.execute("ANALYZE orders")
        last = number
        with _site(number) as url:
            found.append(_compare(number, url))
    return found


def table(found: Sequence[Comparison]) -> str:
    """Return a table with one line for each measurement, and with a header."""
    lines = [f"{'orders':>8} {'seconds':>8} {'orders/s':>9} {'peak MB':>8}"]
    for one in found:
        rate = one.orders / one.seconds
        lines.append(f"{one.orders:>8} {one.seconds:>8.1f} {rate:>9.0f} {one.peak_megabytes:>8.1f}")
    return "\n".join(lines)


def _compare(number: int, url: str) -> Comparison:
    command = [sys.executable, "manage.py", "reconcile_bitrix"]
    environment = os.environ | {"BITRIX_API_URL": url, "BITRIX_API_TOKEN": "made-up"}
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    output = process.stdout.read()
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or not re.search(rf": {number}$", output, re.M):
        raise WrongAnswerError(f"the comparison of {number} orders ended with {process.returncode}: {output}")
    return Comparison(number, time.monotonic() - started, usage.ru_maxrss / 1024)  # kilobytes on Linux


@contextmanager
def _site(number: int) -> Iterator[str]:
    command = [sys.executable, "-m", "bench.reconciliation", str(number)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


class _Site(BaseHTTPRequestHandler):
    """A fake bridge that answers `ping` and `order.list`. It lists equal orders with the ids 1 to `number`."""

    protocol_version = "HTTP/1.1"
    number = 0

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = self._list(request) if request["action"] == "order.list" else {"versions": {}}
        body = json.dumps({"success": True, **answer}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _list(self, request: dict) -> dict:
        first = request["after_id"] + 1
        last = min(first + request["limit"] - 1, self.number)
        rows = [
            {
                "order_id": order_id,
                "xml_id": f"bx_{order_id:013x}",
                "version": 3,
                "status_id": "AP",
                "price": "9000.0000",
                "payed": "N",
                "canceled": "N",
                "date_update": "2026-11-24T12:00:00+05:00",
            }
            for order_id in range(first, last + 1)
        ]
        return {"orders": rows, "next_after_id": last if last < self.number else None}

    def log_message(self, *arguments: object) -> None:
        """Log nothing."""


if __name__ == "__main__":
    _Site.number = int(sys.argv[1])
    with ThreadingHTTPServer(("127.0.0.1", 0), _Site) as server:
        print(f"http://127.0.0.1:{server.server_port}/", flush=True)
        server.serve_forever()
