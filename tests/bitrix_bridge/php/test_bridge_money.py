"""Tests of sums, discounts and payments in the PHP bridge.

An order costs the agreed sum, and no money is moved unintentionally.
"""

from __future__ import annotations

from decimal import Decimal

import pytest


def refusal(answer):
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["step"]


def changed(site, order_id, **request):
    answer = site.call("order.update", order_id=order_id, **request)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def order_id(site, create_request):
    return site.call(**create_request).json()["order_id"]


def line(**changes):
    return {"bitrix_product_id": 696613, "quantity": 1, "price": 7500, **changes}


def prices(site):
    """Return the quantity, the price and the list price of each item."""
    rows = site.rows("SELECT QUANTITY, PRICE, BASE_PRICE FROM b_sale_basket ORDER BY ID")
    return [tuple(Decimal(row[name]) for name in ("QUANTITY", "PRICE", "BASE_PRICE")) for row in rows]


def sums(site, order_id):
    """Return the total and the discount of the order."""
    order = site.order(order_id)
    return Decimal(order["PRICE"]), Decimal(order["DISCOUNT_VALUE"])


def balance(site):
    """Return the balance of the customer's account."""
    return site.inner_account(1079)[0]


def warned(answer):
    return [(warning["code"], warning.get("amount")) for warning in answer.get("warnings", [])]


class TestDiscount:
    @pytest.fixture
    def order_id(self, site, create_request):
        return site.call(**(create_request | {"total_amount": 7500.0})).json()["order_id"]

    def test_discount_is_part_of_the_prices(self, site, order_id):
        assert prices(site) == [(1, 6000, 7500)]
        assert sums(site, order_id) == (7500, 1500)
        assert [row["SUM"] for row in site.payments(order_id)] == ["7500.0000"]

    def test_discount_survives_a_recalculation_of_the_site(self, site, order_id):
        before = site.order(order_id)
        site.hit(["recalculate", order_id])
        after = site.order(order_id)
        assert (after["PRICE"], after["DISCOUNT_VALUE"]) == (before["PRICE"], before["DISCOUNT_VALUE"])
        site.hit(["quantity", order_id, site.rows("SELECT ID FROM b_sale_basket")[0]["ID"], 2])
        assert sums(site, order_id)[0] == 13500

    def test_discount_without_a_total_changes_the_prices(self, site, create_request):
        del create_request["total_amount"]
        order_id = site.call(**(create_request | {"discount_amount": 500})).json()["order_id"]
        assert (prices(site), sums(site, order_id)) == ([(1, 7000, 7500)], (8500, 500))

    def test_pieces_become_a_line_of_their_own_for_an_indivisible_sum(self, site, create_request):
        create_request |= {"items": [line(quantity=3, price=5000)], "total_amount": 15500}
        order_id = site.call(**create_request).json()["order_id"]
        assert prices(site) == [(1, 4666, 5000), (2, 4667, 5000)]
        assert sums(site, order_id) == (15500, 1000)
        changed(site, order_id, fields={"PRICE": "15501.00"})
        assert sums(site, order_id) == (15501, 999)

    def test_total_below_the_delivery_fee_is_refused(self, site, create_request, order_id):
        assert refusal(site.call(**(create_request | {"total_amount": 1000.0}))) == (422, "bad_total", "order")
        assert refusal(site.call("order.update", order_id=order_id, fields={"PRICE": "100"}))[1] == "bad_total"

    def test_total_changes_prices_and_keeps_list_prices(self, site, order_id):
        changed(site, order_id, fields={"PRICE": "8000.00"})
        assert (prices(site), sums(site, order_id)) == ([(1, 6500, 7500)], (8000, 1000))
        changed(site, order_id, fields={"PRICE": "9900.00"})
        assert (prices(site), sums(site, order_id)) == ([(1, 8400, 7500)], (9900, 0))

    def test_total_and_fee_change_together(self, site, order_id):
        changed(site, order_id, fields={"PRICE": "8500.00", "PRICE_DELIVERY": "1000.00"})
        assert (prices(site), sums(site, order_id)) == ([(1, 7500, 7500)], (8500, 0))
        changed(site, order_id, fields={"PRICE": "8500.00", "PRICE_DELIVERY": "2500.00"})
        assert (prices(site), sums(site, order_id)) == ([(1, 6000, 7500)], (8500, 1500))

    def test_changed_price_keeps_the_list_price(self, site, order_id):
        changed(site, order_id, items=[line(price=7000)])
        assert (prices(site), sums(site, order_id)) == ([(1, 7000, 7500)], (8500, 500))

    def test_changed_quantity_keeps_the_agreed_price(self, site):
        order_id = site.place_order()
        assert site.rows("SELECT CUSTOM_PRICE FROM b_sale_basket")[0]["CUSTOM_PRICE"] == "N"
        site.execute("UPDATE b_catalog_price SET PRICE = '9999.00' WHERE PRODUCT_ID = 696613")
        changed(site, order_id, items=[line(quantity=2)])
        assert prices(site) == [(2, 7500, 7500)]

    def test_total_of_an_earlier_version_becomes_the_sum_of_its_parts(self, site, order_id):
        site.execute("UPDATE b_sale_order SET PRICE = '5000.0000' WHERE ID = ?", order_id)
        changed(site, order_id, properties={"nameRecipient": "Дана"})
        assert sums(site, order_id)[0] == 5000
        changed(site, order_id, fields={"PRICE": "5000.00"})
        assert (prices(site), sums(site, order_id)) == ([(1, 3500, 7500)], (5000, 4000))


class TestInnerAccount:
    def test_repeated_payment_of_a_reduced_order_books_once(self, site, order_id):
        changed(site, order_id, fields={"PAYED": "Y"})
        cheaper = changed(site, order_id, items=[line(price=0)])
        assert warned(cheaper) == [("inner_account", "7500.00")]
        assert "7\u00a0500\u00a0₸ ушли на внутренний счёт покупателя" in cheaper["warnings"][0]["message"]
        assert (balance(site), paid(site, order_id)) == (7500, ("Y", 1500))
        assert warned(changed(site, order_id, fields={"PAYED": "N"})) == []
        assert warned(changed(site, order_id, fields={"PAYED": "Y"})) == []
        assert (balance(site), paid(site, order_id)) == (7500, ("Y", 1500))
        assert [row["SUM"] for row in site.payments(order_id)] == ["1500.0000"]

    def test_unpaid_payments_are_reduced_to_what_is_owed(self, site, order_id):
        site.execute("UPDATE b_sale_order_payment SET SUM = '20000.0000' WHERE ORDER_ID = ?", order_id)
        assert warned(changed(site, order_id, fields={"PAYED": "Y"})) == []
        assert [row["SUM"] for row in site.payments(order_id)] == ["9000.0000"]
        assert balance(site) == 0

    def test_higher_total_takes_money_back_from_the_account(self, site, order_id):
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
    def test_changes_within_the_same_total_move_no_money(self, site, order_id, request_body):
        changed(site, order_id, fields={"PAYED": "Y"})
        assert warned(changed(site, order_id, **request_body)) == []
        assert (balance(site), paid(site, order_id)) == (0, ("Y", 9000))

    def test_refused_change_moves_no_money(self, site, order_id):
        changed(site, order_id, fields={"PAYED": "Y"})
        wrong = [line(price=100), {"bitrix_basket_id": 4444, "bitrix_product_id": 5, "quantity": 1, "price": 1}]
        answer = changed(site, order_id, items=wrong, fields={"COMMENTS": "x"})
        assert [entry["what"] for entry in answer["refused"]] == ["items"]
        assert (balance(site), paid(site, order_id)) == (0, ("Y", 9000))

    def test_money_that_the_buyer_has_spent_is_owed_again(self, site, order_id):
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


def test_paid_payment_keeps_its_pay_system_until_it_is_unpaid(site, order_id):
    changed(site, order_id, fields={"PAYED": "Y", "PAY_SYSTEM_ID": 3})
    assert payments(site) == [("9000.0000", 3, "Y")]
    assert changed(site, order_id, fields={"PAYED": "Y", "PAY_SYSTEM_ID": 3})["version"] == 1, "said twice"
    refused = site.call("order.update", order_id=order_id, fields={"PAY_SYSTEM_ID": 2})
    assert refusal(refused) == (422, "payment_paid", "payment")
    changed(site, order_id, fields={"PAYED": "N", "PAY_SYSTEM_ID": 2, "PRICE": "9900.00"})
    assert payments(site) == [("9900.0000", 2, "N")]
    assert paid(site, order_id) == ("N", 0)


def test_order_with_a_higher_total_is_unpaid_until_the_rest_is_paid(site, order_id):
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


def test_payments_do_not_exceed_the_total(site, order_id):
    site.execute(
        "INSERT INTO b_sale_order_payment (ORDER_ID, PAY_SYSTEM_ID, PAY_SYSTEM_NAME, SUM, CURRENCY, PAID)"
        " VALUES (?, 2, 'Банковская карта', '9000.0000', 'KZT', 'N')",
        order_id,
    )
    changed(site, order_id, fields={"PAYED": "Y"})
    assert [flag for _sum, _system, flag in payments(site)] == ["Y", "N"]
    assert paid(site, order_id) == ("Y", 9000)
    changed(site, order_id, fields={"PAYED": "N"})
    refused = site.call("order.update", order_id=order_id, fields={"PAY_SYSTEM_ID": 3})
    assert refusal(refused) == (422, "payments", "payment")


def test_pay_system_adds_a_payment_to_an_order_without_one(site, create_request):
    order_id = site.call(**(create_request | {"payment_method_id": 88})).json()["order_id"]
    assert payments(site) == []
    assert refusal(site.call("order.update", order_id=order_id, fields={"PAYED": "Y"})) == (
        422,
        "no_payment",
        "payment",
    )
    changed(site, order_id, fields={"PAY_SYSTEM_ID": 3, "PAYED": "Y"})
    assert (payments(site), paid(site, order_id)) == ([("9000.0000", 3, "Y")], ("Y", 9000))


def test_cancelled_order_accepts_no_payment(site, order_id):
    changed(site, order_id, fields={"CANCELED": "Y"})
    refused = site.call("order.update", order_id=order_id, fields={"PAYED": "Y"})
    assert refusal(refused) == (422, "refused", "payment")
    changed(site, order_id, fields={"CANCELED": "N", "PAYED": "Y"})
    assert paid(site, order_id) == ("Y", 9000)
