"""Fixtures of orders on both sides, and functions that run a comparison."""

from collections.abc import Callable
from typing import Any

import pytest

from bitrix_bridge.models import Difference, Push, Reconciliation
from bitrix_bridge.reconciliation import runs
from bitrix_bridge.reconciliation.runs import comparisons
from bitrix_bridge.reconciliation.slices import work
from bitrix_bridge.sandbox import Sandbox
from cvety_crm.outbox import deliver_due
from orders.models import Order

Compare = Callable[..., Reconciliation]


@pytest.fixture
def place(site: Sandbox, post_webhook: Any) -> Callable[..., list[Order]]:
    """Return a function that places orders on the site and receives their webhooks."""

    def place(number: int, **overrides: Any) -> list[Order]:
        keys = []
        for _ in range(number):
            placed = site.place_order(**overrides)
            assert post_webhook("order.create", placed).json()["action"] == "created"
            keys.append(int(placed["ID"]))
        return list(Order.objects.filter(bitrix_order_id__in=keys).order_by("bitrix_order_id"))

    return place


@pytest.fixture
def compare_sides(db: None) -> Compare:
    """Return a function that runs a comparison to its end, and returns the run."""

    def compare(*, repair: bool = False, **options: Any) -> Reconciliation:
        run = runs.start(origin=runs.Origin.COMMAND, is_repair=repair, **options)
        claimed = comparisons.claim(run.pk)
        assert claimed is not None
        assert work(claimed) is None
        run.refresh_from_db()
        assert (run.state, run.error) == ("done", "")
        return run

    return compare


def found(run: Reconciliation) -> set[tuple[int | None, str]]:
    """Return each difference of a run as a pair: the id on the site, and the field or the kind."""
    return {(one.bitrix_order_id, one.field or one.kind) for one in Difference.objects.filter(run=run)}


def outcomes(run: Reconciliation) -> dict[str, int]:
    """Return the number of differences with each outcome."""
    counts: dict[str, int] = {}
    for one in Difference.objects.filter(run=run):
        counts[one.outcome] = counts.get(one.outcome, 0) + 1
    return counts


def deliver_all() -> None:
    """Deliver all pending pushes."""
    while deliver_due():
        pass
    assert not Push.objects.filter(state__in=("pending", "sending")).exists()
