"""Tests that the fake Bitrix classes compute sums, payments and stock like the real ones."""

from __future__ import annotations

from decimal import Decimal

import pytest

PRODUCT = 696613
BUYER = 1079


def sums(site, order_id):
    order = site.order(order_id)
    return Decimal(order["PRICE"]), order["PAYED"], Decimal(order["SUM_PAID"])


def basket_id(site, order_id):
    return site.lines(order_id)[0]["ID"]


class TestMoney:
    def test_each_overpayment_goes_to_the_inner_account(self, site):
        order_id = site.place_order(items=[{"product_id": PRODUCT, "quantity": 2}])
        line = basket_id(site, order_id)
        assert site.hit(["pay", order_id]) == [1]
        assert sums(site, order_id) == (16500, "Y", 16500)
        site.hit(["quantity", order_id, line, 1])
        assert sums(site, order_id) == (9000, "Y", 9000)
        assert site.payments(order_id)[0]["SUM"] == "16500.0000", "the payment keeps its sum"
        assert site.inner_account(BUYER) == (7500, [("EXCESS_SUM_PAID", 7500, order_id)])
        site.hit(["unpay", order_id])
        assert site.inner_account(BUYER)[0] == 7500, "the money stays on the account"
        site.hit(["pay", order_id])
        assert site.inner_account(BUYER) == (15000, [("EXCESS_SUM_PAID", 7500, order_id)] * 2)

    def test_higher_price_takes_the_money_back(self, site):
        order_id = site.place_order(items=[{"product_id": PRODUCT, "quantity": 2}])
        line = basket_id(site, order_id)
        site.hit(["pay", order_id], ["quantity", order_id, line, 1], ["quantity", order_id, line, 2])
        assert sums(site, order_id) == (16500, "Y", 16500)
        assert site.inner_account(BUYER) == (
            0,
            [("EXCESS_SUM_PAID", 7500, order_id), ("ORDER_PAY", -7500, order_id)],
        )

    def test_payments_may_exceed_the_price_together(self, site):
        order_id = site.place_order()
        site.hit(["payment", order_id, 5000], ["pay", order_id])
        assert sums(site, order_id) == (9000, "Y", 9000)
        assert site.inner_account(BUYER)[0] == 5000

    def test_first_payment_adds_the_inner_account_as_a_pay_system(self, site):
        def inner():
            return site.rows("SELECT NAME FROM b_sale_pay_system_action WHERE ACTION_FILE = 'inner'")

        order_id = site.place_order()
        assert inner() == []
        site.hit(["pay", order_id], ["unpay", order_id])
        assert inner() == [{"NAME": "Внутренний счет"}]

    def test_total_below_its_parts_lasts_until_the_next_recalculation(self, site):
        order_id = site.place_order(fields={"DISCOUNT_VALUE": 900})
        site.hit(["total", order_id, 8100])
        site.execute("UPDATE b_sale_order_payment SET SUM = 8100")
        site.hit(
            ["change", order_id, {"STATUS_ID": "AP"}, {"nameRecipient": "Дана"}],
            ["pay", order_id],
            ["unpay", order_id],
        )
        assert sums(site, order_id) == (8100, "N", 0)
        site.hit(["recalculate", order_id])
        assert (sums(site, order_id)[0], site.payments(order_id)[0]["SUM"]) == (9000, "9000.0000")
        assert site.order(order_id)["DISCOUNT_VALUE"] == "900.0000"

        site.hit(["total", order_id, 8100])
        site.execute("UPDATE b_sale_order_payment SET SUM = 8100")
        site.hit(["quantity", order_id, basket_id(site, order_id), 2])
        assert (sums(site, order_id)[0], site.payments(order_id)[0]["SUM"]) == (16500, "16500.0000")

    def test_only_a_single_unpaid_payment_of_the_old_price_follows(self, site):
        order_id = site.place_order()
        site.execute("UPDATE b_sale_order_payment SET SUM = 8000")
        site.hit(["quantity", order_id, basket_id(site, order_id), 2])
        assert [row["SUM"] for row in site.payments(order_id)] == ["8000.0000"]

    def test_custom_price_has_no_discount_and_keeps_its_base_price(self, site):
        order_id = site.place_order(items=[{"product_id": PRODUCT, "price": 6000, "base_price": 7500}])
        site.hit(["price", order_id, basket_id(site, order_id), 5000.006])
        (line,) = site.lines(order_id)
        assert (line["CUSTOM_PRICE"], line["PRICE"], line["BASE_PRICE"]) == ("Y", "5000.0100", "7500.0000")
        assert line["DISCOUNT_PRICE"] == "0.0000"
        assert sums(site, order_id)[0] == Decimal("6500.01"), "prices have two decimals"
        site.hit(["recalculate", order_id], ["quantity", order_id, line["ID"], 2])
        assert site.lines(order_id)[0]["PRICE"] == "5000.0100", "the catalogue does not change it"

    def test_changed_quantity_reads_the_catalogues_price_again(self, site):
        order_id = site.place_order()
        site.execute("UPDATE b_catalog_price SET PRICE = 8000 WHERE PRODUCT_ID = ?", PRODUCT)
        site.hit(["quantity", order_id, basket_id(site, order_id), 2])
        (line,) = site.lines(order_id)
        assert (line["PRICE"], line["BASE_PRICE"], sums(site, order_id)[0]) == ("8000.0000", "8000.0000", 17500)

    def test_cancelled_order_accepts_no_payment_and_no_delivery_price(self, site):
        order_id = site.place_order()
        site.hit(["cancel", order_id])
        assert site.hit(["pay", order_id]) == [{"refused": ["Невозможно оплатить отмененный заказ"]}]
        (refused,) = site.hit(["shipment", order_id, {"BASE_PRICE_DELIVERY": 5}])
        assert refused == {"refused": ["Невозможно изменить стоимость отгрузки отмененного заказа"]}

    def test_paid_payment_keeps_its_sum_and_prevents_cancellation(self, site):
        order_id = site.place_order()
        site.hit(["pay", order_id])
        assert site.hit(["cancel", order_id]) == [{"refused": ["У заказа есть активные оплаты"]}]
        assert site.hit(["delete", order_id]) == [{"refused": ["У заказа есть активные оплаты"]}]

    def test_shop_options_set_a_status_after_a_payment(self, site):
        site.execute("INSERT INTO b_option (MODULE_ID, NAME, VALUE) VALUES ('sale', 'status_on_paid', 'P')")
        order_id = site.place_order()
        site.hit(["pay", order_id])
        assert site.order(order_id)["STATUS_ID"] == "P"


class TestStock:
    def test_order_reserves_pieces_and_cancellation_releases_them(self, site):
        order_id = site.place_order(items=[{"product_id": PRODUCT, "quantity": 3}])
        assert site.stock(PRODUCT) == (97, 3)
        site.hit(["quantity", order_id, basket_id(site, order_id), 2])
        assert site.stock(PRODUCT) == (98, 2)
        site.hit(["cancel", order_id])
        assert site.stock(PRODUCT) == (100, 0)
        site.hit(["cancel", order_id, "N"])
        assert site.stock(PRODUCT) == (98, 2)
        site.hit(["ship", order_id])
        assert site.stock(PRODUCT) == (98, 0)
        site.hit(["unship", order_id], ["delete", order_id])
        assert site.stock(PRODUCT) == (100, 0)

    def test_reserved_pieces_can_not_be_sold_again(self, site):
        site.set_stock(PRODUCT, 3)
        site.place_order(items=[{"product_id": PRODUCT, "quantity": 2}])
        (refused,) = site.hit(["create", {"items": [{"product_id": PRODUCT, "quantity": 2}]}])
        assert refused == {
            "refused": ['Товар "Букет Стандарт" уже добавлен в корзине в количестве 0. Можно добавить не более 1']
        }
        site.set_stock(PRODUCT, 0)
        (refused,) = site.hit(["create", {}])
        assert refused == {"refused": ['Недостаточное количество товара "Букет Стандарт"']}

    @pytest.mark.parametrize("columns", [{"QUANTITY_TRACE": "N"}, {"CAN_BUY_ZERO": "Y"}])
    def test_stock_is_checked_only_for_counted_products(self, site, columns):
        site.set_stock(PRODUCT, 0, **columns)
        order_id = site.place_order(items=[{"product_id": PRODUCT, "quantity": 5}])
        assert site.hit(["quantity", order_id, basket_id(site, order_id), 7]) == [1]
        assert site.stock(PRODUCT) == ((0, 0) if "QUANTITY_TRACE" in columns else (-7, 7))

    @pytest.mark.parametrize("quantity", [1, 3])
    @pytest.mark.parametrize(
        "undo",
        ["UPDATE b_iblock_element SET ACTIVE = 'N'", "DELETE FROM b_iblock_element", "DELETE FROM b_catalog_product"],
    )
    def test_inactive_or_deleted_product_refuses_any_quantity_change(self, site, undo, quantity):
        order_id = site.place_order(items=[{"product_id": PRODUCT, "quantity": 2}])
        site.execute(undo)
        assert site.hit(["quantity", order_id, basket_id(site, order_id), quantity]) == [
            {"refused": ['Товар "Букет Стандарт" недоступен']}
        ]
        assert site.order(order_id)["VERSION"] == 0

    def test_quantity_above_the_stock_is_refused(self, site):
        order_id = site.place_order()
        site.set_stock(PRODUCT, 0)
        (refused,) = site.hit(["quantity", order_id, basket_id(site, order_id), 2])
        assert refused == {
            "refused": ['В корзину уже добавлено максимально возможное количество товара "Букет Стандарт" : 1']
        }

    def test_line_without_a_provider_is_not_checked(self, site):
        order_id = site.place_order(items=[{"product_id": PRODUCT, "price": 7500}])
        line = basket_id(site, order_id)
        site.set_stock(PRODUCT, 0)
        assert site.hit(["line", order_id, line, {"PRODUCT_PROVIDER_CLASS": "", "QUANTITY": 9}]) == [1]
        assert site.lines(order_id)[0]["QUANTITY"] == "9.0000"
        assert site.stock(PRODUCT) == (0, 1), "nor is its reservation"

    def test_loaded_provider_stays_for_the_lifetime_of_the_object(self, site):
        order_id = site.place_order()
        site.set_stock(PRODUCT, 0)
        line = basket_id(site, order_id)
        refused = site.hit(
            ["load", "a", order_id],
            ["set_line", "a", line, {"QUANTITY": 5}],
            ["set_line", "a", line, {"PRODUCT_PROVIDER_CLASS": ""}],
            ["set_line", "a", line, {"QUANTITY": 5}],
        )
        assert [len(texts) for texts in refused[1:]] == [1, 0, 1]

    def test_shipped_order_keeps_its_quantity_and_is_not_cancelled(self, site):
        order_id = site.place_order(items=[{"product_id": PRODUCT, "quantity": 2}])
        site.hit(["ship", order_id])
        line = basket_id(site, order_id)
        assert site.order(order_id)["DEDUCTED"] == "Y"
        for quantity in (1, 3):
            (answer,) = site.hit(["quantity", order_id, line, quantity])
            assert "refused" in answer
        assert site.hit(["remove", order_id, line]) == [
            {"refused": ['Невозможно удалить отгруженный товар "Букет Стандарт"']}
        ]
        assert site.hit(["cancel", order_id]) == [{"refused": ["У заказа есть отгруженные товары"]}]
        assert site.hit(["change", order_id, {"COMMENTS": "x"}]) == [2]
