"""A shop that runs the real PHP: the two files installed as their README says, on stand-ins for Bitrix, in `php -S`."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from bitrix_bridge.history.php_values import unserialize
from tests.bitrix_bridge.php import contents
from tests.bitrix_bridge.php.databases import ShopDatabase

STAND_INS = Path(__file__).parent / "stand_ins"
PHP = Path(__file__).parents[3] / "bitrix_bridge" / "php"
FOLDER = "/local/cvety-crm"
API_TOKEN = "made-up-bridge-token"
WORKERS = 8


class PhpSite:
    """One shop with its folder, its database and its web server. `init` is more PHP for init.php.

    PHP's time is that of the shop, Almaty; `database_zone` is the clock of the database, which another may have set.
    """

    def __init__(
        self,
        root: Path,
        database: ShopDatabase,
        *,
        webhook_url: str = "",
        webhook_token: str = "made-up-webhook-token",
        init: str = "",
        line_in_init: bool = True,
        database_zone: str = "+03:00",
    ) -> None:
        root.mkdir()
        self.database = database
        self.log_path = root / "bitrix.log"
        self.server_log = root / "php.log"
        self.statements_path = root / "statements"
        self.document_root = root / "www"
        self._listening = line_in_init
        self._zone = database_zone
        self._write_files(webhook_url, webhook_token, init)
        database.fill(contents.rows())
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    # Installing

    def _write_files(self, webhook_url: str, webhook_token: str, init: str) -> None:
        prolog = self.document_root / "bitrix/modules/main/include/prolog_before.php"
        init_file = self.document_root / "local/php_interface/init.php"
        folder = self.document_root / FOLDER.strip("/")
        for path in (prolog.parent, init_file.parent, folder):
            path.mkdir(parents=True)
        for name in ("crm-webhook.php", "crm-bridge.php"):
            shutil.copy(PHP / name, folder)
        shutil.copy(STAND_INS / "shop.php", self.document_root)
        prolog.write_text(f"<?php require '{STAND_INS}/bitrix.php'; require '{init_file}';")
        lines = [
            "<?php",
            f"define('LOG_FILENAME', '{self.log_path}');",
            f"define('PYTHON_CRM_WEBHOOK_URL', '{webhook_url}');",
            f"define('PYTHON_CRM_WEBHOOK_TOKEN', '{webhook_token}');",
            f"define('CRM_BRIDGE_TOKEN', '{API_TOKEN}');",
            init,
        ]
        if self._listening:
            lines.append(f"require_once $_SERVER['DOCUMENT_ROOT'] . '{FOLDER}/crm-webhook.php';")
        init_file.write_text("\n".join(lines))

    # Running

    def __enter__(self) -> PhpSite:
        for _try in range(3):
            if self._start(_free_port()):
                return self
        raise AssertionError(self.server_log.read_text())

    def _start(self, port: int) -> bool:
        """Start the server; False when somebody took the port first."""
        environment = {
            **os.environ,
            **self.database.environment(),
            "STAND_IN_ZONE": self._zone,
            "STAND_IN_STATEMENTS": str(self.statements_path),
            "PHP_CLI_SERVER_WORKERS": str(WORKERS),
        }
        options = ("date.timezone=Asia/Almaty", "display_errors=1", "error_reporting=-1", "html_errors=1")
        command = ["php", *(part for option in options for part in ("-d", option))]
        with self.server_log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "-S", f"127.0.0.1:{port}", "-t", str(self.document_root)],
                env=environment,
                stdout=log,
                stderr=log,
                # A group of its own, so that its workers end with it.
                start_new_session=True,
            )
        self.url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while self._process.poll() is None and time.monotonic() < deadline:
            if b") started" in self.server_log.read_bytes():
                return True
            time.sleep(0.01)
        return False

    def __exit__(self, *_error: object) -> None:
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    @property
    def bridge_url(self) -> str:
        """The endpoint."""
        return f"{self.url}{FOLDER}/crm-bridge.php"

    def ask(self, action: str | None = None, **request: Any) -> requests.Response:
        """Ask the bridge, raw."""
        body = request if action is None else {"action": action, **request}
        return self.post(body)

    def post(self, body: Any, token: str = API_TOKEN) -> requests.Response:
        """Post to the bridge: text as it is, anything else as JSON."""
        headers = {"X-API-TOKEN": token} if token else {}
        kind = "data" if isinstance(body, str | bytes) else "json"
        return requests.post(self.bridge_url, headers=headers, timeout=20, allow_redirects=False, **{kind: body})

    def hit(self, *steps: list[Any], crontab: bool = False, dies: bool = False) -> list[Any]:
        """One request to the shop that does these steps; `dies` ends it without Bitrix's epilogue."""
        body = {"steps": steps, "crontab": crontab, "dies": dies}
        answer = requests.post(f"{self.url}/shop.php", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        try:
            return answer.json()
        except ValueError:
            raise AssertionError(answer.text) from None

    def place_order(self, **order: Any) -> int:
        """A customer orders; returns the id."""
        properties = {"name": "Мария", "phone": "+7 (701) 123-45-67", "city": "2", "when": "18", "shopId": "17008"}
        order["properties"] = {**properties, **order.get("properties", {})}
        return self.hit(["create", order])[0]

    def run_agents(self) -> None:
        """Let the pauses pass and the cron run."""
        self.execute("UPDATE cvety_crm_queue SET NEXT_TRY_AT = 0 WHERE STATE = 'W'")
        self.hit(["agents"], crontab=True)

    # Looking

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """What a query finds; a value stands for each `?`."""
        return self.database.rows(sql, values)

    def execute(self, sql: str, *values: Any) -> None:
        """Change the database behind Bitrix's back."""
        self.database.execute(sql, values)

    def queue(self) -> list[dict[str, Any]]:
        """The sender's table."""
        return self.rows("SELECT * FROM cvety_crm_queue ORDER BY ID")

    def order(self, order_id: int) -> dict[str, Any]:
        """The order's row."""
        return self.rows("SELECT * FROM b_sale_order WHERE ID = ?", order_id)[0]

    def properties(self, order_id: int) -> dict[str, str | None]:
        """The order's properties, None where one has a row and no value."""
        found = self.rows("SELECT CODE, VALUE FROM b_sale_order_props_value WHERE ORDER_ID = ?", order_id)
        return {row["CODE"]: row["VALUE"] for row in found}

    def lines(self, order_id: int) -> list[dict[str, Any]]:
        """The basket's rows."""
        return self.rows("SELECT * FROM b_sale_basket WHERE ORDER_ID = ? ORDER BY ID", order_id)

    def payments(self, order_id: int) -> list[dict[str, Any]]:
        """The rows of the order's payments."""
        return self.rows("SELECT * FROM b_sale_order_payment WHERE ORDER_ID = ? ORDER BY ID", order_id)

    def shipments(self, order_id: int) -> list[dict[str, Any]]:
        """The rows of the order's shipments, the system one (SYSTEM = Y) among them."""
        return self.rows("SELECT * FROM b_sale_order_delivery WHERE ORDER_ID = ? ORDER BY ID", order_id)

    def letters(self) -> list[tuple[str, str]]:
        """The letters that wait to be sent: kind and address."""
        found = self.rows("SELECT EVENT_NAME, C_FIELDS FROM b_event ORDER BY ID")
        return [(row["EVENT_NAME"], unserialize(row["C_FIELDS"])["EMAIL"]) for row in found]

    def inner_account(self, user_id: int) -> tuple[Decimal, list[tuple[str, Decimal, int | None]]]:
        """What is on a buyer's inner account, and each move: its kind, its sum (less than 0: taken), its order."""
        budgets = self.rows("SELECT CURRENT_BUDGET FROM b_sale_user_account WHERE USER_ID = ?", user_id)
        moves = self.rows("SELECT * FROM b_sale_user_transact WHERE USER_ID = ? ORDER BY ID", user_id)
        return sum((Decimal(row["CURRENT_BUDGET"]) for row in budgets), Decimal(0)), [
            (row["DESCRIPTION"], Decimal(row["AMOUNT"]) * (1 if row["DEBIT"] == "Y" else -1), row["ORDER_ID"])
            for row in moves
        ]

    def stock(self, product_id: int) -> tuple[float, float]:
        """What of a product is free, and what is reserved."""
        (row,) = self.rows("SELECT QUANTITY, QUANTITY_RESERVED FROM b_catalog_product WHERE ID = ?", product_id)
        return float(row["QUANTITY"]), float(row["QUANTITY_RESERVED"])

    def set_stock(self, product_id: int, quantity: float, **columns: str) -> None:
        """Have so much of a product; more columns of b_catalog_product by name."""
        names = {"QUANTITY": quantity, **columns}
        sets = ", ".join(f"{name} = ?" for name in names)
        self.execute(f"UPDATE b_catalog_product SET {sets} WHERE ID = ?", *names.values(), product_id)

    def history(self, order_id: int) -> list[tuple[str, int]]:
        """The order's rows of b_sale_order_change: kind, and who did it."""
        found = self.rows("SELECT TYPE, USER_ID FROM b_sale_order_change WHERE ORDER_ID = ? ORDER BY ID", order_id)
        return [(row["TYPE"], row["USER_ID"]) for row in found]

    def markers(self, order_id: int) -> list[str]:
        """What is wrong with an order, as its markers say it."""
        found = self.rows("SELECT MESSAGE FROM b_sale_entity_marker WHERE ORDER_ID = ? ORDER BY ID", order_id)
        return [row["MESSAGE"] for row in found]

    def archived(self) -> list[int]:
        """The orders in the archive."""
        return [row["ORDER_ID"] for row in self.rows("SELECT ORDER_ID FROM b_sale_order_archive ORDER BY ID")]

    def sessions(self) -> list[str]:
        """The addresses of the requests that have begun a session."""
        return [row["URI"] for row in self.rows("SELECT URI FROM stand_in_session ORDER BY ID")]

    def statements(self) -> int:
        """How many statements the shop has sent to its database."""
        return self.statements_path.stat().st_size

    def tables(self) -> list[str]:
        """The names of all tables."""
        return self.database.tables()

    def columns(self, table: str) -> list[str]:
        """The columns of a table."""
        return self.database.columns(table)

    def wait_for_empty_queue(self) -> None:
        """Background jobs run after the response, so a test has to wait for them."""
        self.wait_until(lambda: not self.queue())

    def wait_for_answer(self) -> None:
        """Wait until the CRM's answer to each waiting event is noted."""
        self.wait_until(lambda: all(row["LAST_CODE"] is not None for row in self.queue()))

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Wait for something that a request does after its response."""
        deadline = time.monotonic() + 60
        while not is_so():
            assert time.monotonic() < deadline, self.queue()
            time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
