"""Tests of the site's reference data, row by row."""

from datetime import UTC, datetime, time

import pytest

from bitrix_bridge.payloads.identity import deletion_time, is_check_order
from bitrix_bridge.payloads.reference import read_reference
from orders.sync.snapshot import ReferenceRow, ReferenceSnapshot


def test_every_part_of_reference_data_is_read():
    assert read_reference(
        {
            "statuses": [{"id": "AP", "name": "Принят", "sort": "120"}],
            "cities": [{"id": "2", "name": " Алматы "}],
            "shops": [{"id": 17008, "name": "Абая"}],
            "slots": [{"id": "18", "name": "Утро", "starts_at": "09:00", "ends_at": "12:30"}],
        }
    ) == ReferenceSnapshot(
        statuses=(ReferenceRow(key="AP", fields={"name": "Принят", "sort": 120}),),
        cities=(ReferenceRow(key=2, fields={"name": "Алматы"}),),
        shops=(ReferenceRow(key=17008, fields={"name": "Абая"}),),
        slots=(ReferenceRow(key="18", fields={"name": "Утро", "starts_at": time(9), "ends_at": time(12, 30)}),),
    )


def test_empty_response_gives_an_empty_snapshot():
    assert read_reference({}) == ReferenceSnapshot()


@pytest.mark.parametrize("rows", [None, "x", 5, {}, []])
def test_part_that_is_not_a_list_is_empty(rows):
    assert read_reference(dict.fromkeys(("statuses", "cities", "shops", "slots"), rows)) == ReferenceSnapshot()


def test_rows_without_a_valid_id_or_name_are_left_out():
    rows = [
        "no row",
        {"name": "без номера"},
        {"id": "x", "name": "не число"},
        {"id": "0", "name": "ноль"},
        {"id": "3"},
        {"id": "4", "name": ""},
        {"id": "2", "name": "Алматы"},
        {"id": "2", "name": "ещё раз"},
        {"id": "5", "name": "Астана"},
    ]
    expected = (ReferenceRow(key=2, fields={"name": "Алматы"}), ReferenceRow(key=5, fields={"name": "Астана"}))
    assert read_reference({"cities": rows}).cities == expected
    assert read_reference({"cities": {str(n): row for n, row in enumerate(rows)}}).cities == expected


def test_name_is_never_cut():
    names = [row.fields["name"] for row in read_reference({"shops": {"a": {"id": 1, "name": "я" * 1000}}}).shops]
    assert names == ["я" * 1000]


@pytest.mark.parametrize(("sort", "read"), [("5", 5), (None, 1000), ("x", 1000), ("", 1000)])
def test_unreadable_sort_puts_row_last(sort, read):
    (row,) = read_reference({"statuses": [{"id": "N", "name": "Новый", "sort": sort}]}).statuses
    assert row.fields["sort"] == read


@pytest.mark.parametrize(
    ("row", "times"),
    [
        ({"name": "15:00-16:00"}, (time(15), time(16))),
        ({"name": "15:00-16:00", "starts_at": "10:00"}, (time(15), time(16))),
        ({"name": "15:00-16:00", "ends_at": "12:00"}, (time(15), time(16))),
        ({"name": "15:00-16:00", "starts_at": "10:00", "ends_at": "12:00"}, (time(10), time(12))),
        ({"name": "15:00-16:00", "starts_at": "12:00", "ends_at": "10:00"}, (None, None)),
        ({"name": "Утро"}, (None, None)),
    ],
)
def test_times_of_slot_are_read_from_columns_or_name(row, times):
    (slot,) = read_reference({"slots": [{"id": "18", **row}]}).slots
    assert slot.fields == {"name": row["name"], "starts_at": times[0], "ends_at": times[1]}


def test_time_of_deletion_is_read_from_the_event():
    assert deletion_time({"webhook_timestamp": 1772971200, "DATE_UPDATE": "2026-03-08 10:00:00"}) == datetime(
        2026, 3, 8, 12, tzinfo=UTC
    )
    assert deletion_time({"DATE_UPDATE": "2026-03-08 10:00:00"}) is None


@pytest.mark.parametrize(
    ("xml_id", "is_check"),
    [
        ("crm-check-1", True),
        (" CRM-Check-1", True),
        ("crm-1", False),
        ("x crm-check-1", False),
        (None, False),
        (5, False),
    ],
)
def test_check_order_is_recognized_by_its_xml_id(xml_id, is_check):
    assert is_check_order(xml_id) is is_check
