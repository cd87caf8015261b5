"""Run the drill: `python -m tests.deploy.drill`. It takes about ten minutes, and prints a table.

`--only TEXT` runs the faults whose name contains the text. The exit status is 1 if anything was lost or doubled.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Thread

from tests.deploy.drill.faults import FAULTS, Fault
from tests.deploy.drill.report import Row, row_of, table
from tests.deploy.drill.stack import Stack, running_stack
from tests.deploy.senders import Traffic

SETTLE = 4.0
"""Seconds of traffic before and after a fault."""
PUSHES = 5
LONGEST_WAIT = 600
"""Seconds for which the drill waits until all is delivered. The second retry is after a minute and a half."""


def run(faults: Sequence[Fault], *, settle: float = SETTLE, pushes: int = PUSHES) -> list[Row]:
    """Cause the faults one after another, and return a row for each."""
    with tempfile.TemporaryDirectory(prefix="cvety-drill-") as folder, running_stack(Path(folder)) as stack:
        times: dict[str, tuple[float, float]] = {}
        with Traffic(stack.machine, repeats=True, rest=0.05) as traffic:
            stack.traffic = traffic
            for fault in faults:
                began, ended = times[fault.name] = _cause(stack, traffic, fault, settle, pushes)
                print(f"{fault.name}: {ended - began:.1f} s", file=sys.stderr, flush=True)
        _wait_for_deliveries(stack)
        return [row_of(stack, traffic, fault.name, times[fault.name][0]) for fault in faults]


def _cause(stack: Stack, traffic: Traffic, fault: Fault, settle: float, pushes: int) -> tuple[float, float]:
    """Cause the fault, and return when it began and ended."""
    traffic.phase = fault.name
    time.sleep(settle)
    stack.place_orders(fault.name, pushes)
    began = time.time()
    staff = Thread(target=stack.change_statuses, args=(fault.name,), daemon=True)
    staff.start()
    fault.cause(stack)
    ended = time.time()
    staff.join(120)
    time.sleep(settle)
    return began, ended


def _wait_for_deliveries(stack: Stack) -> None:
    deadline = time.monotonic() + LONGEST_WAIT
    while stack.unfinished_pushes() and time.monotonic() < deadline:
        time.sleep(1)
    stack.site.flush(60)
    stack.compare()


def main() -> int:
    """Print the table. Return 1 if anything was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m tests.deploy.drill", description=__doc__)
    parser.add_argument("--only", default="", help="the faults whose name contains this text")
    only = parser.parse_args().only
    chosen = [fault for fault in FAULTS if only in fault.name and (os.geteuid() == 0 or not fault.needs_root)]
    if left_out := [fault.name for fault in FAULTS if fault not in chosen and only in fault.name]:
        print(f"Left out, because it needs root: {', '.join(left_out)}", file=sys.stderr)
    rows = run(chosen)
    print(table(rows))
    return int(any(row.lost or row.doubled or row.missing or row.written_twice for row in rows))


if __name__ == "__main__":
    sys.exit(main())
