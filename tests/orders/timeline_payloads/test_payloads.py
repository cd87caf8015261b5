"""Tests that each kind of timeline entry has a payload with a JSON form, and a renderer of this payload."""

import json
from datetime import UTC, datetime
from typing import get_type_hints
from uuid import UUID

import pytest

from orders.models import EventKind, OrderEvent, PhotoAnswer, Reason
from orders.presentation.timeline.registry import RENDERERS
from orders.sync.site_response import SiteWarning
from orders.sync.snapshot import Problem, ProblemReason
from orders.timeline_payloads import (
    PAYLOADS,
    BothChanged,
    LinkChange,
    Noted,
    OrderBefore,
    PhotoAdded,
    PhotoAnswered,
    PhotoLinkChanged,
    ProblemReported,
    RefusedBySite,
    SentToSite,
    SiteWarned,
    StatusChanged,
    Undo,
    UnknownPayload,
    payload_of,
)

KEY = UUID("5d0d9a5c-3f7e-4f39-9d9b-4a4c7d1f2e33")
MOMENT = datetime(2025, 8, 25, 6, 42, 10, tzinfo=UTC)


def test_every_kind_has_a_payload_type():
    assert set(PAYLOADS) == set(EventKind)


def test_every_kind_has_a_renderer_of_its_payload():
    rendered = {kind: get_type_hints(renderer.notes)["payload"] for kind, renderer in RENDERERS.items()}
    assert rendered == PAYLOADS


@pytest.mark.parametrize(
    "payload",
    [
        StatusChanged(
            comment="клиент перезвонил",
            undo=Undo(
                batch=KEY,
                until=MOMENT,
                before=OrderBefore(status="new", sync_state="synced", completed_at=MOMENT, agreed="new"),
                has_left=True,
            ),
        ),
        BothChanged(desired={"status": "accepted"}, site_values={"city": 2}, occasion=Reason.COMPARED),
        Noted(problems=(Problem("data", {"a": [1, None]}, ProblemReason.NOT_A_DATE),), remarks=("нет корзины",)),
        SentToSite(created=130500, twin=KEY, values={"items": [["1", "2.000", "7500.00"]]}),
        RefusedBySite(message="нет", fields=("items", "total_amount")),
        SiteWarned(warnings=(SiteWarning("no_stock", "Нет на складе", field="items"),)),
        PhotoAdded(photo=KEY),
        PhotoLinkChanged(link=LinkChange.MADE, until=MOMENT),
        PhotoAnswered(answer=PhotoAnswer.REDO, comment="без лилий"),
    ],
    ids=lambda payload: payload.kind,
)
def test_payload_is_read_back_from_its_json(payload):
    event = OrderEvent(kind=payload.kind, details=json.loads(json.dumps(payload.to_json())))
    assert payload_of(event) == payload


@pytest.mark.parametrize("kind", EventKind.values)
@pytest.mark.parametrize("odd", ["text", 7, True, None, [1, [None]], {"a": 1}])
def test_malformed_values_are_read_without_error(kind, odd):
    names = {key for payload in PAYLOADS.values() for key in payload.from_json({}).__dataclass_fields__}
    keys = names | {"desired", "theirs", "who"}
    payload = payload_of(OrderEvent(kind=kind, details=dict.fromkeys(keys, odd)))
    payload_of(OrderEvent(kind=kind, details=payload.to_json()))


def test_empty_values_are_not_stored():
    assert StatusChanged().to_json() == {}
    assert ProblemReported(problem="нет адреса").to_json() == {"problem": "нет адреса"}


def test_unknown_kind_has_an_unknown_payload():
    assert payload_of(OrderEvent(kind="of_a_later_version", details={"comment": "x"})) == UnknownPayload()
