"""Tests of a shop whose database stores less than it is sent."""

from __future__ import annotations

import pytest

from bitrix_bridge.payloads.storage import read_limits
from orders.sync.site_storage import UTF8MB3, UTF8MB4, TextLimit

LOSSY = pytest.mark.parametrize("shop_database", ["mariadb"], indirect=True)
"""SQLite stores every letter, so these tests run only with MariaDB."""
NOT_STRICT = r"\Bitrix\Main\Application::getConnection()->queryExecute(\"SET SESSION sql_mode = ''\");"
"""Bitrix's own installer writes this line into after_connect_d7.php."""
TEXT = "Құттықтаймын 🌹\nМама"


def changed(site, order_id, **request):
    answer = site.call("order.update", order_id=order_id, **request)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def order_id(site, create_request):
    return site.call(**create_request).json()["order_id"]


@pytest.fixture
def lossy(make_site):
    """Return a shop whose properties and comments are in MySQL's three-byte utf8 and are cut without an error."""
    site = make_site(line_in_init=False, init=NOT_STRICT.replace(r"\"", '"'))
    for table, column, kind in (
        ("b_sale_order_props_value", "VALUE", "varchar(500)"),
        ("b_sale_order", "USER_DESCRIPTION", "varchar(20)"),
        ("b_sale_order", "COMMENTS", "text"),
    ):
        site.execute(f"ALTER TABLE {table} MODIFY {column} {kind} CHARACTER SET utf8mb3")
    return site


@LOSSY
def test_response_contains_the_texts_that_were_stored_in_a_different_form(lossy, create_request):
    created = lossy.call(**create_request).json()
    assert created["held"] == [{"what": "properties.postcardText", "value": TEXT.replace("🌹", "?")}]
    request = {
        "fields": {"USER_DESCRIPTION": "Позвонить за час до доставки", "COMMENTS": "без эмодзи"},
        "properties": {"addressRecipient": "пр. Абая 🏠", "nameRecipient": "Дана"},
        "event_id": "made-up-1",
    }
    expected = [
        {"what": "fields.USER_DESCRIPTION", "value": "Позвонить за час до "},
        {"what": "properties.addressRecipient", "value": "пр. Абая ?"},
    ]
    assert changed(lossy, created["order_id"], **request)["held"] == expected
    lossy.execute("UPDATE b_sale_order SET USER_DESCRIPTION = 'с сайта'")
    again = changed(lossy, created["order_id"], **request)
    assert (again["repeated"], again["held"]) == (True, expected), "a repeated request has its own response"


def test_repeated_create_does_not_report_later_changes_of_staff(site, create_request):
    first = site.call(**{**create_request, "xml_id": "crm-7"}).json()
    changed(site, first["order_id"], properties={"postcardText": "с сайта"})
    assert "held" not in site.call(**{**create_request, "xml_id": "crm-7"}).json()


def test_stored_and_refused_texts_are_not_reported(site, order_id):
    answer = changed(site, order_id, fields={"COMMENTS": "🌹"}, properties={"postcardText": "я" * 501, "when": "20"})
    assert (len(answer["refused"]), "held" in answer) == (1, False)


@LOSSY
def test_ping_reports_charsets_lengths_and_decimals(lossy):
    pong = lossy.call("ping").json()
    limits = read_limits(pong)
    assert limits is not None
    assert limits.of("postcard_text") == TextLimit(UTF8MB3, 500)
    assert limits.of("comment") == TextLimit(UTF8MB3, 20)
    assert limits.of("courier_comment") == TextLimit(UTF8MB3, 65535, is_in_bytes=True)
    assert limits.decimals == {"price": 2, "quantity": 4}
    assert pong["storage"]["charset"] == UTF8MB4, "the connection itself has all letters"


def test_ping_of_a_database_that_does_not_tell_reports_nothing(site, shop_database):
    pong = site.call("ping").json()
    assert ("storage" in pong) == (shop_database.environment()["FAKE_ENGINE"] == "mariadb")
