"""The stack of the drill: an installed CRM and a sandbox as the site, with orders whose status staff change."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bitrix_bridge.sandbox import Sandbox
from tests.deploy.machine import WEBHOOK_PATH, Machine
from tests.deploy.senders import Traffic

CHANGE_STATUS = """
from orders import services
from orders.models import Order
for order in Order.objects.filter(bitrix_order_id__in=[{ids}]).exclude(status="accepted"):
    services.change_status(order_id=order.pk, status="accepted", actor=None)
"""
DISK_BYTES = 1536 * 1024 * 1024


class Stack:
    """A machine with the CRM, and the site."""

    def __init__(self, machine: Machine, site: Sandbox) -> None:
        self.machine, self.site = machine, site
        self.traffic: Traffic | None = None
        self.phase = ""
        self.changed: dict[str, dict[int, int]] = {}
        """The orders whose status staff have changed, by phase: the id and the version before the change."""

    def place_orders(self, phase: str, number: int) -> None:
        """Place orders on the site, and wait until the CRM has them."""
        placed = [self.site.place_order() for _ in range(number)]
        self.phase = phase
        self.changed[phase] = {int(order["ID"]): int(order["VERSION"]) for order in placed}
        rows = f"SELECT 1 FROM orders WHERE bitrix_order_id IN ({self._ids(phase)})"
        self.machine.wait_until(lambda: len(self.machine.query(rows)) == number, 60)

    def change_statuses(self, phase: str) -> None:
        """Change the statuses of the placed orders, and repeat it while the database is away, as staff do."""
        code = CHANGE_STATUS.format(ids=self._ids(phase))
        for _attempt in range(20):
            if self._manage("shell", "-v0", "-c", code) == 0:
                return
            time.sleep(1)
        raise RuntimeError(f"The statuses could not be changed: {phase}")

    def _ids(self, phase: str) -> str:
        return ", ".join(map(str, self.changed[phase]))

    def refusals(self) -> list[str]:
        """Return the responses of the CRM to the site other than 200."""
        return [answer for answer in (self.traffic.answers.elements() if self.traffic else ()) if answer != "200"]

    def unfinished_pushes(self) -> int:
        """Return the number of pushes that are still to be delivered."""
        rows = self.machine.query("SELECT count(*) FROM bitrix_pushes WHERE state IN ('pending', 'sending')")
        return int(rows[0][0])

    def arrived(self, phase: str) -> tuple[int, int]:
        """Return how many of the changed statuses are on the site, and how many were written more than once."""
        found = doubled = 0
        for order_id, version in self.changed.get(phase, {}).items():
            order = self.site.site.order(order_id)
            found += order["STATUS_ID"] == "AP"
            doubled += int(order["VERSION"]) > version + 1
        return found, doubled

    def compare(self) -> None:
        """Compare the orders of both sides, as the worker does each hour and each night."""
        self._manage("reconcile_bitrix", "--since", "1h")

    def found(self, phase: str) -> int:
        """Return the number of changed orders that the comparison has found different."""
        rows = self.machine.query(
            "SELECT count(DISTINCT bitrix_order_id) FROM bitrix_differences "
            f"WHERE bitrix_order_id IN ({self._ids(phase)})"
        )
        return int(rows[0][0])

    def _manage(self, *arguments: str) -> int:
        environment = {"PATH": "/usr/bin:/bin", "ENV_FILE": str(self.machine.root / "etc/cvety-crm/env")}
        command = [str(self.machine.release / ".venv/bin/python"), "manage.py", *arguments]
        return subprocess.run(command, cwd=self.machine.release, env=environment, capture_output=True).returncode

    def reported(self, phase: str) -> int:
        """Return the number of changes that have failed for good, which staff see in a list and are alerted about."""
        rows = self.machine.query(
            "SELECT count(*) FROM bitrix_pushes p JOIN orders o ON o.id = p.order_id "
            f"WHERE p.state = 'failed' AND o.bitrix_order_id IN ({self._ids(phase)})"
        )
        return int(rows[0][0])

    def last_delivery(self, phase: str) -> float:
        """Return the time, in Unix seconds, at which the last changed status of a phase was delivered."""
        rows = self.machine.query(
            "SELECT extract(epoch FROM max(p.finished_at)) FROM bitrix_pushes p JOIN orders o ON o.id = p.order_id "
            f"WHERE o.bitrix_order_id IN ({self._ids(phase)})"
        )
        return float(rows[0][0] or 0)


@contextmanager
def running_stack(folder: Path) -> Iterator[Stack]:
    """Yield an installed CRM whose database is on a small disk of its own, if this user may mount one."""
    with small_disk(folder / "postgres"):
        machine = Machine(folder)
        try:
            machine.install_first()
            # The sandbox does not trust the certificate, so its own webhooks do not pass through nginx.
            url = f"http://localhost:{machine.web_port}{WEBHOOK_PATH}"
            tokens = machine.settings
            with Sandbox(url, webhook_token=tokens["WEBHOOK_TOKENS"], api_token=tokens["BITRIX_API_TOKEN"]) as site:
                machine.change_settings(
                    WEBHOOK_RATE="", STATUS_HOLD_SECONDS="0", OUTBOX_TIMEOUT="5", BITRIX_API_URL=site.bridge_url
                )
                machine.services.call("restart", "cvety-web.service", "cvety-worker.service")
                yield Stack(machine, site)
        finally:
            machine.close()


@contextmanager
def small_disk(path: Path) -> Iterator[None]:
    """Mount a disk of 1.5 GB in memory at this path. Users other than root use an ordinary folder."""
    path.mkdir()
    if os.geteuid() != 0:
        yield
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "cvety-drill", str(path)], check=True)
    try:
        yield
    finally:
        for _attempt in range(20):
            if subprocess.run(["umount", str(path)], capture_output=True, check=False).returncode == 0:
                break
            time.sleep(0.5)
