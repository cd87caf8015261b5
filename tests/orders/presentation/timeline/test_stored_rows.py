"""Tests that rows stored by earlier versions of the CRM are still shown with the same texts."""

import json
from pathlib import Path

import pytest

from orders.models import EventKind, Order, OrderEvent, Product, Status
from orders.presentation.timeline import timeline
from orders.rules.visibility import MONEY_FIELDS

ENTRIES = json.loads(Path(__file__).with_name("stored_entries.json").read_text(encoding="utf-8"))
"""The stored rows with their expected texts, and with the texts for a user who may not see phones and sums."""
COVERED = ("recipient_phone", *MONEY_FIELDS, "items")


@pytest.fixture
def order(db):
    Product.objects.create(bitrix_product_id=696613, name="Букет «Нежность»", price=7500)
    return Order(order_number="1", status=Status.objects.get(code="new"))


def shown(order, row, hidden=()):
    (entry,) = timeline([OrderEvent(order=order, **row)], hidden=hidden)
    texts = {
        "title": entry.title,
        "icon": entry.icon,
        "changes": [f"{change.label}: {change.old} → {change.new}" for change in entry.changes],
        "notes": list(entry.notes),
    }
    return texts | ({"photo_id": entry.photo_id} if entry.photo_id else {})


@pytest.mark.parametrize("stored", ENTRIES, ids=[entry["name"] for entry in ENTRIES])
def test_stored_row_is_shown_with_expected_texts(order, stored):
    assert shown(order, stored["row"]) == stored["shown"]
    assert shown(order, stored["row"], COVERED) == stored["shown"] | stored.get("shown_covered", {})


def test_stored_rows_cover_every_kind():
    assert {entry["row"]["kind"] for entry in ENTRIES} == set(EventKind.values)


@pytest.mark.parametrize("kind", EventKind.values)
@pytest.mark.parametrize("details", [{}, {"key_of_a_later_version": 1}, []], ids=["empty", "unknown key", "no object"])
def test_row_without_the_expected_keys_is_shown(order, kind, details):
    assert shown(order, {"kind": kind, "source": "bitrix", "details": details})["title"]


def test_row_of_an_unknown_kind_is_shown_with_its_reason(order):
    texts = shown(order, {"kind": "of_a_later_version", "source": "bitrix", "reason": "compared", "details": {"n": 1}})
    assert (texts["title"], texts["icon"]) == ("of_a_later_version", "info")
    assert texts["notes"] == ["Сверка с сайтом: заказ прочитан заново"]
