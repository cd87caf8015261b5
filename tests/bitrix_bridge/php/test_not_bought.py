"""Tests of basket rows that were not bought: an update of items leaves them alone, in PHP and in the sandbox."""

from __future__ import annotations

import pytest

from bitrix_bridge.sandbox import Sandbox
from bitrix_bridge.sandbox.bridge import Bridge


def changed(site, order_id, **request):
    answer = site.call("order.update", order_id=order_id, **request)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def order_id(site, create_request):
    return site.call(**create_request).json()["order_id"]


@pytest.mark.parametrize("column", ["DELAY = 'Y'", "CAN_BUY = 'N'"])
def test_update_leaves_rows_alone_that_were_not_bought(site, order_id, column):
    both = [
        {"bitrix_product_id": 696613, "quantity": 1, "price": 7500},
        {"bitrix_product_id": 697002, "quantity": 1, "price": 900},
    ]
    changed(site, order_id, items=both)
    site.execute(f"UPDATE b_sale_basket SET {column} WHERE PRODUCT_ID = 697002")
    aside = site.rows("SELECT * FROM b_sale_basket WHERE PRODUCT_ID = 697002")

    changed(site, order_id, items=[{"bitrix_product_id": 696613, "quantity": 2, "price": 7000}])
    assert site.rows("SELECT * FROM b_sale_basket WHERE PRODUCT_ID = 697002") == aside
    assert site.order(order_id)["PRICE"] == "15500.0000", "the row is not in the sum"

    # A new item of the same product is a row of its own, and a lower total changes only the prices of bought items.
    changed(site, order_id, items=[{"bitrix_product_id": 697002, "quantity": 1, "price": 990}], fields={"PRICE": 2400})
    rows = site.rows("SELECT ID, PRICE FROM b_sale_basket WHERE PRODUCT_ID = 697002 ORDER BY ID")
    assert [row["PRICE"] for row in rows] == ["900.0000", "900.0000"]
    assert rows[0]["ID"] == aside[0]["ID"]
    refused = site.call(
        "order.update",
        order_id=order_id,
        items=[{"bitrix_basket_id": aside[0]["ID"], "bitrix_product_id": 697002, "quantity": 1, "price": 1}],
    )
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "basket_unknown")


@pytest.mark.parametrize("column", [{"DELAY": "Y"}, {"CAN_BUY": "N"}])
def test_sandbox_leaves_rows_alone_that_were_not_bought(column):
    with Sandbox() as sandbox:
        bridge = Bridge(sandbox.site, lambda: 0)
        lines = [{"bitrix_product_id": 696613, "quantity": 1, "price": 7500, "product_snapshot": {"name": "Букет"}}]
        key = int(sandbox.place_order(items=[*lines, {**lines[0], "price": 900}], delivery_fee=1500)["ID"])
        first, aside = sandbox.site.order(key)["basket"]
        sandbox.site.write_raw(key, {"basket": [first, aside | column]})
        code, answer = bridge.answer(
            {"action": "order.update", "order_id": key, "items": [{**lines[0], "price": 7000}]}
        )
        assert code == 200, answer
        order = sandbox.site.order(key)
        assert order["basket"][1] == aside | column
        assert (order["basket"][0]["PRICE"], order["PRICE"]) == ("7000.0000", "8500.0000")
        named = {**lines[0], "bitrix_basket_id": int(aside["ID"])}
        code, answer = bridge.answer({"action": "order.update", "order_id": key, "items": [named]})
        assert (code, answer["error"]["code"]) == (422, "basket_unknown")
