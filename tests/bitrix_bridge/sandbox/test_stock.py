"""What the catalogue has: reservation, what the site's own people may sell, and what the bridge sells all the same."""

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


def more(order, quantity, **changes):
    (first,) = order["basket"]
    named = {"bitrix_basket_id": int(first["ID"]), "bitrix_product_id": BOUQUET}
    return [{**named, "quantity": quantity, "price": 7500, **changes}]


class TestReservation:
    @pytest.fixture(autouse=True)
    def _counted(self, site):
        site.set_stock(BOUQUET, quantity=10, is_traced=True)

    def test_an_order_takes_its_pieces_out_of_what_is_free(self, site, order, update):
        assert amounts(site) == (9, 1)
        update(items=more(order, 4))
        assert amounts(site) == (6, 4)
        update(items=more(order, 2))
        assert amounts(site) == (8, 2)

    def test_cancelled_gone_and_deleted_give_back(self, site, order, update):
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

    def test_what_is_shipped_is_gone(self, site, order):
        site.ship_order(int(order["ID"]))
        assert amounts(site) == (9, 0)
        site.ship_order(int(order["ID"]), "N")
        assert amounts(site) == (9, 1)

    def test_what_may_be_sold_without_stock_goes_below_zero(self, site, order, update):
        site.set_stock(BOUQUET, quantity=0, can_buy_zero=True)
        answer, _ = update(items=more(order, 3))
        assert "warnings" not in answer
        assert amounts(site) == (-2, 3)

    def test_what_is_not_counted_is_not_reserved(self, site, order, update):
        update(items=[{"bitrix_product_id": CARD, "quantity": 5, "price": 990}])
        assert amounts(site, CARD) == (0, 0)


OUT = {
    "out of stock": ({"quantity": 0, "is_traced": True}, "Недостаточное количество"),
    "too few": ({"quantity": 1, "is_traced": True}, "Можно добавить не более"),
    "inactive": ({"is_active": False}, "недоступен"),
    "deleted": ({"is_deleted": True}, "недоступен"),
}


@pytest.mark.parametrize(("stock", "words"), OUT.values(), ids=OUT)
class TestNotSold:
    def test_the_sites_own_people_can_not_raise_a_quantity(self, site, order, stock, words):
        site.set_stock(BOUQUET, **stock)
        with pytest.raises(SiteError, match=words):
            site.update_order(int(order["ID"]), items=more(order, 3))
        assert site.order(int(order["ID"])) == order

    def test_the_bridge_lets_the_line_go_on_without_the_catalogue(self, site, order, update, stock, words):
        site.set_stock(BOUQUET, **stock)
        free = amounts(site)[0]
        answer, after = update(items=more(order, 3, price=7000), properties={"nameRecipient": "Дана"})
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
        answer, after = update(items=more(order, 4))
        assert "warnings" not in answer
        assert after["basket"][0]["QUANTITY"] == "4.0000"

    def test_its_price_may_change(self, site, order, update, stock, words):
        site.set_stock(BOUQUET, **stock)
        answer, after = update(items=more(order, 1, price=7000))
        assert "warnings" not in answer
        assert after["PRICE"] == "8500.0000"

    def test_a_new_line_too(self, site, ask, create_request, stock, words):
        site.set_stock(BOUQUET, **stock)
        create_request["items"][0]["quantity"] = 2
        answer = ask("order.create", **{**create_request, "total_amount": 16500}).json()
        assert [one["code"] for one in answer["warnings"]] == ["out_of_catalogue"]
        assert site.order(answer["order_id"])["basket"][0]["QUANTITY"] == "2.0000"


@pytest.mark.parametrize("stock", [{"is_active": False}, {"is_deleted": True}])
def test_what_is_not_sold_any_more_is_not_even_made_less(site, create_request, stock):
    create_request["items"][0]["quantity"] = 2
    order = site.create_order(create_request).order
    site.set_stock(BOUQUET, **stock)
    with pytest.raises(SiteError, match="недоступен"):
        site.update_order(int(order["ID"]), items=more(order, 1))


def test_what_is_only_out_of_stock_may_become_less(site, create_request):
    create_request["items"][0]["quantity"] = 2
    site.set_stock(BOUQUET, quantity=2, is_traced=True)
    order = site.create_order(create_request).order
    assert amounts(site) == (0, 2)
    site.update_order(int(order["ID"]), items=more(order, 1))
    assert amounts(site) == (1, 1)


@pytest.mark.parametrize(("product_id", "codes"), [(424242, ["out_of_catalogue"]), (0, [])])
def test_a_line_of_what_the_catalogue_never_had(ask, create_request, product_id, codes):
    create_request["items"][0]["bitrix_product_id"] = product_id
    answer = ask("order.create", **create_request).json()
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
    def test_lines_are_refused_and_the_rest_goes_through(self, site, shipped, update, items):
        answer, after = update(
            items=items, fields={"COMMENTS": "домофон 7", "PRICE": 9000}, properties={"nameRecipient": "Дана"}
        )
        assert [(one["what"], one["code"], one["step"]) for one in answer["refused"]] == [
            ("items", "shipped", "basket"),
            ("fields.PRICE", "shipped", "basket"),
        ]
        assert (after["COMMENTS"], after["properties"]["nameRecipient"]) == ("домофон 7", "Дана")
        assert (after["basket"], after["PRICE"]) == (shipped["basket"], shipped["PRICE"])
        assert site.saves[int(shipped["ID"])] == 3, "created, shipped, and one save for all"

    def test_a_price_is_not(self, shipped, update):
        answer, after = update(items=more(shipped, 1, price=7000))
        assert "refused" not in answer
        assert after["PRICE"] == "8500.0000"

    def test_it_is_not_cancelled(self, shipped, update):
        answer, after = update(fields={"CANCELED": "Y", "REASON_CANCELED": "Передумали"})
        assert answer["error"]["code"] == "cancel_refused"
        assert "отгруженные" in answer["error"]["message"]
        answer, after = update(fields={"CANCELED": "Y", "COMMENTS": "вернули"})
        assert [one["what"] for one in answer["refused"]] == ["fields.CANCELED"]
        assert (after["CANCELED"], after["COMMENTS"]) == ("N", "вернули")

    def test_a_cancelled_one_is_not_shipped(self, site, order):
        site.update_order(int(order["ID"]), {"CANCELED": "Y"})
        with pytest.raises(SiteError):
            site.ship_order(int(order["ID"]))
