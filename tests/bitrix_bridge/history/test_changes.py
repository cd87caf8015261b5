"""Tests of the conversion of `b_sale_order_change` to entries of a timeline."""

import pytest

from bitrix_bridge.history.changes import history
from bitrix_bridge.history.reasons import Code
from bitrix_bridge.history.source import Row
from bitrix_bridge.payloads.php_values import unserialize
from tests.bitrix_bridge.history.reference import php


def change(number, kind, data, *, at="2025-08-11 10:00:00", user="0"):
    text = data if isinstance(data, str) else php(data)
    values = {"ID": str(number), "TYPE": kind, "DATA": text, "DATE_CREATE": at, "USER_ID": user}
    return Row(values.items())


USERS = {"15": Row({"ID": "15", "NAME": "Айгерим", "LAST_NAME": "Ким", "LOGIN": "aigerim"}.items())}


def entries_of(*changes, payments=()):
    found = history(changes, USERS, payments)
    return [(entry.field, entry.old, entry.new) for entry in found.entries]


def test_status_changes_become_entries_with_old_and_new_status():
    changes = [
        change(1, "ORDER_STATUS_CHANGED", {"STATUS_ID": "AP"}),
        change(2, "ORDER_STATUS_CHANGED", {"STATUS_ID": "F"}),
    ]
    assert entries_of(*changes) == [("status", "N", "AP"), ("status", "AP", "F")]
    assert entries_of(*reversed(changes)) == entries_of(*changes)  # changes are sorted by date, then by id


def test_changes_are_sorted_by_date_before_id():
    late = change(1, "ORDER_STATUS_CHANGED", {"STATUS_ID": "F"}, at="2025-08-12 10:00:00")
    early = change(2, "ORDER_STATUS_CHANGED", {"STATUS_ID": "AP"}, at="2025-08-11 10:00:00")
    assert entries_of(late, early) == [("status", "N", "AP"), ("status", "AP", "F")]


def test_change_to_the_same_value_gives_no_entry():
    assert entries_of(change(1, "ORDER_STATUS_CHANGED", {"STATUS_ID": "N"})) == []
    assert entries_of(change(1, "ORDER_CANCELED", {"CANCELED": "N"})) == []


def test_cancellation_entry_has_reason_and_user():
    (entry,) = history(
        [change(1, "ORDER_CANCELED", {"CANCELED": "Y", "REASON_CANCELED": "передумал"}, user="15")], USERS
    ).entries
    assert (entry.field, entry.new, entry.comment, entry.who) == ("is_cancelled", True, "передумал", "Айгерим Ким")


def test_payment_changes_give_the_total_paid_amount():
    payments = [Row({"ID": "7", "SUM": "5000.0000"}.items()), Row({"ID": "8", "SUM": "2500.5000"}.items())]
    paid = [
        change(1, "PAYMENT_PAID", {"PAID": "Y", "ID": 7, "PAY_SYSTEM_NAME": "Kaspi"}),
        change(2, "PAYMENT_PAID", {"PAID": "Y", "ID": 8}),
        change(3, "PAYMENT_PAID", {"PAID": "N", "ID": 7}),
        change(4, "PAYMENT_PAID", {"PAID": "Y", "ID": 99}),
    ]
    assert entries_of(*paid, payments=payments) == [
        ("paid_amount", "0.00", "5000.00"),
        ("paid_amount", "5000.00", "7500.50"),
        ("paid_amount", "7500.50", "2500.50"),
    ]
    assert entries_of(change(1, "ORDER_PAYED", {"PAYED": "Y"})) == [("payment_status", "pending", "paid")]


@pytest.mark.parametrize(
    "data", ['a:2:{s:9:"STATUS_ID";s:2:"AP";s:4:"NA', "", "AP", 's:2:"AP";', 'O:8:"stdClass":0:{}', "a:1:{i:0;i:1;}"]
)
def test_unreadable_change_gives_a_reason_and_other_changes_stay(data):
    found = history(
        [change(1, "ORDER_STATUS_CHANGED", data), change(2, "ORDER_STATUS_CHANGED", {"STATUS_ID": "F"})], {}
    )
    assert [entry.key for entry in found.entries] == ["2"]
    assert [(reason.code, reason.subject) for reason in found.reasons] == [(Code.BROKEN_CHANGE, "ORDER_STATUS_CHANGED")]


def test_change_types_that_are_not_imported_give_no_reason():
    assert history([change(1, "ORDER_COMMENTED", "a:1:{cut"), change(2, "BASKET_ADDED", {})], {}) == history([], {})


def test_change_without_a_date_gives_no_entry():
    assert entries_of(change(1, "ORDER_STATUS_CHANGED", {"STATUS_ID": "AP"}, at="0000-00-00 00:00:00")) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('a:2:{i:0;s:1:"2";i:1;s:1:"5";}', ["2", "5"]),
        ('a:1:{i:3;s:1:"2";}', {"3": "2"}),
        ('s:10:"Букет";', "Букет"),
        ("b:1;", True),
        ("N;", None),
        ("i:-5;", -5),
    ],
)
def test_serialized_php_value_is_read(text, value):
    """The lengths in the serialized value are counted in bytes."""
    assert unserialize(text) == value


@pytest.mark.parametrize(
    "text", ['O:8:"stdClass":1:{s:1:"a";i:1;}', "a:1:{i:0;", "a:" + "1:{i:0;a:" * 3000, 's:99:"x";']
)
def test_broken_php_value_or_object_raises_error(text):
    """No object is created from a serialized value."""
    with pytest.raises(ValueError, match="not a serialized value"):
        unserialize(text)
