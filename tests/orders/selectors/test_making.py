"""Tests that presets, the day board and the start page count by the facts of the making."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from cvety_crm.users import User
from orders.models import Order, Status
from orders.selectors.board import day_board
from orders.selectors.presets import BY_KEY, Moment, counts, preset_orders
from tests.samples import order_data

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate


@pytest.fixture
def make(post_webhook):
    def order(number, status, **facts):
        data = order_data(ID=str(number), STATUS_ID="N", properties={"data": TODAY().isoformat()})
        post_webhook("order.create", data)
        found = Order.objects.filter(bitrix_order_id=number)
        found.update(status=Status.objects.get(code=status), **facts)
        return found.get()

    return order


def keys(preset):
    found = preset_orders(BY_KEY[preset], Moment.of(AnonymousUser()), Order.objects.all())
    return sorted(found.values_list("bitrix_order_id", flat=True))


def test_presets_count_by_the_facts(make):
    now, florist = timezone.now(), User.objects.create_user("aigerim")
    make(1, "accepted")
    make(2, "accepted", responsible=florist)
    make(3, "processing", responsible=florist, taken_at=now, taken_by=florist)
    make(4, "processing", responsible=florist, taken_at=now, taken_by=florist, ready_at=now)
    make(5, "accepted", ready_at=now)
    make(6, "delivering", ready_at=now)
    make(7, "delivering")
    make(8, "completed", ready_at=now)
    make(9, "new", ready_at=now)
    assert keys("auction") == [1]
    assert keys("ready") == [4, 5]
    found = counts(Moment.of(AnonymousUser()))
    assert (found["auction"], found["ready"]) == (1, 2)


def test_board_counts_by_the_facts_and_florists_have_only_unmade_bouquets(make, settings):
    settings.FLORISTS, settings.BOUQUETS_PER_FLORIST_HOUR = 1, 4
    now = timezone.now()
    make(1, "accepted")
    make(2, "accepted", taken_at=now)
    make(3, "processing", taken_at=now, ready_at=now)
    make(4, "delivering")
    morning = timezone.localtime().replace(hour=0, minute=1)
    board = day_board(Order.objects.all(), TODAY(), now=morning)
    assert {cell.column.key: cell.count for cell in board.totals if cell.count} == {
        "making": 2,
        "ready": 1,
        "delivering": 1,
    }
    assert [row.bouquets.need for row in board.hours if row.bouquets] == [2]


def test_board_names_the_step_that_is_missing_by_the_facts(make):
    now = timezone.now()
    make(1, "accepted")
    make(2, "accepted", taken_at=now)
    make(3, "accepted", taken_at=now, ready_at=now)
    night = timezone.localtime().replace(hour=23, minute=50)
    reasons = {risk.order.pk: risk.reasons for risk in day_board(Order.objects.all(), TODAY(), now=night).risks}
    words = ["букет не начат", "букет ещё делают", "готов, но ещё не в пути"]
    assert sorted(reason[1] for reason in reasons.values()) == sorted(words)
