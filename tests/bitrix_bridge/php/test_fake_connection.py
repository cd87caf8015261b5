"""Tests of the fake connection: it handles statements like Bitrix's own connection, with SQLite and with MariaDB."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest


def run_sql(site, method, *arguments):
    (found,) = site.hit(["sql", method, *arguments])
    return found


def test_scalar_query_adds_a_limit_and_must_not_contain_one(site):
    assert run_sql(site, "queryScalar", "SELECT NAME FROM b_user ORDER BY ID") == "Администратор"
    refused = run_sql(site, "queryScalar", "SELECT NAME FROM b_user ORDER BY ID LIMIT 1")
    assert refused["error"].startswith("Mysql query error: (")
    assert run_sql(site, "queryScalar", "SELECT NAME FROM b_user WHERE ID = 77") is None


def test_query_adds_a_limit_on_request(site):
    query = "SELECT ID FROM b_sale_pay_system_action ORDER BY ID"
    assert [row["ID"] for row in run_sql(site, "query", query)] == ["1", "2", "3", "4"]
    assert [row["ID"] for row in run_sql(site, "query", query, 2)] == ["1", "2"]
    assert [row["ID"] for row in run_sql(site, "query", query, 1, 2)] == ["2", "3"]
    assert [row["ID"] for row in run_sql(site, "query", query, [], 1)] == ["1"]
    assert [row["ID"] for row in run_sql(site, "query", f"{query} LIMIT 1")] == ["1"]


def test_values_are_texts_and_dates_are_objects(site):
    order_id = site.place_order()
    (row,) = run_sql(site, "query", f"SELECT * FROM b_sale_order WHERE ID = {order_id}")
    assert (row["ID"], row["VERSION"], row["PRICE"], row["SUM_PAID"]) == (str(order_id), "0", "9000.0000", "0.00")
    assert set(row["DATE_INSERT"]) == {"date"}
    assert row["DATE_PAYED"] is None
    (line,) = run_sql(site, "query", "SELECT QUANTITY, WEIGHT FROM b_sale_basket")
    assert line == {"QUANTITY": "1.0000", "WEIGHT": None}
    assert run_sql(site, "queryScalar", "SELECT QUANTITY FROM b_catalog_product WHERE ID = 696613") == "99"
    assert run_sql(site, "queryScalar", "SELECT DATE_INSERT FROM b_sale_order")["date"] == row["DATE_INSERT"]["date"]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1; SELECT 2",
        'SELECT "ID" FROM b_user WHERE ID = 1 GROUP BY NAME AND',
        "SELECT * FROM b_nothing",
        "SELECT NOTHING FROM b_user",
        "INSERT INTO b_option (MODULE_ID, NAME, VALUE) VALUES ('a', 'b', 'c') ON CONFLICT DO NOTHING",
        "INSERT OR IGNORE INTO b_option (MODULE_ID, NAME) VALUES ('a', 'b')",
        "PRAGMA journal_mode",
        "SELECT name FROM sqlite_master",
        "CREATE TABLE x (ID INTEGER PRIMARY KEY AUTOINCREMENT)",
    ],
)
def test_statement_unknown_to_mysql_is_an_error(site, text):
    assert "Mysql query error" in run_sql(site, "query", text)["error"]


@pytest.mark.parametrize(
    "text",
    [
        # A value is longer than the column, is empty in a NOT NULL column, is not a number, or is not a date.
        f"UPDATE b_user SET NAME = '{'я' * 51}'",
        "UPDATE b_sale_order SET STATUS_ID = 'ABC'",
        "UPDATE b_sale_order SET PRICE = NULL",
        "UPDATE b_sale_order SET PRICE = 'much'",
        "UPDATE b_sale_order SET VERSION = 'first'",
        "UPDATE b_sale_order SET DATE_INSERT = 'yesterday'",
        "UPDATE b_user_phone_auth SET PHONE_NUMBER = NULL",
        "INSERT INTO b_sale_order (LID, STATUS_ID) VALUES ('s1', 'N')",
    ],
)
def test_strict_mode_refuses_values_that_do_not_fit(site, text):
    site.place_order()
    site.execute("INSERT INTO b_user_phone_auth (USER_ID, PHONE_NUMBER) VALUES (1079, '+77771234567')")
    assert "Mysql query error" in run_sql(site, "queryExecute", text)["error"]


def test_mysql_syntax_is_supported(site):
    table = (
        "CREATE TABLE IF NOT EXISTS cvety_x (ID INT NOT NULL AUTO_INCREMENT, NAME VARCHAR(20) NOT NULL,"
        " PRIMARY KEY (ID), UNIQUE KEY UX_NAME (NAME), KEY IX_NAME (NAME, ID)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
    )
    for _ in range(2):
        assert run_sql(site, "queryExecute", table) is None
    assert run_sql(site, "queryExecute", "INSERT INTO cvety_x (NAME) VALUES ('a'), ('b')") is None
    assert [row["ID"] for row in run_sql(site, "query", "SELECT ID FROM cvety_x ORDER BY ID FOR UPDATE")] == ["1", "2"]
    assert run_sql(site, "queryScalar", "SELECT CONCAT(MD5('x'), '-', GREATEST(1, 2)) AS T") == (
        "9dd4e461268c8034f5c8564e155c67a6-2"
    )


def test_escaped_text_is_read_back_unchanged(site):
    text = 'it\'s a "trap" \\ 100% `?` {x} #1\nдве строки 🌹'
    (escaped,) = site.hit(["escaped", text])
    assert "\\'" in escaped
    assert "\\n" in escaped
    insert = f"INSERT INTO b_option (MODULE_ID, NAME, VALUE) VALUES ('x', 'y', '{escaped}')"
    assert run_sql(site, "queryExecute", insert) is None
    assert run_sql(site, "queryScalar", "SELECT VALUE FROM b_option WHERE NAME = 'y'") == text
    assert site.hit(["escaped", "яя'я", 3]) == ["яя\\'"], "characters are counted before they are escaped"


def test_comparison_ignores_case(site):
    site.place_order(fields={"XML_ID": "crm-Abc"})
    assert run_sql(site, "queryScalar", "SELECT XML_ID FROM b_sale_order WHERE XML_ID = 'CRM-aBC'") == "crm-Abc"


def test_lock_belongs_to_its_request_and_ends_with_it(site):
    assert site.hit(["lock", "x"], ["lock", "x"], ["unlock", "x"]) == [True, True, True]
    with ThreadPoolExecutor(1) as pool:
        holders = []

        def is_held():
            # PHP may give both requests to one process, which answers the second one after the lock has ended.
            if not holders or holders[-1].done():
                holders.append(pool.submit(site.hit, ["lock", "x", 5], ["wait", 1500]))
            return site.hit(["lock", "x"]) == [False]

        site.wait_until(is_held)
        assert site.hit(["lock", "y"], ["unlock", "y"], ["unlock", "z"]) == [True, True, False]
        assert site.hit(["lock", "x", 5]) == [True], "it waits"
        assert holders[-1].result() == [True, True]


def test_database_clock_may_differ_from_phps(make_site):
    site = make_site(line_in_init=False, database_zone="-07:00")
    order_id = site.place_order()
    by_php = datetime.fromisoformat(site.order(order_id)["DATE_INSERT"])
    (row,) = run_sql(site, "query", "SELECT NOW() AS HERE, UNIX_TIMESTAMP() AS SECONDS")
    here = row["HERE"] if isinstance(row["HERE"], str) else row["HERE"]["date"][:19]
    behind = by_php - datetime.fromisoformat(here)
    assert timedelta(hours=11.9) < behind < timedelta(hours=13.1), "Almaty is five or six hours ahead of UTC"
    site.execute("INSERT INTO b_agent (NAME, MODULE_ID, NEXT_EXEC) VALUES ('null;', 'main', '2026-01-01 00:00:00')")
    site.execute("UPDATE b_agent SET NAME = ?", "phpversion();")
    site.hit(["agents"])
    last_run = run_sql(site, "queryScalar", "SELECT UNIX_TIMESTAMP(LAST_EXEC) FROM b_agent")
    assert abs(int(float(last_run)) - int(float(row["SECONDS"]))) < 30
