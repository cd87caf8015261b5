"""Payments, the buyer's inner account, and a total that is always its parts."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bitrix_bridge.sandbox.errors import SiteError


@pytest.fixture
def site(sandbox):
    return sandbox.site


def told(answer):
    """The warnings of money that has moved."""
    return [one["amount"] for one in answer.get("warnings", ()) if one["code"] == "inner_account"]


def line(order, **changes):
    (first,) = order["basket"]
    return {"bitrix_basket_id": int(first["ID"]), "bitrix_product_id": 696613, "quantity": 1, "price": 7500, **changes}


def sums(order):
    return [(payment["SUM"], payment["PAID"]) for payment in order["payments"]]


class TestPayments:
    def test_an_order_has_one_that_follows_its_total(self, order, update):
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

    def test_paid_is_what_the_payments_say(self, order, update):
        _, after = update(fields={"PAYED": "Y"})
        assert (after["PAYED"], after["SUM_PAID"], sums(after)) == ("Y", "9000.00", [("9000.0000", "Y")])
        assert after["payments"][0]["DATE_PAID"] == after["DATE_PAYED"]
        _, after = update(fields={"PAYED": "N"})
        assert (after["PAYED"], after["SUM_PAID"], sums(after)) == ("N", "0.00", [("9000.0000", "N")])

    def test_a_higher_total_is_not_paid_yet_and_the_rest_is_a_payment_more(self, order, update):
        update(fields={"PAYED": "Y"})
        _, after = update(fields={"PRICE": 9500})
        assert (after["PAYED"], after["SUM_PAID"], sums(after)) == ("N", "9000.00", [("9000.0000", "Y")])
        _, after = update(fields={"PAYED": "Y"})
        assert (after["PAYED"], sums(after)) == ("Y", [("9000.0000", "Y"), ("500.0000", "Y")])

    def test_without_any_an_order_can_not_be_paid(self, site, ask, create_request):
        answer = ask("order.create", **{**create_request, "payment_method_id": 99})
        assert answer.json()["warnings"][0]["code"] == "no_pay_system"
        order_id = answer.json()["order_id"]
        assert (site.order(order_id)["payments"], site.order(order_id)["PAY_SYSTEM_ID"]) == ([], None)
        refused = ask("order.update", order_id=order_id, fields={"PAYED": "Y"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "no_payment")
        ask("order.update", order_id=order_id, fields={"PAY_SYSTEM_ID": 3, "PAYED": "Y"})
        assert sums(site.order(order_id)) == [("9000.0000", "Y")]

    def test_a_cancelled_order_takes_none_and_its_payment_stays(self, order, update):
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

    def test_a_paid_order_made_smaller_says_where_the_rest_went(self, site, paid, update):
        answer, after = update(items=[line(paid, price=6000)])
        assert told(answer) == ["1500.00"]
        assert "1\N{NO-BREAK SPACE}500 ₸" in answer["warnings"][0]["message"]
        assert (after["PRICE"], after["SUM_PAID"], after["PAYED"]) == ("7500.0000", "7500.00", "Y")
        assert sums(after) == [("9000.0000", "Y")], "what was paid stays as it was paid"
        assert site.budget(paid["USER_ID"]) == 1500
        (row,) = site.transactions
        assert {name: row[name] for name in ("AMOUNT", "DEBIT", "DESCRIPTION", "ORDER_ID", "CURRENT_BUDGET")} == {
            "AMOUNT": "1500.0000",
            "DEBIT": "Y",
            "DESCRIPTION": "EXCESS_SUM_PAID",
            "ORDER_ID": paid["ID"],
            "CURRENT_BUDGET": "0.0000",
        }

    def test_unpaid_and_paid_again_by_the_bridge_it_gets_nothing_more(self, site, paid, update):
        update(items=[line(paid, price=6000)])
        answer, after = update(fields={"PAYED": "N"})
        assert (told(answer), sums(after), after["SUM_PAID"]) == ([], [("9000.0000", "N")], "0.00")
        answer, after = update(fields={"PAYED": "Y"})
        assert (told(answer), sums(after)) == ([], [("7500.0000", "Y")]), "only what is owed"
        assert site.budget(paid["USER_ID"]) == 1500

    def test_paid_again_by_the_sites_own_people_it_is_booked_each_time(self, site, paid, update):
        update(items=[line(paid, price=6000)])
        for times in (2, 3):
            site.update_order(int(paid["ID"]), {"PAYED": "N"})
            assert site.budget(paid["USER_ID"]) == 1500 * (times - 1), "not taken back"
            after = site.update_order(int(paid["ID"]), {"PAYED": "Y"})
            assert (after["SUM_PAID"], site.budget(paid["USER_ID"])) == ("7500.00", 1500 * times)

    def test_a_total_that_rises_again_takes_it_back(self, site, paid, update):
        update(items=[line(paid, price=6000)])
        answer, after = update(items=[line(paid, price=7000)])
        assert (told(answer), after["SUM_PAID"], after["PAYED"]) == (["-1000.00"], "8500.00", "Y")
        assert site.budget(paid["USER_ID"]) == 500
        answer, after = update(items=[line(paid, price=8000)])
        assert (told(answer), after["SUM_PAID"], after["PAYED"]) == (["-500.00"], "9000.00", "N")
        assert site.budget(paid["USER_ID"]) == 0

    def test_a_lost_answer_is_told_again(self, paid, update):
        first, _ = update(items=[line(paid, price=6000)], event_id="made-up-1")
        again, _ = update(items=[line(paid, price=6000)], event_id="made-up-1")
        assert again == {**first, "repeated": True}
        assert told(again) == ["1500.00"]

    def test_what_is_refused_moves_no_money(self, site, paid, update):
        answer, after = update(items=[line(paid, bitrix_basket_id=7, price=1)], fields={"COMMENTS": "x"})
        assert [one["what"] for one in answer["refused"]] == ["items"]
        assert (told(answer), site.transactions, after["COMMENTS"]) == ([], [], "x")

    def test_lines_exchanged_for_others_of_the_same_sum_move_none(self, site, paid, update):
        answer, after = update(items=[{"bitrix_product_id": 696614, "quantity": 1, "price": 7500}])
        assert (told(answer), site.transactions, after["PAYED"]) == ([], [], "Y")


class TestTotal:
    def test_one_that_is_asked_for_goes_into_the_prices(self, order, update):
        _, after = update(fields={"PRICE": 8000, "DISCOUNT_VALUE": 1000})
        (first,) = after["basket"]
        assert (first["PRICE"], first["BASE_PRICE"], first["DISCOUNT_PRICE"]) == ("6500.0000", "7500.0000", "0.0000")
        assert (first["CUSTOM_PRICE"], after["PRICE"], after["DISCOUNT_VALUE"]) == ("Y", "8000.0000", "1000.0000")

    def test_with_lines_of_its_own_and_another_delivery(self, order, update):
        items = [line(order, quantity=3, price=1000), {"bitrix_product_id": 697002, "quantity": 1, "price": 500}]
        _, after = update(items=items, fields={"PRICE": 5000, "PRICE_DELIVERY": 2000})
        assert [(one["PRICE"], one["QUANTITY"]) for one in after["basket"]] == [
            ("857.0000", "3.0000"),
            ("429.0000", "1.0000"),
        ]
        assert (after["PRICE"], after["PRICE_DELIVERY"]) == ("5000.0000", "2000.0000")

    def test_a_piece_is_split_off_where_there_is_no_other_way(self, order, update):
        _, after = update(items=[line(order, quantity=3, price=1000)], fields={"PRICE": 4000})
        assert [(one["QUANTITY"], one["PRICE"]) for one in after["basket"]] == [
            ("2.0000", "833.0000"),
            ("1.0000", "834.0000"),
        ]
        assert after["basket"][0]["ID"] == order["basket"][0]["ID"]
        assert after["PRICE"] == "4000.0000"

    def test_one_below_the_delivery_is_refused(self, order, update, ask, create_request):
        answer, _ = update(fields={"PRICE": 1000})
        assert (answer["error"]["code"], answer["error"]["step"]) == ("bad_total", "order")
        answer = ask("order.create", **{**create_request, "total_amount": 1000})
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_total")

    @pytest.mark.parametrize("request_part", [{"total_amount": 8000}, {"total_amount": None, "discount_amount": 1000}])
    def test_a_discount_at_creation_is_in_the_prices(self, site, ask, create_request, request_part):
        answer = ask("order.create", **{**create_request, **request_part}).json()
        after = site.order(answer["order_id"])
        (first,) = after["basket"]
        assert (first["PRICE"], first["BASE_PRICE"], first["DISCOUNT_PRICE"]) == ("6500.0000", "7500.0000", "0.0000")
        assert (after["PRICE"], after["DISCOUNT_VALUE"], sums(after)) == (
            "8000.0000",
            "1000.0000",
            [("8000.0000", "N")],
        )

    def test_the_sites_recalculation_changes_nothing_of_what_the_bridge_wrote(self, site, order, update):
        _, agreed = update(fields={"PRICE": 8000})
        assert site.recalculate(int(order["ID"])) == agreed

    def test_one_set_over_the_parts_lives_until_the_next_recalculation(self, site, create_request):
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

    def test_a_changed_price_leaves_the_list_price_alone(self, order, update):
        _, after = update(items=[line(order, price=6000, base_price=6000)])
        assert [(one["PRICE"], one["BASE_PRICE"]) for one in after["basket"]] == [("6000.0000", "7500.0000")]
        _, after = update(items=[line(order, price=8000)])
        assert [(one["PRICE"], one["BASE_PRICE"]) for one in after["basket"]] == [("8000.0000", "7500.0000")]
        assert after["DISCOUNT_VALUE"] == "0.0000"

    def test_prices_are_rounded_as_bitrix_rounds_them(self, order, update):
        _, after = update(items=[line(order, quantity="0.333", price="1000.005")])
        assert (after["basket"][0]["PRICE"], after["PRICE"]) == ("1000.0100", "1833.0000")


def test_an_order_that_is_paid_or_shipped_is_not_deleted(site, order):
    order_id = int(order["ID"])
    site.update_order(order_id, {"PAYED": "Y"})
    with pytest.raises(SiteError, match="активные оплаты"):
        site.delete_order(order_id)
    site.update_order(order_id, {"PAYED": "N"})
    site.ship_order(order_id)
    with pytest.raises(SiteError, match="отгруженные"):
        site.delete_order(order_id)
    assert Decimal(site.order(order_id)["PRICE"]) == 9000
