"""The cost of reading an order, counted in calls: it must not depend on how often a sender has repeated its names."""

import sys
from types import FrameType
from typing import Any

import pytest

from bitrix_bridge.payloads import read_order
from bitrix_bridge.payloads.memory import Memory, is_short
from bitrix_bridge.payloads.names import FOLDED
from bitrix_bridge.payloads.storable import STORED_NAMES
from orders.values import phones
from tests.bitrix_bridge.payloads.samples import full_order

MOST_CALLS = 2700
"""The calls of Python and C functions for the full sample. In December 2026 they are 2,200 with Python 3.11."""


def calls_of(data: dict[str, Any]) -> int:
    calls = 0

    def count(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    read_order(data)  # imports, and names that are not known yet
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        read_order(data)
    finally:
        sys.setprofile(before)
    return calls


def test_order_is_read_with_few_calls():
    assert calls_of(full_order()) <= MOST_CALLS


def test_column_without_a_reader_costs_few_calls():
    wide = full_order() | {f"UF_COLUMN_{number}": str(number) for number in range(100)}
    assert calls_of(wide) - calls_of(full_order()) <= 100 * 8


def test_property_without_a_reader_costs_few_calls():
    def with_properties(many: int) -> dict[str, Any]:
        properties = [{"CODE": f"p{number}", "NAME": "Имя", "VALUE": str(number)} for number in range(many)]
        return full_order() | {"properties": properties}

    assert calls_of(with_properties(110)) - calls_of(with_properties(10)) <= 100 * 70


def test_names_of_a_second_order_are_known(monkeypatch):
    def refuse(_memory: Memory[Any, Any], key: Any) -> None:
        raise AssertionError(f"{key} was computed again")

    read_order(full_order())
    monkeypatch.setattr(Memory, "__missing__", refuse)
    assert read_order(full_order() | {"ID": 2}).bitrix_order_id == 2


def test_usual_mobile_is_read_without_the_library(monkeypatch):
    def refuse(*_arguments: Any) -> None:
        raise AssertionError("the library was called")

    monkeypatch.setattr(phones, "_numbers_in", refuse)
    assert phones.normalize_phone("8 (701) 555-00-17").value == "+77015550017"


@pytest.mark.parametrize("memory", [FOLDED, STORED_NAMES])
def test_long_names_are_not_remembered(memory):
    name = "x" * 65
    assert memory[name]
    assert name not in memory


def test_memory_forgets_everything_when_it_is_full():
    memory = Memory(str.upper, is_remembered=is_short, most=2)
    assert [memory[name] for name in "abc"] == ["A", "B", "C"]
    assert list(memory) == ["c"]


def test_layout_of_an_object_with_unusual_keys_is_not_remembered():
    # 1, 1.0 and True are equal keys.
    keys: list[Any] = [1, True, 1.0]
    for key in keys:
        assert read_order({"ID": 5, key: "x"}).metadata["fields"] == {str(key): "x"}
