"""Tests of a discount in the prices of items: examples, and properties that hold for any basket."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.rules.discounts import discount_of, goods_of, line_total, list_price, list_sum, spread
from orders.sync.snapshot import ItemSnapshot

MOST = 2 * 10**6


def line(quantity, price, listed=None, *, product=1, basket_id=None, name="Букет"):
    snapshot = {"name": name, "currency": "KZT"}
    if listed is not None:
        snapshot["original_price"] = f"{Decimal(listed):.2f}"
    return ItemSnapshot(
        bitrix_basket_id=basket_id,
        bitrix_product_id=product,
        quantity=Decimal(quantity),
        price=Decimal(price),
        product_snapshot=snapshot,
    )


def quantities_and_prices(lines):
    return [(line.quantity, line.price) for line in lines]


def priced(*pairs):
    return [(Decimal(quantity), Decimal(price)) for quantity, price in pairs]


@pytest.mark.parametrize(
    ("lines", "discount", "expected"),
    [
        pytest.param([line(1, 7500)], 1500, priced((1, 6000)), id="one piece takes the discount"),
        pytest.param([line(3, 5000)], 1000, priced((2, 4667), (1, 4666)), id="one piece becomes a line of its own"),
        pytest.param([line(2, 5000)], 1001, priced((1, 4500), (1, 4499)), id="each of two pieces becomes a line"),
        pytest.param([line(12, 500)], 500, priced((11, 458), (1, 462)), id="the single piece takes the whole rest"),
        pytest.param([line(3, 5000), line(1, 7500)], 1000, priced((3, 4778), (1, 7166)), id="a line of one piece"),
        pytest.param([line(1, 7500), line(1, 2500)], 1000, priced((1, 6750), (1, 2250)), id="in proportion"),
        pytest.param([line(1, 7500), line(1, 0)], 1000, priced((1, 6500), (1, 0)), id="free line stays free"),
        pytest.param([line(1, 7500)], 7500, priced((1, 0)), id="discount of the whole price"),
        pytest.param([line(1, "7500.50")], 1000, priced((1, "6500.50")), id="hundredths in the price"),
        pytest.param([line(3, 100)], "0.50", priced((2, "99.83"), (1, "99.84")), id="hundredths in the discount"),
        pytest.param([line("1.5", 1000)], 100, priced(("1.5", "933.33")), id="fractional quantity, nearest sum"),
        pytest.param([line("0.5", "1500.50")], "0.01", priced(("0.5", "1500.48")), id="small fraction, exact sum"),
        pytest.param([line("1.5", 1000), line(1, 500)], 200, priced(("1.5", 900), (1, 450)), id="fraction and whole"),
        pytest.param([line(1, 6000, 7500)], 2000, priced((1, 5500)), id="counts from the list price"),
        pytest.param([line(1, 6000, 7500)], 0, priced((1, 7500)), id="zero removes the discount"),
        pytest.param([line(1, 8000, 7500)], 500, priced((1, 7000)), id="list price of a raised line"),
        pytest.param([line(1, 7500)], -500, priced((1, 8000)), id="negative discount raises the price"),
        pytest.param([line(3, 5000)], -1, priced((2, 5000), (1, 5001)), id="one piece takes the whole raise"),
        pytest.param([line(1, 0), line(2, 0)], -3000, priced((1, 1000), (2, 1000)), id="free goods get a price"),
        pytest.param([line(100, 1)], 50, priced((50, 1), (50, 0)), id="many cheap pieces share the discount"),
        pytest.param([line(1, 7500), line(1, -500)], 1500, priced((1, 6000), (1, -500)), id="negative price stays"),
        pytest.param([], 0, [], id="no lines"),
    ],
)  # fmt: skip
def test_spread_returns_these_quantities_and_prices(lines, discount, expected):
    found = spread(lines, Decimal(discount))
    assert quantities_and_prices(found) == expected


def test_spread_keeps_product_data_and_id_of_site_line():
    sold = replace(
        line(3, 5000, basket_id=501),
        product_snapshot={"name": "Букет", "xml_id": "st-1", "discount": "0.00", "original_price": "5000.00"},
    )
    first, second = spread([sold], Decimal(1000))
    assert (first.bitrix_basket_id, second.bitrix_basket_id) == (501, None)
    assert first.bitrix_product_id == second.bitrix_product_id == 1
    kept = {"name": "Букет", "xml_id": "st-1", "original_price": "5000.00"}
    assert first.product_snapshot == second.product_snapshot == kept
    assert sold.product_snapshot["discount"] == "0.00"


def test_spread_keeps_lines_that_already_have_the_sum():
    by_hand = [line(1, 5000, 7500), line(1, 2500)]
    assert spread(by_hand, Decimal(2500)) == by_hand


def test_spread_from_prices_adds_to_present_discount():
    (found,) = spread([line(1, 6000, 7500)], Decimal(500), from_prices=True)
    assert (found.price, found.product_snapshot["original_price"]) == (5500, "7500.00")


def test_spread_raises_value_error_for_discount_above_sum():
    for lines in ([line(1, 7500)], [line(0, 7500)], []):
        with pytest.raises(ValueError, match="7501"):
            spread(lines, Decimal(7501))


@pytest.mark.parametrize("kept", [None, "", "дорого", "NaN", "1e999", {}, [], True])
def test_list_price_is_price_if_stored_one_is_unreadable(kept):
    odd = replace(line(1, 7500), product_snapshot={"original_price": kept})
    assert list_price(odd) == 7500
    assert discount_of([odd]) == 0


# --- properties that hold for any basket


def prices(step):
    return st.integers(0, MOST * (100 if step == "0.01" else 1)).map(lambda steps: steps * Decimal(step))


def baskets(quantities, step="1"):
    one = st.builds(
        lambda quantity, price, listed, product: line(quantity, price, listed, product=product),
        quantities,
        prices(step),
        st.none() | prices(step),
        st.integers(1, 4),
    )
    return st.lists(one, min_size=1, max_size=6)


whole = st.integers(1, 12) | st.integers(1, 999)
fractions = st.integers(1, 20_000).map(lambda thousandths: Decimal(thousandths) / 1000)
shares = st.integers(0, 1000)


def part_of(lines, thousandths, step):
    steps = int(list_sum(lines) * thousandths / 1000 / Decimal(step))
    return steps * Decimal(step)


def check(lines, found, discount):
    assert goods_of(found) == list_sum(lines) - discount
    assert list_sum(found) == list_sum(lines) if discount >= 0 else discount_of(found) == 0
    check_lines(lines, found)


def check_lines(lines, found):
    assert all(one.price >= 0 for one in found)

    def pieces(those):
        counted = Counter()
        for one in those:
            counted[one.bitrix_product_id] += one.quantity
        return counted

    assert pieces(found) == pieces(lines)
    assert len(lines) <= len(found) <= len(lines) + 1
    assert sum(not line.quantity % 1 and line.quantity > 1 for line in lines) >= len(found) - len(lines)


@given(baskets(whole), shares)
def test_spread_is_exact_in_whole_tenge(lines, thousandths):
    discount = part_of(lines, thousandths, "1")
    found = spread(lines, discount)
    check(lines, found, discount)
    assert discount_of(found) == discount
    assert all(one.price % 1 == 0 for one in found)


@given(baskets(whole, "0.01"), shares)
def test_spread_is_exact_in_hundredths_of_tenge(lines, thousandths):
    discount = part_of(lines, thousandths, "0.01")
    found = spread(lines, discount)
    check(lines, found, discount)
    assert discount_of(found) == discount


@given(baskets(whole), st.integers(1, MOST))
def test_negative_discount_raises_prices_exactly(lines, more):
    found = spread(lines, Decimal(-more))
    check(lines, found, Decimal(-more))
    assert all(one.price >= list_price(was) for one, was in zip(found, lines, strict=False) if len(found) == len(lines))


@given(baskets(whole | fractions, "0.01"), shares)
def test_fractional_quantities_differ_by_less_than_price_precision(lines, thousandths):
    discount = part_of(lines, thousandths, "0.01")
    found = spread(lines, discount)
    check_lines(lines, found)
    # Items that already have the sum keep their prices, even if a price is above the list price of the item.
    assert found == list(lines) or all(one.price <= list_price(one) for one in found)
    missed = abs(goods_of(found) - (list_sum(lines) - discount))
    fractional = [one.quantity for one in lines if one.quantity % 1]
    assert missed <= sum(fractional, Decimal(0)) * Decimal("0.01") + Decimal("0.01") * len(fractional)


@given(baskets(fractions, "0.01"), shares)
def test_line_of_less_than_one_piece_takes_discount_exactly(lines, thousandths):
    small = [replace(one, quantity=one.quantity / 21) for one in lines]
    small = [replace(one, quantity=max(one.quantity.quantize(Decimal("0.001")), Decimal("0.001"))) for one in small]
    discount = part_of(small, thousandths, "0.01")
    found = spread(small[:1], part_of(small[:1], thousandths, "0.01"))
    assert goods_of(found) == list_sum(small[:1]) - part_of(small[:1], thousandths, "0.01")
    assert len(spread(small, discount)) == len(small)


@given(baskets(whole | fractions, "0.01"), shares, shares)
def test_spread_of_discounted_lines_counts_from_list_prices(lines, earlier, thousandths):
    discount = part_of(lines, thousandths, "0.01")
    once = spread(lines, discount)
    assert spread(once, discount) == once
    before = spread(lines, part_of(lines, earlier, "0.01"))
    again = spread(before, discount)
    assert list_sum(again) == list_sum(lines)
    if all(not one.quantity % 1 for one in lines):
        assert goods_of(again) == goods_of(once)
    if len(before) == len(lines) and goods_of(before) != goods_of(once):
        assert quantities_and_prices(again) == quantities_and_prices(once)


@given(baskets(whole | fractions), shares, st.randoms(use_true_random=False))
def test_spread_does_not_depend_on_order_of_lines_or_keys(lines, thousandths, source):
    discount = part_of(lines, thousandths, "1")
    mixed = [
        replace(one, product_snapshot=dict(reversed(list(one.product_snapshot.items()))))
        for one in source.sample(lines, len(lines))
    ]

    def content(found):
        return sorted((one.bitrix_product_id, one.quantity, one.price, list_price(one)) for one in found)

    assert content(spread(mixed, discount)) == content(spread(lines, discount))


@given(baskets(whole | fractions, "0.01"), shares)
def test_discount_of_equals_difference_to_list_prices(lines, thousandths):
    by_the_rule = sum(
        (max(Decimal(one.product_snapshot.get("original_price", 0)) - one.price, Decimal(0)) * one.quantity
         for one in spread(lines, part_of(lines, thousandths, "0.01"))),
        Decimal(0),
    )  # fmt: skip
    found = spread(lines, part_of(lines, thousandths, "0.01"))
    assert abs(discount_of(found) - by_the_rule) <= Decimal("0.005")


@pytest.mark.parametrize(
    ("quantity", "price", "total"),
    [("0.5", "0.01", "0.01"), ("0.5", "0.03", "0.02"), ("1.250", "10.02", "12.53"), ("3", "2500", "7500.00")],
)
def test_half_a_cent_of_an_item_is_rounded_up(quantity, price, total):
    assert line_total(Decimal(quantity), Decimal(price)) == Decimal(total)
    assert goods_of([line(quantity, price)]) == Decimal(total)
