"""The benchmark of exports: speed and memory of CSV and XLSX, beside COPY of PostgreSQL for the same columns.

Each file is written by a process of its own, so its peak memory is that of this file.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from bench.client import WrongAnswerError
from bench.server import ROOT

KINDS = ("csv", "xlsx")
FEW = 1000
"""The number of rows of the first file, whose memory is compared with that of the large file."""
_COPY = """
    COPY (
        SELECT o.order_number, o.delivery_date, o.delivery_time_id, o.status, o.recipient_name, o.recipient_phone,
               o.recipient_other_phones, o.bitrix_city_id, o.delivery_address, u.name, u.phone, u.other_phones,
               o.contact_name, o.contact_phone, o.contact_email, o.total_amount, o.paid_amount, o.delivery_fee,
               o.discount_amount, o.payment_method, o.payment_status, o.bitrix_pay_system_id, o.bitrix_shop_id,
               o.responsible_id, o.taken_at, o.ready_at, o.ready_by_id, o.courier_id, o.source, o.comment,
               o.courier_comment, o.postcard_text, o.created_at, o.bitrix_order_id, o.unknown_values, o.currency,
               (SELECT string_agg(i.product_snapshot->>'name' || ' x ' || i.quantity, '; ')
                FROM order_items i WHERE i.order_id = o.id)
        FROM orders o LEFT JOIN users u ON u.id = o.user_id
        ORDER BY o.created_at DESC, o.id DESC
    ) TO STDOUT (FORMAT csv, HEADER)
"""


@dataclass(frozen=True, slots=True)
class Result:
    """One file: its rows, the seconds and the processor time of the process, its size and the peak memory in MB."""

    name: str
    rows: int
    seconds: float
    processor: float
    size: float
    peak: float


def measure(orders: int) -> list[Result]:
    """Write the files of so many orders. Raise `WrongAnswerError` if a file has not all of them."""
    from bench.many_orders import make_orders
    from cvety_crm.users import User

    User.objects.create_superuser("bench", password="made-up")
    make_orders(1, FEW)
    found = [_write(f"{kind}, {FEW:,} rows", kind, FEW) for kind in KINDS]
    make_orders(FEW + 1, orders)
    return [*found, *(_write(kind, kind, orders) for kind in KINDS), _write("COPY", "copy", orders)]


def table(found: Sequence[Result]) -> str:
    """Return a Markdown table of the results."""
    lines = ["| file | rows | seconds | CPU s | rows/s | MB | peak memory, MB |", "|---|---|---|---|---|---|---|"]
    lines += [
        f"| {one.name} | {one.rows:,} | {one.seconds:.1f} | {one.processor:.1f} | {one.rows / one.seconds:,.0f} "
        f"| {one.size:.1f} | {one.peak:.0f} |"
        for one in found
    ]
    return "\n".join(lines)


def _write(name: str, kind: str, rows: int) -> Result:
    process = subprocess.run(
        [sys.executable, "-m", "bench.exports", kind], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if process.returncode:
        raise WrongAnswerError(f"{name}: {process.stderr[-2000:]}")
    values = json.loads(process.stdout.splitlines()[-1])
    if values["rows"] != rows:
        raise WrongAnswerError(f"{name} has {values['rows']} rows, not {rows}")
    return Result(name, **values)


def main(kind: str) -> None:
    """Write one file, and print what it took as JSON."""
    import django

    django.setup()
    from django.contrib import admin
    from django.db import connection

    admin.autodiscover()
    connection.ensure_connection()
    with tempfile.TemporaryFile() as file:
        started, processor = time.perf_counter(), time.process_time()
        rows = _copy(file) if kind == "copy" else _export(kind, file)
        values = {
            "rows": rows,
            "seconds": time.perf_counter() - started,
            "processor": time.process_time() - processor,
            "size": file.seek(0, os.SEEK_END) / 1e6,
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    print(json.dumps(values))


def _export(kind: str, file: IO[bytes]) -> int:
    from cvety_crm.users import User
    from orders.export.files import write_file
    from orders.export.request import ExportRequest

    user = User.objects.get(username="bench")
    return write_file(ExportRequest("orders", kind, "preset=all", (), user.pk), file)


def _copy(file: IO[bytes]) -> int:
    from django.db import connection

    lines = 0
    with connection.cursor() as cursor, cursor.copy(_COPY) as copied:
        for part in copied:
            lines += bytes(part).count(b"\n")
            file.write(part)
    return lines - 1


if __name__ == "__main__":
    main(sys.argv[1])
