"""Tests of the stock: reservations, sales by staff of the site, and sales by the bridge without the catalogue."""

from __future__ import annotations

import pytest

from bitrix_bridge.sandbox.errors import SiteError

BOUQUET, CARD = 696613, 697002


@pytest.fixture
def site(sandbox):
    return sandbox.site


def amounts(site, product_id=BOUQUET):
    stock = site.stock(product_id)
    return float(stock["quantity"]), float(stock["reserved"])


def bouquet_line(order, quantity, **changes):
    (first,) = order["basket"]
    named = {"bitrix_basket_id": int(first["ID"]), "bitrix_product_id": BOUQUET}
    return [{**named, "quantity": quantity, "price": 7500, **changes}]


class TestReservation:
    @pytest.fixture(autouse=True)
    def _count_bouquets(self, site):
        site.set_stock(BOUQUET, quantity=10, is_traced=True)

    def test_order_reserves_its_pieces(self, site, order, update):
        assert amounts(site) == (9, 1)
        update(items=bouquet_line(order, 4))
        assert amounts(site) == (6, 4)
        update(items=bouquet_line(order, 2))
        assert amounts(site) == (8, 2)

    def test_cancellation_removal_and_deletion_release_pieces(self, site, order, update):
        update(fields={"CANCELED": "Y"})
        assert amounts(site) == (10, 0)
        update(fields={"CANCELED": "N"})
        assert amounts(site) == (9, 1)
        update(items=[{"bitrix_product_id": CARD, "quantity": 1, "price": 990}])
        assert amounts(site) == (10, 0)
        update(items=[{"bitrix_product_id": BOUQUET, "quantity": 3, "price": 7500}])
        assert amounts(site) == (7, 3)
        site.delete_order(int(order["ID"]))
        assert amounts(site) == (10, 0)

    def test_shipped_pieces_leave_the_reserve(self, site, order):
        site.ship_order(int(order["ID"]))
        assert amounts(site) == (9, 0)
        site.ship_order(int(order["ID"]), "N")
        assert amounts(site) == (9, 1)

    def test_product_sold_without_stock_goes_below_zero(self, site, order, update):
        site.set_stock(BOUQUET, quantity=0, can_buy_zero=True)
        answer, _ = update(items=bouquet_line(order, 3))
        assert "warnings" not in answer
        assert amounts(site) == (-2, 3)

    def test_uncounted_product_is_not_reserved(self, site, order, update):
        update(items=[{"bitrix_product_id": CARD, "quantity": 5, "price": 990}])
        assert amounts(site, CARD) == (0, 0)


UNAVAILABLE = {
    "out of stock": ({"quantity": 0, "is_traced": True}, "Недостаточное количество"),
    "too few": ({"quantity": 1, "is_traced": True}, "Можно добавить не более"),
    "inactive": ({"is_active": False}, "недоступен"),
    "deleted": ({"is_deleted": True}, "недоступен"),
}


@pytest.mark.parametrize(("stock", "words"), UNAVAILABLE.values(), ids=UNAVAILABLE)
class TestNotSold:
    def test_site_staff_can_not_raise_the_quantity_of_an_unavailable_product(self, site, order, stock, words):
        site.set_stock(BOUQUET, **stock)
        with pytest.raises(SiteError, match=words):
            site.update_order(int(order["ID"]), items=bouquet_line(order, 3))
        assert site.order(int(order["ID"])) == order

    def test_bridge_keeps_a_line_of_an_unavailable_product_with_a_warning(self, site, order, update, stock, words):
        site.set_stock(BOUQUET, **stock)
        free = amounts(site)[0]
        answer, after = update(items=bouquet_line(order, 3, price=7000), properties={"nameRecipient": "Дана"})
        (warning,) = answer["warnings"]
        assert (warning["code"], warning["product_id"], words in warning["message"]) == (
            "out_of_catalogue",
            BOUQUET,
            True,
        )
        assert "нельзя продать" in warning["message"]
        assert "refused" not in answer
        (line,) = after["basket"]
        assert (line["QUANTITY"], line["PRICE"], line["BASE_PRICE"]) == ("3.0000", "7000.0000", "7500.0000")
        assert (after["PRICE"], after["properties"]["nameRecipient"]) == ("22500.0000", "Дана")
        assert amounts(site)[0] == free
        answer, after = update(items=bouquet_line(order, 4))
        assert "warnings" not in answer
        assert after["basket"][0]["QUANTITY"] == "4.0000"

    def test_price_of_an_unavailable_product_can_change(self, site, order, update, stock, words):
        site.set_stock(BOUQUET, **stock)
        answer, after = update(items=bouquet_line(order, 1, price=7000))
        assert "warnings" not in answer
        assert after["PRICE"] == "8500.0000"

    def test_bridge_adds_a_line_of_an_unavailable_product_and_warns(
        self, site, call_bridge, create_request, stock, words
    ):
        site.set_stock(BOUQUET, **stock)
        create_request["items"][0]["quantity"] = 2
        answer = call_bridge("order.create", **{**create_request, "total_amount": 16500}).json()
        assert [one["code"] for one in answer["warnings"]] == ["out_of_catalogue"]
        assert site.order(answer["order_id"])["basket"][0]["QUANTITY"] == "2.0000"


@pytest.mark.parametrize("stock", [{"is_active": False}, {"is_deleted": True}])
def test_site_staff_can_not_lower_the_quantity_of_a_product_not_for_sale(site, create_request, stock):
    create_request["items"][0]["quantity"] = 2
    order = site.create_order(create_request).order
    site.set_stock(BOUQUET, **stock)
    with pytest.raises(SiteError, match="недоступен"):
        site.update_order(int(order["ID"]), items=bouquet_line(order, 1))


def test_site_staff_can_lower_the_quantity_of_a_product_out_of_stock(site, create_request):
    create_request["items"][0]["quantity"] = 2
    site.set_stock(BOUQUET, quantity=2, is_traced=True)
    order = site.create_order(create_request).order
    assert amounts(site) == (0, 2)
    site.update_order(int(order["ID"]), items=bouquet_line(order, 1))
    assert amounts(site) == (1, 1)


@pytest.mark.parametrize(("product_id", "codes"), [(424242, ["out_of_catalogue"]), (0, [])])
def test_line_of_an_unknown_product_is_created_with_a_warning(call_bridge, create_request, product_id, codes):
    create_request["items"][0]["bitrix_product_id"] = product_id
    answer = call_bridge("order.create", **create_request).json()
    assert [one["code"] for one in answer.get("warnings", ())] == codes


class TestShipped:
    @pytest.fixture
    def shipped(self, site, order):
        return site.ship_order(int(order["ID"]))

    @pytest.mark.parametrize(
        "items",
        [
            [{"bitrix_product_id": BOUQUET, "quantity": 2, "price": 7500}],
            [{"bitrix_product_id": CARD, "quantity": 1, "price": 7500}],
            [
                {"bitrix_product_id": BOUQUET, "quantity": 1, "price": 7500},
                {"bitrix_product_id": CARD, "quantity": 1, "price": 990},
            ],
        ],
    )
    def test_shipped_order_refuses_other_lines_and_saves_the_rest(self, site, shipped, update, items):
        answer, after = update(
            items=items, fields={"COMMENTS": "домофон 7", "PRICE": 9000}, properties={"nameRecipient": "Дана"}
        )
        assert [(one["what"], one["code"], one["step"]) for one in answer["refused"]] == [
            ("items", "shipped", "basket"),
            ("fields.PRICE", "shipped", "basket"),
        ]
        assert (after["COMMENTS"], after["properties"]["nameRecipient"]) == ("домофон 7", "Дана")
        assert (after["basket"], after["PRICE"]) == (shipped["basket"], shipped["PRICE"])
        assert site.saves[int(shipped["ID"])] == 3, "created, shipped, and one save for the update"

    def test_price_of_a_shipped_line_can_change(self, shipped, update):
        answer, after = update(items=bouquet_line(shipped, 1, price=7000))
        assert "refused" not in answer
        assert after["PRICE"] == "8500.0000"

    def test_shipped_order_is_not_cancelled(self, shipped, update):
        answer, after = update(fields={"CANCELED": "Y", "REASON_CANCELED": "Передумали"})
        assert answer["error"]["code"] == "cancel_refused"
        assert "отгруженные" in answer["error"]["message"]
        answer, after = update(fields={"CANCELED": "Y", "COMMENTS": "вернули"})
        assert [one["what"] for one in answer["refused"]] == ["fields.CANCELED"]
        assert (after["CANCELED"], after["COMMENTS"]) == ("N", "вернули")

    def test_cancelled_order_is_not_shipped(self, site, order):
        site.update_order(int(order["ID"]), {"CANCELED": "Y"})
        with pytest.raises(SiteError):
            site.ship_order(int(order["ID"]))
