"""Tests of processes of the site that have loaded an order at the same time.

The stored order contains values of several processes, and VERSION may become lower.
"""

from __future__ import annotations

import pytest

from bitrix_bridge.sandbox.errors import SiteError


@pytest.fixture
def site(sandbox):
    return sandbox.site


@pytest.fixture
def order_id(order):
    return int(order["ID"])


def test_version_falls_when_an_older_process_saves_last(site, order_id, sandbox):
    held = site.open_order(order_id)
    site.update_order(order_id, {"COMMENTS": "домофон 7"})
    site.update_order(order_id, properties={"nameRecipient": "Дана"})
    assert site.order(order_id)["VERSION"] == "2"
    after = site.save_opened(held, {"PAYED": "Y"})
    assert (after["VERSION"], after["PAYED"]) == ("1", "Y")
    assert (after["COMMENTS"], after["properties"]["nameRecipient"]) == ("домофон 7", "Дана"), "not changed here"
    assert [event.data["VERSION"] for event in sandbox.sender.events] == ["0", "1", "2", "1"]
    assert sandbox.sender.events[-1].data["COMMENTS"] == "домофон 7"


def test_later_save_has_the_newer_date(site, order_id):
    moments = iter([1_000_000_000, 1_000_000_100, 1_000_000_200, 1_000_000_300, 1_000_000_400])
    site._clock = lambda: next(moments, 1_000_000_500)
    held = site.open_order(order_id)
    before = site.update_order(order_id, {"COMMENTS": "x"})
    assert site.save_opened(held, {"PAYED": "Y"})["DATE_UPDATE"] > before["DATE_UPDATE"]


def test_eight_overlapping_processes_write_equal_and_different_versions(site, order_id, sandbox):
    held = [site.open_order(order_id) for _ in range(8)]
    for number, process in enumerate(held):
        site.save_opened(process, {"COMMENTS": f"{number}"})
    saved = [event.data for event in sandbox.sender.events[1:]]
    assert [data["VERSION"] for data in saved] == ["1"] * 8
    assert len({data["COMMENTS"] for data in saved}) == 8
    assert site.saves[order_id] == 9


def test_process_continues_from_its_own_save(site, order_id):
    held = site.open_order(order_id)
    site.update_order(order_id, {"COMMENTS": "x"})
    site.save_opened(held, {"PAYED": "Y"})
    after = site.save_opened(held, {"STATUS_ID": "AP"})
    assert (after["VERSION"], after["PAYED"], after["STATUS_ID"], after["COMMENTS"]) == ("2", "Y", "AP", "x")


def test_later_of_two_changes_of_one_value_remains(site, order_id):
    held = site.open_order(order_id)
    site.update_order(order_id, {"STATUS_ID": "AP"}, {"nameRecipient": "Дана"})
    after = site.save_opened(held, {"STATUS_ID": "DE"}, {"nameRecipient": "Анна"})
    assert (after["STATUS_ID"], after["properties"]["nameRecipient"]) == ("DE", "Анна")


def test_value_equal_to_the_loaded_one_is_not_written(site, order_id):
    held = site.open_order(order_id)
    site.update_order(order_id, {"COMMENTS": "x"})
    after = site.save_opened(held, {"COMMENTS": ""})
    assert (after["COMMENTS"], after["VERSION"]) == ("x", "1"), "this process has loaded an empty value"


def test_lines_and_payments_are_written_row_by_row(site, order_id):
    line = site.order(order_id)["basket"][0]
    own = {"bitrix_basket_id": line["ID"], "quantity": 1, "price": 7500, "product_snapshot": {"name": "Букет"}}
    card = {"bitrix_product_id": 697002, "quantity": 1, "price": 990}
    held = site.open_order(order_id)
    site.update_order(order_id, items=[{**own, "quantity": 2}])
    after = site.save_opened(held, {"PAYED": "Y"}, items=[own, card])
    first, second = after["basket"]
    assert (first["QUANTITY"], first["NAME"], second["PRODUCT_ID"]) == ("2.0000", "Букет", "697002")
    assert after["PRICE"] == "9990.0000", "the sum of its own lines, without the two of the other process"
    assert (after["payments"][0]["PAID"], after["payments"][0]["SUM"]) == ("Y", "9990.0000")
    assert site.recalculate(order_id)["PRICE"] == "17490.0000"


def test_line_deleted_by_another_process_stays_deleted(site, order_id):
    line = site.order(order_id)["basket"][0]
    held = site.open_order(order_id)
    site.update_order(order_id, items=[{"bitrix_product_id": 697002, "quantity": 1, "price": 990}])
    named = {"bitrix_basket_id": line["ID"], "quantity": 1, "price": 7500, "product_snapshot": {"name": "Букет"}}
    after = site.save_opened(held, items=[named])
    assert [row["PRODUCT_ID"] for row in after["basket"]] == ["697002"]


def test_deleted_order_is_not_saved(site, order_id):
    held = site.open_order(order_id)
    site.delete_order(order_id)
    with pytest.raises(SiteError, match=str(order_id)):
        site.save_opened(held, {"COMMENTS": "x"})
    assert site.all_orders() == []


def test_immediate_save_continues_the_version_count(site, order_id):
    for number in range(3):
        assert site.update_order(order_id, {"COMMENTS": f"{number}"})["VERSION"] == str(number + 1)
    assert site.save_opened(site.open_order(order_id))["VERSION"] == "3", "nothing changed"
