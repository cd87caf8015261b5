"""A shop that runs the real PHP: the two files installed as their README says, on stand-ins for Bitrix, in `php -S`."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from bitrix_bridge.sandbox import reference

STAND_INS = Path(__file__).parent / "stand_ins"
PHP = Path(__file__).parents[3] / "bitrix_bridge" / "php"
FOLDER = "/local/cvety-crm"
API_TOKEN = "made-up-bridge-token"
WORKERS = 8

PROPERTIES = [
    "name",
    "phone",
    "email",
    "nameRecipient",
    "phoneRecipient",
    "addressRecipient",
    "data",
    "when",
    "city",
    "shopId",
    "postcardText",
    "pickup",
    "iWillGet",
    "isAnonymous",
    "isSurprise",
]


class PhpSite:
    """One shop with its folder, its database and its web server. `init` is more PHP for init.php."""

    def __init__(
        self,
        root: Path,
        *,
        webhook_url: str = "",
        webhook_token: str = "made-up-webhook-token",
        init: str = "",
        line_in_init: bool = True,
    ) -> None:
        self.database = root / "bitrix.sqlite"
        self.log_path = root / "bitrix.log"
        self.server_log = root / "php.log"
        self.document_root = root / "www"
        self._listening = line_in_init
        self._write_files(webhook_url, webhook_token, init)
        self._fill_database()
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

    def _fill_database(self) -> None:
        with self.connect() as database:
            database.executescript("PRAGMA journal_mode = WAL;" + (STAND_INS / "schema.sql").read_text())
            put = database.executemany
            put("INSERT INTO b_user (ID, LOGIN, NAME, EMAIL, PERSONAL_PHONE) VALUES (?, ?, ?, ?, ?)", _USERS)
            put("INSERT INTO b_sale_person_type VALUES (?, ?, ?, ?, ?)", [(1, "s1", "Физическое лицо", 100, "Y")])
            for kind, statuses in (("O", reference.ORDER_STATUSES), ("D", reference.SHIPMENT_STATUSES)):
                rows = [(code, name, 10 * place) for place, (code, name) in enumerate(statuses.items(), start=1)]
                put("INSERT INTO b_sale_status VALUES (?, ?, ?)", [(code, kind, sort) for code, _, sort in rows])
                put("INSERT INTO b_sale_status_lang VALUES (?, 'ru', ?)", [(code, name) for code, name, _ in rows])
                put("INSERT INTO b_sale_status_lang VALUES (?, 'en', ?)", [(code, code) for code, _, _ in rows])
            put(
                "INSERT INTO b_sale_pay_system_action (ID, NAME, ACTIVE, SORT) VALUES (?, ?, 'Y', 100)",
                reference.PAY_SYSTEMS.items(),
            )
            put("INSERT INTO b_sale_delivery_srv VALUES (?, ?)", [(1, "Курьер"), (2, "Самовывоз")])
            put(
                "INSERT INTO b_sale_order_props (ID, PERSON_TYPE_ID, NAME, CODE) VALUES (?, 1, ?, ?)",
                [(number, code, code) for number, code in enumerate(PROPERTIES, start=1)],
            )
            put("INSERT INTO b_sale_order_props VALUES (?, 1, ?, ?, 'STRING', 'Y')", [(50, "extras", "extras")])
            lists = reference.reference_lists()
            for code, kind in (("city", "cities"), ("shopId", "shops"), ("when", "slots")):
                put(
                    "INSERT INTO b_sale_order_props_variant (ORDER_PROPS_ID, NAME, VALUE, SORT) VALUES (?, ?, ?, ?)",
                    [(PROPERTIES.index(code) + 1, row["name"], str(row["id"]), n) for n, row in enumerate(lists[kind])],
                )
            for product in reference.PRODUCTS:
                put(
                    "INSERT INTO b_iblock_element (ID, IBLOCK_ID, NAME, CODE, ACTIVE, TIMESTAMP_X, DETAIL_PICTURE)"
                    " VALUES (?, 27, ?, ?, 'Y', '2025-08-24 12:00:00', 77)",
                    [(product.id, product.name, product.xml_id)],
                )
                put("INSERT INTO b_catalog_product VALUES (?, '100')", [(product.id,)])
                put(
                    "INSERT INTO b_catalog_price (PRODUCT_ID, CATALOG_GROUP_ID, PRICE, CURRENCY)"
                    " VALUES (?, 1, ?, 'KZT')",
                    [(product.id, f"{product.price}.00")],
                )
        database.close()

    # Running

    def __enter__(self) -> PhpSite:
        for _try in range(3):
            if self._start(_free_port()):
                return self
        raise AssertionError(self.server_log.read_text())

    def _start(self, port: int) -> bool:
        """Start the server; False when somebody took the port first."""
        environment = {**os.environ, "STAND_IN_DATABASE": str(self.database), "PHP_CLI_SERVER_WORKERS": str(WORKERS)}
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
        deadline = time.monotonic() + 10
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

    def connect(self) -> sqlite3.Connection:
        """The shop's database."""
        connection = sqlite3.connect(self.database, timeout=10)
        connection.row_factory = sqlite3.Row
        return connection

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """What a query finds."""
        connection = self.connect()
        try:
            return [dict(row) for row in connection.execute(sql, values)]
        finally:
            connection.close()

    def execute(self, sql: str, *values: Any) -> None:
        """Change the database behind Bitrix's back."""
        connection = self.connect()
        with connection:
            connection.execute(sql, values)
        connection.close()

    def queue(self) -> list[dict[str, Any]]:
        """The sender's table."""
        return self.rows("SELECT * FROM cvety_crm_queue ORDER BY ID")

    def order(self, order_id: int) -> dict[str, Any]:
        """The order's row."""
        return self.rows("SELECT * FROM b_sale_order WHERE ID = ?", order_id)[0]

    def properties(self, order_id: int) -> dict[str, str]:
        """The order's properties."""
        found = self.rows("SELECT CODE, VALUE FROM b_sale_order_props_value WHERE ORDER_ID = ?", order_id)
        return {row["CODE"]: row["VALUE"] for row in found}

    def wait_for_empty_queue(self) -> None:
        """Background jobs run after the response, so a test has to wait for them."""
        self.wait_until(lambda: not self.queue())

    def wait_for_answer(self) -> None:
        """Wait until the CRM's answer to each waiting event is noted."""
        self.wait_until(lambda: all(row["LAST_CODE"] is not None for row in self.queue()))

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        """Wait for something that a request does after its response."""
        deadline = time.monotonic() + 10
        while not is_so():
            assert time.monotonic() < deadline, self.queue()
            time.sleep(0.02)


_USERS = [
    (1, "anonymous", "", "anonymous@cvety.example", ""),
    (1079, "aigerim", "Айгерим", "aigerim@cvety.example", "8 (777) 123-45-67"),
]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
