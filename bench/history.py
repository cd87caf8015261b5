"""The benchmark of the import measures the speed and the memory of an import of orders from a MariaDB.

The copy of the site's database is created in a separate MariaDB server, with the newest version of the site's tables.
The import command runs as a separate process.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.client import WrongAnswerError
from bench.server import ROOT
from tests.bitrix_bridge.history.reference import reference_rows
from tests.bitrix_bridge.history.tables import Schema, create_tables
from tests.mariadb import Copy, running

PRODUCTS = 400
ORDERS_OF_A_CUSTOMER = 4
_FIRST_PRODUCT = 700001
_FIRST_USER = 10000

# There is one order for every 15 minutes. Each order has two items and is updated a day later.
_FILL = (
    f"""
    INSERT INTO b_user (ID, LOGIN, PASSWORD, ACTIVE, NAME, LAST_NAME, EMAIL, PERSONAL_PHONE, DATE_REGISTER)
    SELECT {_FIRST_USER} + seq, CONCAT('user', seq), '-', 'Y', ELT(1 + seq % 4, 'Айгерим', 'Данияр', 'Мария', 'Олег'),
           ELT(1 + seq % 3, 'Ахметова', 'Ким', 'Иванова'), CONCAT('user', seq, '@mail.kz'),
           CONCAT('8 (701) ', LPAD(seq * 7919 % 10000000, 7, '0')), '2024-05-20 10:00:00'
    FROM SEQUENCE WHERE seq % {ORDERS_OF_A_CUSTOMER} = 0
    """,
    f"""
    INSERT INTO b_sale_order (ID, LID, PERSON_TYPE_ID, STATUS_ID, DATE_STATUS, PRICE_DELIVERY, PRICE, CURRENCY, USER_ID,
                              PAY_SYSTEM_ID, DELIVERY_ID, DATE_INSERT, DATE_UPDATE, USER_DESCRIPTION, COMMENTS,
                              ACCOUNT_NUMBER, XML_ID, VERSION, PAYED, SUM_PAID)
    SELECT seq, 's1', 1, ELT(1 + seq % 3, 'F', 'CN', 'CO'), '2020-01-02' + INTERVAL seq * 15 MINUTE, 1500, 16500, 'KZT',
           {_FIRST_USER} + seq - seq % {ORDERS_OF_A_CUSTOMER}, 1, '1', '2020-01-01' + INTERVAL seq * 15 MINUTE,
           '2020-01-02' + INTERVAL seq * 15 MINUTE, 'без лилий, аллергия', '', CONCAT(seq), CONCAT('bx_', seq), 4,
           'Y', 16500
    FROM SEQUENCE
    """,
    f"""
    INSERT INTO b_sale_basket (ID, FUSER_ID, ORDER_ID, PRODUCT_ID, PRICE, BASE_PRICE, CURRENCY, DATE_INSERT,
                               DATE_UPDATE, QUANTITY, LID, NAME, DISCOUNT_PRICE)
    SELECT line.seq, 1, (line.seq + 1) DIV 2, {_FIRST_PRODUCT} + line.seq * 7 % {PRODUCTS}, 7500, 7500, 'KZT',
           '2020-01-01', '2020-01-01', 1, 's1', CONCAT('Букет ', line.seq * 7 % {PRODUCTS}), 0
    FROM LINES AS line
    """,
    """
    INSERT INTO b_sale_order_props_value (ORDER_ID, ORDER_PROPS_ID, NAME, VALUE, CODE, ENTITY_ID, ENTITY_TYPE)
    SELECT seq, property.ID, property.NAME,
           CASE property.CODE WHEN 'city' THEN '2' WHEN 'when' THEN '18' WHEN 'shopId' THEN '17008'
                WHEN 'data' THEN DATE_FORMAT('2020-01-02' + INTERVAL seq * 15 MINUTE, '%Y-%m-%d')
                WHEN 'nameRecipient' THEN 'Мария' WHEN 'phoneRecipient' THEN CONCAT('+7 777 ', 1000000 + seq)
                WHEN 'addressRecipient' THEN CONCAT('ул. Абая ', seq % 300, ', кв ', seq % 90)
                WHEN 'postcardText' THEN 'С днём рождения, мама! Будь счастлива. ' ELSE '' END,
           property.CODE, seq, 'ORDER'
    FROM SEQUENCE JOIN b_sale_order_props AS property
    ON property.PERSON_TYPE_ID = 1 AND property.CODE IN
       ('city', 'when', 'shopId', 'data', 'nameRecipient', 'phoneRecipient', 'addressRecipient', 'postcardText')
    """,
    """
    INSERT INTO b_sale_order_payment (ID, ORDER_ID, ACCOUNT_NUMBER, PAID, PAY_SYSTEM_ID, SUM, CURRENCY, PAY_SYSTEM_NAME)
    SELECT seq, seq, CONCAT(seq, '/1'), 'Y', 1, 16500, 'KZT', 'Наличные' FROM SEQUENCE
    """,
    """
    INSERT INTO b_sale_order_delivery (ORDER_ID, ACCOUNT_NUMBER, DATE_INSERT, STATUS_ID, DELIVERY_ID, `SYSTEM`)
    SELECT seq, CONCAT(seq, '/', kind.flag), '2020-01-01', 'DN', 1, kind.flag
    FROM SEQUENCE JOIN (SELECT 'N' AS flag UNION SELECT 'Y') AS kind
    """,
    """
    INSERT INTO b_sale_order_change (ORDER_ID, TYPE, DATA, DATE_CREATE, DATE_MODIFY, USER_ID)
    SELECT seq, 'ORDER_STATUS_CHANGED', CONCAT('a:1:{s:9:"STATUS_ID";s:2:"', step.status, '";}'),
           '2020-01-01' + INTERVAL seq * 15 + step.number MINUTE, '2020-01-01', 15
    FROM SEQUENCE JOIN (SELECT 'AP' AS status, 5 AS number UNION SELECT 'PD', 9 UNION SELECT 'CO', 12) AS step
    """,
)
_CATALOGUE = (
    f"""
    INSERT INTO b_iblock_element (ID, IBLOCK_ID, NAME, CODE, ACTIVE, TIMESTAMP_X)
    SELECT {_FIRST_PRODUCT} + seq, 21, CONCAT('Букет ', seq), CONCAT('buket-', seq), 'Y', '2024-05-20 10:00:00'
    FROM seq_0_to_{PRODUCTS - 1}
    """,
    f"""
    INSERT INTO b_catalog_price (PRODUCT_ID, CATALOG_GROUP_ID, PRICE, CURRENCY, TIMESTAMP_X)
    SELECT {_FIRST_PRODUCT} + seq, 1, 7500, 'KZT', '2024-05-20 10:00:00' FROM seq_0_to_{PRODUCTS - 1}
    """,
)


@dataclass(frozen=True, slots=True)
class Import:
    """The measurements of one run of the command."""

    orders: int
    seconds: float
    processor_seconds: float
    """The processor time of the command, without that of the databases."""
    peak_megabytes: float


def measure(numbers: Sequence[int], *, batch_size: int) -> list[Import]:
    """Run one import for each of the numbers, sorted in ascending order, and return the measurements.

    A run imports the orders with ids above the previous number, up to this number. Raise `WrongAnswerError` if a run
    fails.
    """
    found, last = [], 0
    with running() as server:
        copy = server.database("bench")
        prepare(copy)
        for number in sorted(numbers):
            add_orders(copy, last + 1, number)
            found.append(_import(copy, last + 1, number, batch_size))
            last = number
    return found


def prepare(copy: Copy) -> None:
    """Create the tables, the reference data and the catalogue in an empty database."""
    copy.execute("SET SESSION sql_mode = ''")
    create_tables(copy, Schema.NEW)
    for name, rows in reference_rows().items():
        copy.insert(name, rows)
    for sql in _CATALOGUE:
        copy.execute(sql)


def add_orders(copy: Copy, first: int, last: int) -> None:
    """Insert the orders with these ids, and with everything that belongs to them."""
    for sql in _FILL:
        copy.execute(_between(sql, first, last))


def table(found: Sequence[Import]) -> str:
    """Return a table with one line for each measurement, and with a header."""
    lines = [f"{'orders':>8} {'seconds':>8} {'orders/s':>9} {'CPU ms/order':>13} {'peak MB':>8}"]
    for one in found:
        rate = one.orders / one.seconds
        cpu = 1000 * one.processor_seconds / one.orders
        lines.append(f"{one.orders:>8} {one.seconds:>8.1f} {rate:>9.1f} {cpu:>13.2f} {one.peak_megabytes:>8.1f}")
    return "\n".join(lines)


def _between(sql: str, first: int, last: int) -> str:
    lines = f"seq_{2 * first - 1}_to_{2 * last}"
    return sql.replace("SEQUENCE", f"seq_{first}_to_{last}").replace("LINES", lines)


def _import(copy: Copy, first: int, last: int, batch_size: int) -> Import:
    command = [sys.executable, "manage.py", "import_bitrix_orders", "--no-input"]
    command += ["--start-id", str(first), "--batch-size", str(batch_size)]
    environment = os.environ | {"BITRIX_MYSQL_URL": copy.url("reader")}
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    output = process.stdout.read()
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    orders = last - first + 1
    if process.returncode or not re.search(rf"^{orders} \S+ {orders} ", output, re.M):
        raise WrongAnswerError(f"the import of {orders} orders ended with {process.returncode}: {output[-2000:]}")
    processor_seconds = usage.ru_utime + usage.ru_stime
    return Import(orders, time.monotonic() - started, processor_seconds, usage.ru_maxrss / 1024)  # kilobytes on Linux
