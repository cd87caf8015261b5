"""Tests of payments, of the customer's account, and of the total as the sum of the items and the delivery."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bitrix_bridge.sandbox.errors import SiteError


@pytest.fixture
def site(sandbox):
    return sandbox.site


def account_amounts(answer):
    """Return the amounts in the warnings about the customer's account."""
    return [one["amount"] for one in answer.get("warnings", ()) if one["code"] == "inner_account"]


def line(order, **changes):
    (first,) = order["basket"]
    return {"bitrix_basket_id": int(first["ID"]), "bitrix_product_id": 696613, "quantity": 1, "price": 7500, **changes}


def sums(order):
    return [(payment["SUM"], payment["PAID"]) for payment in order["payments"]]


class TestPayments:
    def test_only_payment_follows_the_total(self, order, update):
        (payment,) = order["payments"]
        assert {name: payment[name] for name in ("PAY_SYSTEM_ID", "PAY_SYSTEM_NAME", "SUM", "PAID", "IS_RETURN")} == {
            "PAY_SYSTEM_ID": "1",
            "PAY_SYSTEM_NAME": "Наличные",
            "SUM": "9000.0000",
            "PAID": "N",
            "IS_RETURN": "N",
        }
        _, after = update(items=[line(order, quantity=2)])
        assert (after["PRICE"], sums(after)) == ("16500.0000", [("16500.0000", "N")])

    def test_paid_flag_follows_the_payments(self, order, update):
        _, after = update(fields={"PAYED": "Y"})
        assert (after["PAYED"], after["SUM_PAID"], sums(after)) == ("Y", "9000.00", [("9000.0000", "Y")])
        assert after["payments"][0]["DATE_PAID"] == after["DATE_PAYED"]
        _, after = update(fields={"PAYED": "N"})
        assert (after["PAYED"], after["SUM_PAID"], sums(after)) == ("N", "0.00", [("9000.0000", "N")])

    def test_higher_total_makes_a_paid_order_unpaid_and_adds_a_payment(self, order, update):
        update(fields={"PAYED": "Y"})
        _, after = update(fields={"PRICE": 9500})
        assert (after["PAYED"], after["SUM_PAID"], sums(after)) == ("N", "9000.00", [("9000.0000", "Y")])
        _, after = update(fields={"PAYED": "Y"})
        assert (after["PAYED"], sums(after)) == ("Y", [("9000.0000", "Y"), ("500.0000", "Y")])

    def test_order_without_payments_can_not_be_paid(self, site, call_bridge, create_request):
        answer = call_bridge("order.create", **{**create_request, "payment_method_id": 99})
        assert answer.json()["warnings"][0]["code"] == "no_pay_system"
        order_id = answer.json()["order_id"]
        assert (site.order(order_id)["payments"], site.order(order_id)["PAY_SYSTEM_ID"]) == ([], None)
        refused = call_bridge("order.update", order_id=order_id, fields={"PAYED": "Y"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "no_payment")
        call_bridge("order.update", order_id=order_id, fields={"PAY_SYSTEM_ID": 3, "PAYED": "Y"})
        assert sums(site.order(order_id)) == [("9000.0000", "Y")]

    def test_cancelled_order_accepts_no_payment_and_keeps_its_own(self, order, update):
        update(fields={"CANCELED": "Y"})
        _, after = update(items=[line(order, price=6000)])
        assert (after["PRICE"], sums(after)) == ("7500.0000", [("9000.0000", "N")])
        answer, _ = update(fields={"PRICE_DELIVERY": 2000})
        assert answer["error"]["step"] == "shipment"
        answer, _ = update(fields={"PAYED": "Y"})
        assert answer["error"]["step"] == "payment"


class TestInnerAccount:
    @pytest.fixture
    def paid(self, order, update):
        update(fields={"PAYED": "Y"})
        return order

    def test_lower_total_of_a_paid_order_warns_about_the_inner_account(self, site, paid, update):
        answer, after = update(items=[line(paid, price=6000)])
        assert account_amounts(answer) == ["1500.00"]
        assert "1\N{NO-BREAK SPACE}500 ₸" in answer["warnings"][0]["message"]
        assert (after["PRICE"], after["SUM_PAID"], after["PAYED"]) == ("7500.0000", "7500.00", "Y")
        assert sums(after) == [("9000.0000", "Y")], "the payment keeps its sum"
        assert site.budget(paid["USER_ID"]) == 1500
        (row,) = site.transactions
        assert {name: row[name] for name in ("AMOUNT", "DEBIT", "DESCRIPTION", "ORDER_ID", "CURRENT_BUDGET")} == {
            "AMOUNT": "1500.0000",
            "DEBIT": "Y",
            "DESCRIPTION": "EXCESS_SUM_PAID",
            "ORDER_ID": paid["ID"],
            "CURRENT_BUDGET": "0.0000",
        }

    def test_bridge_does_not_book_twice_when_an_order_is_paid_again(self, site, paid, update):
        update(items=[line(paid, price=6000)])
        answer, after = update(fields={"PAYED": "N"})
        assert (account_amounts(answer), sums(after), after["SUM_PAID"]) == ([], [("9000.0000", "N")], "0.00")
        answer, after = update(fields={"PAYED": "Y"})
        assert (account_amounts(answer), sums(after)) == ([], [("7500.0000", "Y")]), "only what is owed"
        assert site.budget(paid["USER_ID"]) == 1500

    def test_site_books_again_each_time_an_order_is_paid_again(self, site, paid, update):
        update(items=[line(paid, price=6000)])
        for times in (2, 3):
            site.update_order(int(paid["ID"]), {"PAYED": "N"})
            assert site.budget(paid["USER_ID"]) == 1500 * (times - 1), "not withdrawn"
            after = site.update_order(int(paid["ID"]), {"PAYED": "Y"})
            assert (after["SUM_PAID"], site.budget(paid["USER_ID"])) == ("7500.00", 1500 * times)

    def test_rising_total_takes_money_back_from_the_account(self, site, paid, update):
        update(items=[line(paid, price=6000)])
        answer, after = update(items=[line(paid, price=7000)])
        assert (account_amounts(answer), after["SUM_PAID"], after["PAYED"]) == (["-1000.00"], "8500.00", "Y")
        assert site.budget(paid["USER_ID"]) == 500
        answer, after = update(items=[line(paid, price=8000)])
        assert (account_amounts(answer), after["SUM_PAID"], after["PAYED"]) == (["-500.00"], "9000.00", "N")
        assert site.budget(paid["USER_ID"]) == 0

    def test_repeated_request_returns_the_same_warning(self, paid, update):
        first, _ = update(items=[line(paid, price=6000)], event_id="made-up-1")
        again, _ = update(items=[line(paid, price=6000)], event_id="made-up-1")
        assert again == {**first, "repeated": True}
        assert account_amounts(again) == ["1500.00"]

    def test_refused_part_moves_no_money(self, site, paid, update):
        answer, after = update(items=[line(paid, bitrix_basket_id=7, price=1)], fields={"COMMENTS": "x"})
        assert [one["what"] for one in answer["refused"]] == ["items"]
        assert (account_amounts(answer), site.transactions, after["COMMENTS"]) == ([], [], "x")

    def test_exchanged_lines_of_the_same_sum_move_no_money(self, site, paid, update):
        answer, after = update(items=[{"bitrix_product_id": 696614, "quantity": 1, "price": 7500}])
        assert (account_amounts(answer), site.transactions, after["PAYED"]) == ([], [], "Y")


class TestTotal:
    def test_requested_total_changes_the_prices(self, order, update):
        _, after = update(fields={"PRICE": 8000, "DISCOUNT_VALUE": 1000})
        (first,) = after["basket"]
        assert (first["PRICE"], first["BASE_PRICE"], first["DISCOUNT_PRICE"]) == ("6500.0000", "7500.0000", "0.0000")
        assert (first["CUSTOM_PRICE"], after["PRICE"], after["DISCOUNT_VALUE"]) == ("Y", "8000.0000", "1000.0000")

    def test_requested_total_with_new_lines_and_fee_changes_the_prices(self, order, update):
        items = [line(order, quantity=3, price=1000), {"bitrix_product_id": 697002, "quantity": 1, "price": 500}]
        _, after = update(items=items, fields={"PRICE": 5000, "PRICE_DELIVERY": 2000})
        assert [(one["PRICE"], one["QUANTITY"]) for one in after["basket"]] == [
            ("857.0000", "3.0000"),
            ("429.0000", "1.0000"),
        ]
        assert (after["PRICE"], after["PRICE_DELIVERY"]) == ("5000.0000", "2000.0000")

    def test_one_piece_becomes_a_line_of_its_own_if_necessary(self, order, update):
        _, after = update(items=[line(order, quantity=3, price=1000)], fields={"PRICE": 4000})
        assert [(one["QUANTITY"], one["PRICE"]) for one in after["basket"]] == [
            ("2.0000", "833.0000"),
            ("1.0000", "834.0000"),
        ]
        assert after["basket"][0]["ID"] == order["basket"][0]["ID"]
        assert after["PRICE"] == "4000.0000"

    def test_total_below_the_delivery_fee_is_refused(self, order, update, call_bridge, create_request):
        answer, _ = update(fields={"PRICE": 1000})
        assert (answer["error"]["code"], answer["error"]["step"]) == ("bad_total", "order")
        answer = call_bridge("order.create", **{**create_request, "total_amount": 1000})
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_total")

    @pytest.mark.parametrize("request_part", [{"total_amount": 8000}, {"total_amount": None, "discount_amount": 1000}])
    def test_discount_of_a_create_request_changes_the_prices(self, site, call_bridge, create_request, request_part):
        answer = call_bridge("order.create", **{**create_request, **request_part}).json()
        after = site.order(answer["order_id"])
        (first,) = after["basket"]
        assert (first["PRICE"], first["BASE_PRICE"], first["DISCOUNT_PRICE"]) == ("6500.0000", "7500.0000", "0.0000")
        assert (after["PRICE"], after["DISCOUNT_VALUE"], sums(after)) == (
            "8000.0000",
            "1000.0000",
            [("8000.0000", "N")],
        )

    def test_recalculation_keeps_the_total_that_the_bridge_wrote(self, site, order, update):
        _, agreed = update(fields={"PRICE": 8000})
        assert site.recalculate(int(order["ID"])) == agreed

    def test_total_that_differs_from_its_parts_lasts_until_the_next_recalculation(self, site, create_request):
        order = site.create_order({**create_request, "total_amount": 8000, "discount_amount": 1000}).order
        order_id = int(order["ID"])
        assert (order["PRICE"], sums(order), order["DISCOUNT_VALUE"]) == (
            "8000.0000",
            [("8000.0000", "N")],
            "1000.0000",
        )
        kept = site.update_order(order_id, {"STATUS_ID": "AP"}, {"nameRecipient": "Дана"})
        assert kept["PRICE"] == "8000.0000"
        after = site.recalculate(order_id)
        assert (after["PRICE"], sums(after), after["DISCOUNT_VALUE"]) == (
            "9000.0000",
            [("9000.0000", "N")],
            "1000.0000",
        )

    def test_changed_price_keeps_the_list_price(self, order, update):
        _, after = update(items=[line(order, price=6000, base_price=6000)])
        assert [(one["PRICE"], one["BASE_PRICE"]) for one in after["basket"]] == [("6000.0000", "7500.0000")]
        _, after = update(items=[line(order, price=8000)])
        assert [(one["PRICE"], one["BASE_PRICE"]) for one in after["basket"]] == [("8000.0000", "7500.0000")]
        assert after["DISCOUNT_VALUE"] == "0.0000"

    def test_prices_are_rounded_as_bitrix_rounds_them(self, order, update):
        _, after = update(items=[line(order, quantity="0.333", price="1000.005")])
        assert (after["basket"][0]["PRICE"], after["PRICE"]) == ("1000.0100", "1833.0000")


def test_paid_or_shipped_order_is_not_deleted(site, order):
    order_id = int(order["ID"])
    site.update_order(order_id, {"PAYED": "Y"})
    with pytest.raises(SiteError, match="активные оплаты"):
        site.delete_order(order_id)
    site.update_order(order_id, {"PAYED": "N"})
    site.ship_order(order_id)
    with pytest.raises(SiteError, match="отгруженные"):
        site.delete_order(order_id)
    assert Decimal(site.order(order_id)["PRICE"]) == 9000
