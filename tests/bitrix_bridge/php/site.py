"""A shop that runs the real PHP in `php -S` with fake Bitrix classes.

Both files of the PHP are installed as their README describes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from bitrix_bridge.payloads.php_values import unserialize
from tests.bitrix_bridge.php import contents
from tests.bitrix_bridge.php.databases import ShopDatabase

FAKES = Path(__file__).parent / "fakes"
PHP = Path(__file__).parents[3] / "bitrix_bridge" / "php"
FOLDER = "/local/cvety-crm"
API_TOKEN = "made-up-bridge-token"
WORKERS = 8


class PhpSite:
    """One shop with its folder, its database and its web server.

    `init` is additional PHP for init.php. The time zone of PHP is that of the shop, Almaty. The time zone of the
    database is `database_zone`, which may be different.
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

    # Installation

    def _write_files(self, webhook_url: str, webhook_token: str, init: str) -> None:
        prolog = self.document_root / "bitrix/modules/main/include/prolog_before.php"
        init_file = self.document_root / "local/php_interface/init.php"
        folder = self.document_root / FOLDER.strip("/")
        for path in (prolog.parent, init_file.parent, folder):
            path.mkdir(parents=True)
        for name in ("crm-webhook.php", "crm-bridge.php"):
            shutil.copy(PHP / name, folder)
        shutil.copy(FAKES / "shop.php", self.document_root)
        prolog.write_text(f"<?php require '{FAKES}/bitrix.php'; require '{init_file}';")
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

    # Start and stop

    def __enter__(self) -> PhpSite:
        for _try in range(3):
            if self._start(_free_port()):
                return self
        raise AssertionError(self.server_log.read_text())

    def _start(self, port: int) -> bool:
        """Start the server. Return False if a different program already uses the port."""
        environment = {
            **os.environ,
            **self.database.environment(),
            "FAKE_ZONE": self._zone,
            "FAKE_STATEMENTS": str(self.statements_path),
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
                # The server has its own process group, so its workers end with it.
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
        """Return the URL of the bridge."""
        return f"{self.url}{FOLDER}/crm-bridge.php"

    def call(self, action: str | None = None, **request: Any) -> requests.Response:
        """Send a request to the bridge and return the raw response."""
        body = request if action is None else {"action": action, **request}
        return self.post(body)

    def post(self, body: Any, token: str = API_TOKEN) -> requests.Response:
        """Post a request to the bridge. A string is sent unchanged, any other value as JSON."""
        headers = {"X-API-TOKEN": token} if token else {}
        kind = "data" if isinstance(body, str | bytes) else "json"
        return requests.post(self.bridge_url, headers=headers, timeout=20, allow_redirects=False, **{kind: body})

    def hit(self, *steps: list[Any], crontab: bool = False, dies: bool = False) -> list[Any]:
        """Send one request to the shop that runs these steps, and return their results.

        With `dies` the request ends without Bitrix's epilogue.
        """
        body = {"steps": steps, "crontab": crontab, "dies": dies}
        answer = requests.post(f"{self.url}/shop.php", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        try:
            return answer.json()
        except ValueError:
            raise AssertionError(answer.text) from None

    @contextlib.contextmanager
    def held(self, *steps: list[Any]) -> Iterator[Future[list[Any]]]:
        """Run these steps until `hold_until_resumed`, and the others after the block. Yield the future results.

        The block begins when the request has come to that step. PHP may give two requests that arrive together to one
        process, which would answer the second one after the first.
        """
        with ThreadPoolExecutor(1) as pool:
            request = pool.submit(self.hit, *steps)
            try:
                self.wait_until((self.document_root / "held").exists)
                yield request
            finally:
                (self.document_root / "resumed").touch()

    def place_order(self, **order: Any) -> int:
        """Place an order as a customer, and return its id."""
        properties = {"name": "Мария", "phone": "+7 (701) 123-45-67", "city": "2", "when": "18", "shopId": "17008"}
        order["properties"] = {**properties, **order.get("properties", {})}
        return self.hit(["create", order])[0]

    def run_agents(self) -> None:
        """End all retry delays, and run the agents like the cron job of the site."""
        self.execute("UPDATE cvety_crm_queue SET NEXT_TRY_AT = 0 WHERE STATE = 'W'")
        self.hit(["agents"], crontab=True)

    # State of the shop

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """Return the rows of a query. Each `?` in the query is replaced by the next value."""
        return self.database.rows(sql, values)

    def execute(self, sql: str, *values: Any) -> None:
        """Change the database directly, without Bitrix."""
        self.database.execute(sql, values)

    def queue(self) -> list[dict[str, Any]]:
        """Return the rows of the sender's table."""
        return self.rows("SELECT * FROM cvety_crm_queue ORDER BY ID")

    def order(self, order_id: int) -> dict[str, Any]:
        """Return the row of the order in b_sale_order."""
        return self.rows("SELECT * FROM b_sale_order WHERE ID = ?", order_id)[0]

    def properties(self, order_id: int) -> dict[str, str | None]:
        """Return the order's properties by code. The value is None if a row has no value."""
        found = self.rows("SELECT CODE, VALUE FROM b_sale_order_props_value WHERE ORDER_ID = ?", order_id)
        return {row["CODE"]: row["VALUE"] for row in found}

    def lines(self, order_id: int) -> list[dict[str, Any]]:
        """Return the rows of the order's basket."""
        return self.rows("SELECT * FROM b_sale_basket WHERE ORDER_ID = ? ORDER BY ID", order_id)

    def payments(self, order_id: int) -> list[dict[str, Any]]:
        """Return the rows of the order's payments."""
        return self.rows("SELECT * FROM b_sale_order_payment WHERE ORDER_ID = ? ORDER BY ID", order_id)

    def shipments(self, order_id: int) -> list[dict[str, Any]]:
        """Return the rows of the order's shipments, including the system shipment (SYSTEM = Y)."""
        return self.rows("SELECT * FROM b_sale_order_delivery WHERE ORDER_ID = ? ORDER BY ID", order_id)

    def mails(self) -> list[tuple[str, str]]:
        """Return the kind and the address of each unsent mail."""
        found = self.rows("SELECT EVENT_NAME, C_FIELDS FROM b_event ORDER BY ID")
        return [(row["EVENT_NAME"], unserialize(row["C_FIELDS"])["EMAIL"]) for row in found]

    def inner_account(self, user_id: int) -> tuple[Decimal, list[tuple[str, Decimal, int | None]]]:
        """Return the balance and the transactions of a customer's account in `b_sale_user_account`.

        A transaction is its kind, its sum, which is negative for a debit, and the id of its order.
        """
        budgets = self.rows("SELECT CURRENT_BUDGET FROM b_sale_user_account WHERE USER_ID = ?", user_id)
        moves = self.rows("SELECT * FROM b_sale_user_transact WHERE USER_ID = ? ORDER BY ID", user_id)
        return sum((Decimal(row["CURRENT_BUDGET"]) for row in budgets), Decimal(0)), [
            (row["DESCRIPTION"], Decimal(row["AMOUNT"]) * (1 if row["DEBIT"] == "Y" else -1), row["ORDER_ID"])
            for row in moves
        ]

    def stock(self, product_id: int) -> tuple[float, float]:
        """Return the free quantity and the reserved quantity of a product."""
        (row,) = self.rows("SELECT QUANTITY, QUANTITY_RESERVED FROM b_catalog_product WHERE ID = ?", product_id)
        return float(row["QUANTITY"]), float(row["QUANTITY_RESERVED"])

    def set_stock(self, product_id: int, quantity: float, **columns: str) -> None:
        """Set the stock of a product, and further columns of b_catalog_product by name."""
        names = {"QUANTITY": quantity, **columns}
        sets = ", ".join(f"{name} = ?" for name in names)
        self.execute(f"UPDATE b_catalog_product SET {sets} WHERE ID = ?", *names.values(), product_id)

    def history(self, order_id: int) -> list[tuple[str, int]]:
        """Return the kind and the user of each row of the order in b_sale_order_change."""
        found = self.rows("SELECT TYPE, USER_ID FROM b_sale_order_change WHERE ORDER_ID = ? ORDER BY ID", order_id)
        return [(row["TYPE"], row["USER_ID"]) for row in found]

    def markers(self, order_id: int) -> list[str]:
        """Return the messages of the order's markers."""
        found = self.rows("SELECT MESSAGE FROM b_sale_entity_marker WHERE ORDER_ID = ? ORDER BY ID", order_id)
        return [row["MESSAGE"] for row in found]

    def archived(self) -> list[int]:
        """Return the ids of the archived orders."""
        return [row["ORDER_ID"] for row in self.rows("SELECT ORDER_ID FROM b_sale_order_archive ORDER BY ID")]

    def sessions(self) -> list[str]:
        """Return the URLs of the requests that have started a session."""
        return [row["URI"] for row in self.rows("SELECT URI FROM fake_session ORDER BY ID")]

    def statements(self) -> int:
        """Return the number of statements that the shop has sent to its database."""
        return self.statements_path.stat().st_size

    def tables(self) -> list[str]:
        """Return the names of all tables."""
        return self.database.tables()

    def columns(self, table: str) -> list[str]:
        """Return the columns of a table."""
        return self.database.columns(table)

    def wait_for_empty_queue(self) -> None:
        """Wait until the sender's queue is empty, because background jobs run after the response."""
        self.wait_until(lambda: not self.queue())

    def wait_for_answer(self) -> None:
        """Wait until the CRM's response to each pending event is stored."""
        self.wait_until(lambda: all(row["LAST_CODE"] is not None for row in self.queue()))

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Wait until the condition is true, because a request may change the shop after its response."""
        deadline = time.monotonic() + 60
        while not is_so():
            assert time.monotonic() < deadline, self.queue()
            time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
