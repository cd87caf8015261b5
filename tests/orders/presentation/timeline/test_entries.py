"""Tests of the texts that show entries of the timeline."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders import services
from orders.models import City, EventKind, Order, OrderEvent, Reason, Source, Status
from orders.presentation.timeline import field_label, problem_text, timeline
from orders.sync.snapshot import Problem, ProblemReason


@pytest.fixture
def order(db):
    return Order.objects.create(order_number="1", status=Status.objects.get(code="new"))


def entry(order, **values):
    event = OrderEvent(order=order, kind=values.pop("kind", EventKind.CHANGED), source=Source.SITE, **values)
    return timeline([event])[0]


@pytest.mark.parametrize(
    ("field", "old", "new", "words"),
    [
        ("status", "new", "accepted", ("Новый", "Принят")),
        ("status", "new", "gone", ("Новый", "gone")),
        ("delivery_slot", "18", None, ("15:00–16:00", "—")),
        ("city", 2, 99, ("Алматы", "99")),
        ("shop", 17008, None, ("CVETYKZ", "—")),
        ("total_amount", "17000.00", "0.00", ("17\xa0000\xa0₸", "0\xa0₸")),
        ("paid_amount", "100.50", None, ("100,50\xa0₸", "—")),
        ("delivery_date", "2025-08-25", "", ("25.08.2025", "—")),
        ("recipient_phone", "+77011234567", "12", ("+7 701 123-45-67", "12")),
        ("is_surprise", False, True, ("нет", "да")),
        ("courier", None, "Серик", ("—", "Серик")),
        ("unheard_of", "a", "b", ("a", "b")),
        ("total_amount", "много", "1", ("много", "1\xa0₸")),
        ("delivery_date", "завтра", "", ("завтра", "—")),
    ],
)
def test_change_is_shown_with_labels_of_values(order, field, old, new, words):
    change = entry(order, changes=[{"field": field, "old": old, "new": new}]).changes[0]
    assert (change.old, change.new) == words


def test_changed_items_are_shown_with_quantities_and_prices(order):
    lines = [[696613, "2.000", "7500.00"], ["Шарик", "0.500", "100.00"]]
    change = entry(order, changes=[{"field": "items", "old": [], "new": lines}]).changes[0]
    assert change.new == "696613 — 2\xa0×\xa07\xa0500\xa0₸; Шарик — 0,5\xa0×\xa0100\xa0₸"


@pytest.mark.parametrize(
    ("kind", "details", "parts"),
    [
        (EventKind.CONFLICT, {"desired": {"status": "accepted"}, "theirs": {"city": 2}}, ("Принят", "Алматы")),
        (EventKind.STATUS, {"comment": "мой комментарий"}, ("мой комментарий",)),
        (EventKind.REFUSED, {"message": "сообщение", "fields": ["status"]}, ("сообщение", "Статус")),
        (EventKind.SENT, {"values": {"status": "accepted"}}, ("Принят",)),
    ],
)
def test_entry_notes_have_reason_and_details(order, kind, details, parts):
    notes = entry(order, kind=kind, reason=Reason.SITE_HAS_OTHER, details=details).notes
    text = "\n".join(notes)
    for part in (str(Reason.SITE_HAS_OTHER.label), *parts):
        assert part in text


def test_unreadable_value_is_cut_short(order):
    problems = [{"field": "data", "value": "x" * 500, "reason": "not_a_date"}]
    text = "\n".join(entry(order, kind=EventKind.CONFLICT, details={"problems": problems}).notes)
    assert "data" in text
    assert "x" * 101 not in text


def test_malformed_details_are_shown_without_error(order):
    details = {"desired": ["status"], "values": None, "problems": [{}]}
    assert entry(order, kind=EventKind.CONFLICT, details=details).notes


def test_entry_has_author_and_source(order, manager):
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    found = timeline(order.events.select_related("actor"))
    assert (found[0].who, found[0].source) == ("Данияр", str(Source.ADMIN.label))


def test_names_are_looked_up_once_for_all_entries(order):
    City.objects.create(bitrix_id=3, name="Астана")
    for n in range(10):
        changes = [{"field": "city", "old": 2, "new": 3}, {"field": "status", "old": "new", "new": "accepted"}]
        OrderEvent.objects.create(
            order=order, kind=EventKind.CHANGED, source=Source.API, changes=changes, details={"n": n}
        )
    with CaptureQueriesContext(connection) as queries:
        timeline(order.events.select_related("actor"))
    assert len(queries) == 3


def test_field_label_falls_back_to_field_name():
    assert field_label("items") != "items"
    assert field_label("city") != "city"
    assert field_label("bitrix_user_id")
    assert field_label("gone") == "gone"


def test_problem_text_contains_value_and_accepts_unknown_reason():
    assert "завтра" in problem_text(Problem("data", "завтра", ProblemReason.NOT_A_DATE))
    assert problem_text(Problem.from_json({"reason": "new kind"}))
