"""A short drill: some of the faults of `make drill`, each for a moment."""

from tests.deploy.drill.__main__ import run
from tests.deploy.drill.faults import FAULTS
from tests.deploy.drill.report import table

CHOSEN = {"PostgreSQL killed", "pooler killed", "bridge: answer lost"}


def test_nothing_is_lost_or_doubled_by_faults_under_load():
    rows = run([fault for fault in FAULTS if fault.name in CHOSEN], settle=1.0, pushes=2)
    assert {row.fault for row in rows} == CHOSEN
    assert [(row.lost, row.doubled, row.missing, row.written_twice) for row in rows] == [(0, 0, 0, 0)] * 3, table(rows)
    assert min(row.sent for row in rows) > 0
    assert min(row.changes for row in rows) == 2
