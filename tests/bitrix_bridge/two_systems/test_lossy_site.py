"""Test that a site which keeps less than it is sent does not damage the values of the CRM.

The histories are those of `test_always_agree`, with a site that lacks letters, lengths or spaces.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from bitrix_bridge.payloads.storage import read_limits
from bitrix_bridge.sandbox import Sandbox
from bitrix_bridge.sandbox.bridge import Bridge
from bitrix_bridge.sandbox.column_storage import ColumnStorage
from orders import services
from orders.models import Order
from tests.bitrix_bridge.two_systems.test_always_agree import EXAMPLES, TwoSides, run_histories, shared_site
from tests.bitrix_bridge.two_systems.world import World

__all__ = ["shared_site"]

PROFILES = {
    "three-byte utf8 in MySQL": ColumnStorage("utf8mb3", "cut", {"VALUE": 500}),
    "three-byte utf8 in MariaDB": ColumnStorage("utf8mb3", "?"),
    "cp1251": ColumnStorage("cp1251", "?", collapses_spaces=True),
    "short columns": ColumnStorage(lengths={"VALUE": 10, "COMMENTS": 8, "USER_DESCRIPTION": 8}),
    "handler": ColumnStorage(changes={"Достык 5": "пр. Достык, дом 5", "без лилий": "БЕЗ ЛИЛИЙ"}),
}

# Without the report of the bridge, a change that no limit explains is one made on the site.
CASES = [
    pytest.param(profile, reports, id=f"{profile}-{'reports' if reports else 'silent'}")
    for profile in sorted(PROFILES)
    for reports in (True, False)
    if reports or not PROFILES[profile].changes
]


class LossyWorld(World):
    """Two systems whose site keeps less than it is sent."""

    storage = ColumnStorage()
    are_limits_known = False

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.site.storage = self.storage
        limits = read_limits({"storage": self.storage.report()})
        if self.are_limits_known and limits is not None:
            services.record_site_limits(limits)

    def comparable_to_site(self, order: Order, values: dict[str, Any]) -> dict[str, Any]:
        """Return our values with those that the site is known to hold in a different form."""
        damaged: Mapping[str, Any] = order.bitrix_state["damaged"]
        held = {name: pair["theirs"] for name, pair in damaged.items() if values.get(name) == pair["ours"]}
        return values | held


@pytest.mark.timeout(0)
@pytest.mark.parametrize(("profile", "reports"), CASES)
def test_both_sides_agree_if_the_site_keeps_less(
    db: None, shared_site: Sandbox, monkeypatch: pytest.MonkeyPatch, profile: str, *, reports: bool
) -> None:
    if not reports:
        monkeypatch.setattr(Bridge, "_held", lambda *_arguments: {})
    monkeypatch.setattr(LossyWorld, "storage", PROFILES[profile])
    monkeypatch.setattr(LossyWorld, "are_limits_known", not reports)
    machine = type("LossySides", (TwoSides,), {"world_class": LossyWorld, "sandbox": shared_site})
    run_histories(machine, max(EXAMPLES // 20, 3))
