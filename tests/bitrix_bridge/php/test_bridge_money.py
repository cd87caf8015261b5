"""Sums, discounts and payments: what was agreed on is what the order costs, and no money goes where none was sent."""

from __future__ import annotations

from decimal import Decimal

import pytest


def refusal(answer):
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["step"]


def changed(site, order_id, **request):
    answer = site.ask("order.update", order_id=order_id, **request)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def order_id(site, create_request):
    return site.ask(**create_request).json()["order_id"]


def line(**changes):
    return {"bitrix_product_id": 696613, "quantity": 1, "price": 7500, **changes}


def prices(site):
    """Quantity, price and list price of each line."""
    rows = site.rows("SELECT QUANTITY, PRICE, BASE_PRICE FROM b_sale_basket ORDER BY ID")
    return [tuple(Decimal(row[name]) for name in ("QUANTITY", "PRICE", "BASE_PRICE")) for row in rows]


def sums(site, order_id):
    """What the order costs, and its discount."""
    order = site.order(order_id)
    return Decimal(order["PRICE"]), Decimal(order["DISCOUNT_VALUE"])


def balance(site):
    """What is on the buyer's inner account."""
    return site.inner_account(1079)[0]


def warned(answer):
    return [(warning["code"], warning.get("amount")) for warning in answer.get("warnings", [])]


class TestDiscount:
    @pytest.fixture
    def order_id(self, site, create_request):
        return site.ask(**(create_request | {"total_amount": 7500.0})).json()["order_id"]

    def test_it_stands_in_the_prices_of_the_lines(self, site, order_id):
        assert prices(site) == [(1, 6000, 7500)]
        assert sums(site, order_id) == (7500, 1500)
        assert [row["SUM"] for row in site.payments(order_id)] == ["7500.0000"]

    def test_it_survives_a_recalculation_of_the_site(self, site, order_id):
        before = site.order(order_id)
        site.hit(["recalculate", order_id])
        after = site.order(order_id)
        assert (after["PRICE"], after["DISCOUNT_VALUE"]) == (before["PRICE"], before["DISCOUNT_VALUE"])
        site.hit(["quantity", order_id, site.rows("SELECT ID FROM b_sale_basket")[0]["ID"], 2])
        assert sums(site, order_id)[0] == 13500

    def test_a_request_without_a_total_may_name_it(self, site, create_request):
        del create_request["total_amount"]
        order_id = site.ask(**(create_request | {"discount_amount": 500})).json()["order_id"]
        assert (prices(site), sums(site, order_id)) == ([(1, 7000, 7500)], (8500, 500))

    def test_pieces_are_split_off_where_the_sum_does_not_divide(self, site, create_request):
        create_request |= {"items": [line(quantity=3, price=5000)], "total_amount": 15500}
        order_id = site.ask(**create_request).json()["order_id"]
        assert prices(site) == [(1, 4666, 5000), (2, 4667, 5000)]
        assert sums(site, order_id) == (15500, 1000)
        changed(site, order_id, fields={"PRICE": "15501.00"})
        assert sums(site, order_id) == (15501, 999)

    def test_a_total_below_the_delivery_is_refused(self, site, create_request, order_id):
        assert refusal(site.ask(**(create_request | {"total_amount": 1000.0}))) == (422, "bad_total", "order")
        assert refusal(site.ask("order.update", order_id=order_id, fields={"PRICE": "100"}))[1] == "bad_total"

    def test_a_total_moves_the_prices_and_leaves_the_list_prices(self, site, order_id):
        changed(site, order_id, fields={"PRICE": "8000.00"})
        assert (prices(site), sums(site, order_id)) == ([(1, 6500, 7500)], (8000, 1000))
        changed(site, order_id, fields={"PRICE": "9900.00"})
        assert (prices(site), sums(site, order_id)) == ([(1, 8400, 7500)], (9900, 0))

    def test_total_and_fee_together(self, site, order_id):
        changed(site, order_id, fields={"PRICE": "8500.00", "PRICE_DELIVERY": "1000.00"})
        assert (prices(site), sums(site, order_id)) == ([(1, 7500, 7500)], (8500, 0))
        changed(site, order_id, fields={"PRICE": "8500.00", "PRICE_DELIVERY": "2500.00"})
        assert (prices(site), sums(site, order_id)) == ([(1, 6000, 7500)], (8500, 1500))

    def test_a_changed_price_leaves_the_list_price_alone(self, site, order_id):
        changed(site, order_id, items=[line(price=7000)])
        assert (prices(site), sums(site, order_id)) == ([(1, 7000, 7500)], (8500, 500))

    def test_another_quantity_keeps_the_agreed_price(self, site):
        order_id = site.place_order()
        assert site.rows("SELECT CUSTOM_PRICE FROM b_sale_basket")[0]["CUSTOM_PRICE"] == "N"
        site.execute("UPDATE b_catalog_price SET PRICE = '9999.00' WHERE PRODUCT_ID = 696613")
        changed(site, order_id, items=[line(quantity=2)])
        assert prices(site) == [(2, 7500, 7500)]

    def test_a_total_that_an_earlier_version_set_over_the_parts_gives_way_to_them(self, site, order_id):
        site.execute("UPDATE b_sale_order SET PRICE = '5000.0000' WHERE ID = ?", order_id)
        changed(site, order_id, properties={"nameRecipient": "Дана"})
        assert sums(site, order_id)[0] == 5000
        changed(site, order_id, fields={"PRICE": "5000.00"})
        assert (prices(site), sums(site, order_id)) == ([(1, 3500, 7500)], (5000, 4000))


class TestInnerAccount:
    def test_paid_made_smaller_unpaid_and_paid_again(self, site, order_id):
        changed(site, order_id, fields={"PAYED": "Y"})
        cheaper = changed(site, order_id, items=[line(price=0)])
        assert warned(cheaper) == [("inner_account", "7500.00")]
        assert "7\u00a0500\u00a0₸ ушли на внутренний счёт покупателя" in cheaper["warnings"][0]["message"]
        assert (balance(site), paid(site, order_id)) == (7500, ("Y", 1500))
        assert warned(changed(site, order_id, fields={"PAYED": "N"})) == []
        assert warned(changed(site, order_id, fields={"PAYED": "Y"})) == []
        assert (balance(site), paid(site, order_id)) == (7500, ("Y", 1500))
        assert [row["SUM"] for row in site.payments(order_id)] == ["1500.0000"]

    def test_unpaid_payments_are_trimmed_to_what_is_owed(self, site, order_id):
        site.execute("UPDATE b_sale_order_payment SET SUM = '20000.0000' WHERE ORDER_ID = ?", order_id)
        assert warned(changed(site, order_id, fields={"PAYED": "Y"})) == []
        assert [row["SUM"] for row in site.payments(order_id)] == ["9000.0000"]
        assert balance(site) == 0

    def test_a_dearer_order_takes_its_money_back_from_there(self, site, order_id):
        changed(site, order_id, fields={"PAYED": "Y"})
        changed(site, order_id, fields={"PRICE": "8000.00"})
        dearer = changed(site, order_id, fields={"PRICE": "9000.00"})
        assert warned(dearer) == [("inner_account", "-1000.00")]
        assert (balance(site), paid(site, order_id)) == (0, ("Y", 9000))

    @pytest.mark.parametrize(
        "request_body",
        [
            {"items": [line(price=6500)], "fields": {"PRICE_DELIVERY": "2500.00"}},
            {"items": [line(price=8500)], "fields": {"PRICE_DELIVERY": "500.00"}},
            {"items": [{"bitrix_product_id": 697002, "quantity": 1, "price": 7500}]},
            {"items": [line(price=5000), {"bitrix_product_id": 697002, "quantity": 1, "price": 2500}]},
        ],
    )
    def test_what_only_moves_within_a_paid_order_gives_no_money_away(self, site, order_id, request_body):
        changed(site, order_id, fields={"PAYED": "Y"})
        assert warned(changed(site, order_id, **request_body)) == []
        assert (balance(site), paid(site, order_id)) == (0, ("Y", 9000))

    def test_a_refused_change_gives_no_money_away(self, site, order_id):
        changed(site, order_id, fields={"PAYED": "Y"})
        wrong = [line(price=100), {"bitrix_basket_id": 4444, "bitrix_product_id": 5, "quantity": 1, "price": 1}]
        answer = changed(site, order_id, items=wrong, fields={"COMMENTS": "x"})
        assert [entry["what"] for entry in answer["refused"]] == ["items"]
        assert (balance(site), paid(site, order_id)) == (0, ("Y", 9000))

    def test_money_that_the_buyer_has_spent_is_asked_for_again(self, site, order_id):
        changed(site, order_id, fields={"PAYED": "Y"})
        changed(site, order_id, fields={"PRICE": "8000.00"})
        site.execute("UPDATE b_sale_user_account SET CURRENT_BUDGET = '0'")
        changed(site, order_id, fields={"PRICE": "9000.00"})
        assert paid(site, order_id) == ("N", 8000)
        changed(site, order_id, fields={"PAYED": "Y"})
        assert (paid(site, order_id), balance(site)) == (("Y", 9000), 0)
        assert [row["SUM"] for row in site.payments(order_id)] == ["9000.0000", "1000.0000"]


def payments(site):
    return [
        (row["SUM"], row["PAY_SYSTEM_ID"], row["PAID"])
        for row in site.rows("SELECT * FROM b_sale_order_payment ORDER BY ID")
    ]


def paid(site, order_id):
    order = site.order(order_id)
    return order["PAYED"], Decimal(order["SUM_PAID"])


def test_what_is_paid_keeps_its_pay_system_until_it_is_given_back(site, order_id):
    changed(site, order_id, fields={"PAYED": "Y", "PAY_SYSTEM_ID": 3})
    assert payments(site) == [("9000.0000", 3, "Y")]
    assert changed(site, order_id, fields={"PAYED": "Y", "PAY_SYSTEM_ID": 3})["version"] == 1, "said twice"
    refused = site.ask("order.update", order_id=order_id, fields={"PAY_SYSTEM_ID": 2})
    assert refusal(refused) == (422, "payment_paid", "payment")
    changed(site, order_id, fields={"PAYED": "N", "PAY_SYSTEM_ID": 2, "PRICE": "9900.00"})
    assert payments(site) == [("9900.0000", 2, "N")]
    assert paid(site, order_id) == ("N", 0)


def test_a_higher_total_is_not_paid_until_the_rest_is(site, order_id):
    changed(site, order_id, fields={"PAYED": "Y"})
    changed(site, order_id, fields={"PRICE": "9500.00"})
    assert paid(site, order_id) == ("N", 9000)
    changed(site, order_id, fields={"PAYED": "Y"})
    assert payments(site) == [("9000.0000", 1, "Y"), ("500.0000", 1, "Y")]
    assert paid(site, order_id) == ("Y", 9500)
    changed(site, order_id, fields={"PRICE": "9000.00"})
    assert paid(site, order_id) == ("Y", 9000)
    changed(site, order_id, fields={"PAYED": "N"})
    assert ([flag for _sum, _system, flag in payments(site)], paid(site, order_id)) == (["N", "N"], ("N", 0))
    changed(site, order_id, fields={"PAY_SYSTEM_ID": 3})
    assert {system for _sum, system, _flag in payments(site)} == {3}


def test_no_more_is_paid_than_the_order_costs(site, order_id):
    site.execute(
        "INSERT INTO b_sale_order_payment (ORDER_ID, PAY_SYSTEM_ID, PAY_SYSTEM_NAME, SUM, CURRENCY, PAID)"
        " VALUES (?, 2, 'Банковская карта', '9000.0000', 'KZT', 'N')",
        order_id,
    )
    changed(site, order_id, fields={"PAYED": "Y"})
    assert [flag for _sum, _system, flag in payments(site)] == ["Y", "N"]
    assert paid(site, order_id) == ("Y", 9000)
    changed(site, order_id, fields={"PAYED": "N"})
    refused = site.ask("order.update", order_id=order_id, fields={"PAY_SYSTEM_ID": 3})
    assert refusal(refused) == (422, "payments", "payment")


def test_an_order_without_a_payment_gets_one_with_its_pay_system(site, create_request):
    order_id = site.ask(**(create_request | {"payment_method_id": 88})).json()["order_id"]
    assert payments(site) == []
    assert refusal(site.ask("order.update", order_id=order_id, fields={"PAYED": "Y"})) == (422, "no_payment", "payment")
    changed(site, order_id, fields={"PAY_SYSTEM_ID": 3, "PAYED": "Y"})
    assert (payments(site), paid(site, order_id)) == ([("9000.0000", 3, "Y")], ("Y", 9000))


def test_a_cancelled_order_takes_no_payment(site, order_id):
    changed(site, order_id, fields={"CANCELED": "Y"})
    refused = site.ask("order.update", order_id=order_id, fields={"PAYED": "Y"})
    assert refusal(refused) == (422, "refused", "payment")
    changed(site, order_id, fields={"CANCELED": "N", "PAYED": "Y"})
    assert paid(site, order_id) == ("Y", 9000)
