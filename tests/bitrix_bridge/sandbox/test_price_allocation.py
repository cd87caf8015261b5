"""Tests of the allocation of a sum to the prices of items.

The allocation is exact and proportional, and it splits an item only if necessary.
"""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from bitrix_bridge.sandbox.price_allocation import PricedQuantity, allocate_total


def priced(text):
    """Return the quantities and prices of a string such as '3x1000 1.5x7'."""
    return [
        PricedQuantity(Decimal(price), Decimal(quantity))
        for quantity, price in (one.split("x") for one in text.split())
    ]


def shown(parts):
    return " ".join("+".join(f"{part.quantity:f}x{part.price:f}" for part in line) for line in parts)


@pytest.mark.parametrize(
    ("lines", "total", "expected"),
    [
        ("1x7500", 7000, "1x7000"),
        ("1x7500 1x2500", 9000, "1x6750 1x2250"),
        ("2x7500", 14500, "2x7250"),
        # A fraction of a tenge is preferred to a separate item for one piece.
        ("2x7500", 14501, "2x7250.50"),
        ("3x1000", 2500, "2x833+1x834"),
        ("3x1000 1x500", 3000, "3x857 1x429"),
        ("3x1000 1x1", 2999, "2x999+1x1000 1x1"),
        ("7x100", "699.99", "1x99.99+6x100"),
        ("1x7500", 8000, "1x8000"),
        ("3x1000", 3100, "2x1033+1x1034"),
        ("1x7500 2x100", 0, "1x0 2x0"),
        ("1x0 1x0", 10, "1x5 1x5"),
        ("1.5x100", 100, "0.5x66.66+1x66.67"),
        ("1.5x100", "99.99", "1.5x66.66"),
        ("0.333x1000", "300.01", "0.333x900.93"),
        ("1x7500", 7500, "1x7500"),
    ],
)
def test_total_is_allocated_to_the_prices(lines, total, expected):
    parts = allocate_total(priced(lines), Decimal(total))
    assert sum(part.sum for line in parts for part in line) == Decimal(total)
    assert [[(part.quantity, part.price) for part in line] for line in parts] == [
        [(part.quantity, part.price) for part in priced(one.replace("+", " "))] for one in expected.split()
    ], shown(parts)


@pytest.mark.parametrize(("lines", "total"), [("1x100", -1), ("", 100)])
def test_negative_total_and_empty_list_are_refused(lines, total):
    with pytest.raises(ValueError, match="can't be the price of"):
        allocate_total(priced(lines), Decimal(total))


prices = st.decimals(0, 60_000, places=2) | st.integers(0, 60_000).map(Decimal)
counts = st.integers(1, 30).map(Decimal)
weights = st.decimals("0.001", 12, places=3)
line_lists = st.lists(st.builds(PricedQuantity, price=prices, quantity=counts), min_size=1, max_size=6)
totals = st.decimals(0, 200_000, places=2) | st.integers(0, 200_000).map(Decimal)


@given(line_lists, totals)
@example(priced("7x100"), Decimal("699.99"))
@settings(max_examples=500, deadline=None)
def test_allocation_keeps_quantities_and_never_moves_a_price_the_wrong_way(lines, total):
    before = sum(line.sum for line in lines)
    parts = allocate_total(lines, total)
    assert sum(part.sum for line in parts for part in line) == total
    for line, made in zip(lines, parts, strict=True):
        assert sum(part.quantity for part in made) == line.quantity
        assert 1 <= len(made) <= 2
        for part in made:
            assert part.price >= 0
            assert part.price == part.price.quantize(Decimal("0.01"))
            if total <= before:
                assert part.price <= line.price
            if total >= before:
                assert part.price >= line.price


@given(line_lists, totals)
@settings(max_examples=300, deadline=None)
def test_second_allocation_of_the_same_total_changes_nothing(lines, total):
    parts = [part for line in allocate_total(lines, total) for part in line]
    assert allocate_total(parts, total) == [[part] for part in parts]


@given(line_lists, st.integers(0, 99))
@settings(max_examples=300, deadline=None)
def test_each_line_gets_its_proportional_share(lines, percent):
    """The tolerance is one step for each piece, plus the remainder of all items."""
    before = sum(line.sum for line in lines)
    total = (before * percent / 100).quantize(Decimal("0.01"))
    assume(total <= before)
    for line, made in zip(lines, allocate_total(lines, total), strict=True):
        assert abs(sum(part.sum for part in made) - line.sum * percent / 100) <= sum(one.quantity for one in lines) + 1


@given(st.lists(st.builds(PricedQuantity, price=prices, quantity=weights | counts), min_size=1, max_size=6), totals)
@settings(max_examples=500, deadline=None)
def test_fractional_quantities_add_up_to_the_total(lines, total):
    parts = allocate_total(lines, total)
    assert sum(part.sum for line in parts for part in line) == total
    for line, made in zip(lines, parts, strict=True):
        assert sum(part.quantity for part in made) == line.quantity
        assert all(part.price >= 0 and part.quantity > 0 for part in made)
