"""Tests of the profiles of statuses: each is complete and consistent, and loading one moves the orders."""

import pytest
from django.db.models import Count

from orders import services
from orders.models import Order, SiteStatus, Stage, Status
from orders.rules.status_names import fits
from orders.selectors.board import day_board
from orders.services.status_profiles import FOLDER, PROFILES, read_profile
from tests.orders.services.test_status_questions import MEASURED, received, refresh, status

pytestmark = pytest.mark.django_db
BY_CODE = {
    "N": "new", "DN": "new", "AP": "accepted", "AN": "accepted", "PD": "accepted", "KC": "accepted", "CP": "accepted",
    "CF": "waiting", "WA": "waiting", "GP": "waiting", "KA": "waiting", "KB": "waiting", "AU": "waiting",
    "RO": "making", "CO": "ready", "RD": "ready", "RP": "ready", "DE": "delivering", "DF": "delivering", "F": "done",
    "TR": "problem", "CA": "problem", "ER": "problem", "KD": "problem",
    "UN": "cancelled", "RF": "cancelled", "AR": "cancelled", "RR": "cancelled",
}  # fmt: skip
"""The stage of each measured code of the site."""


def load(name="measured", actor=None):
    return services.load_profile(name=name, actor=actor)


def test_every_file_is_a_profile():
    assert {path.stem for path in FOLDER.glob("*.csv")} == set(PROFILES)


@pytest.mark.parametrize("name", PROFILES)
def test_profile_is_consistent(name):
    rows = read_profile(name)
    codes = [row.code for row in rows]
    site_codes = [code for row in rows for code in row.bitrix_codes]
    assert (len(set(codes)), len(set(site_codes))) == (len(codes), len(site_codes))
    for row in rows:
        assert row.stage in Stage.values
        assert set(row.next_codes) <= set(codes) - {row.code}
        assert bool(row.next_codes) is not row.is_final, row.code
        assert fits(row.name, row.stage), row.name


def test_measured_profile_has_these_stages():
    rows = read_profile("measured")
    assert {row.bitrix_codes[0]: row.stage for row in rows} == BY_CODE
    assert len(rows) == 28


def test_migration_has_created_the_default_profile():
    names = ("code", "bitrix_codes", "stage", "name", "is_final", "next_codes", "sort", "bitrix_state__agreed")
    loaded = list(Status.objects.order_by("sort").values_list(*names))
    expected = read_profile("specification")
    assert loaded == [
        (*(getattr(row, name) for name in names[:-1]), {"name": row.name, "sort": row.sort}) for row in expected
    ]


def test_loading_replaces_the_statuses_of_an_empty_crm():
    outcome = load()
    assert (outcome.statuses, outcome.removed, outcome.orders) == (28, 5, 0)
    left = set(Status.objects.values_list("code", flat=True)) - {row.code for row in read_profile("measured")}
    assert left == {"processing", "cancelled"}  # the profile lacks their codes P and CN
    for row in Status.objects.all():
        row.full_clean()


def test_names_of_the_site_are_taken_after_loading_without_a_question():
    refresh(**MEASURED)
    load()
    assert not Status.objects.filter(needs_attention=True).exists()
    changes = refresh(**MEASURED)
    assert (changes.questions, changes.kept) == ([], [])


def test_orders_move_with_their_codes_and_fill_the_board(post_webhook, manager):
    today = manager.date_joined.date().isoformat()
    codes = ["N", "PD", "CO", "CF", "RD", "DE", "F", "UN", "TR"]
    for number, code in enumerate(codes, start=1):
        received(post_webhook, number, STATUS_ID=code, properties={"data": today})
    outcome = load(actor=manager)
    found = dict(Order.objects.values_list("bitrix_state__site_status", "status__stage"))
    assert found == {code: BY_CODE[code] for code in codes}
    assert outcome.orders == 8  # all but the new order
    moved = Order.objects.filter(events__reason="status_moved").annotate(number=Count("events"))
    assert [order.number for order in moved] == [1] * 8
    day = Order.objects.values_list("delivery_date", flat=True).first()
    columns = {cell.column.key: cell.count for cell in day_board(Order.objects.all(), day).totals if cell.count}
    assert columns == {"new": 1, "making": 2, "ready": 2, "delivering": 1, "done": 1, "problem": 1, "cancelled": 1}


def test_second_loading_changes_nothing(post_webhook):
    received(post_webhook, 1, STATUS_ID="DE")
    load()
    before = list(Status.objects.order_by("pk").values("code", "bitrix_codes", "stage", "next_codes", "sort"))
    assert load().orders == 0
    assert list(Status.objects.order_by("pk").values("code", "bitrix_codes", "stage", "next_codes", "sort")) == before


def test_no_status_is_removed_after_the_first_order(post_webhook):
    received(post_webhook, 1)
    assert load().removed == 0
    declined = status("declined")
    assert (declined.bitrix_codes, declined.bitrix_code) == ([], None)
    assert "declined" not in status("new").next_codes


def test_profiles_can_be_loaded_one_after_the_other(post_webhook):
    order = received(post_webhook, 1, STATUS_ID="DE")
    for name, code in (("measured", "in_transit"), ("specification", "declined"), ("measured", "in_transit")):
        assert load(name).orders == 1
        order.refresh_from_db()
        assert order.status_id == code


def test_name_of_the_site_that_does_not_fit_the_profile_is_questioned():
    SiteStatus.objects.create(code="TR", name="Передан курьеру", sort=5)
    load()
    assert (status("problematic").stage, status("problematic").is_questioned) == ("problem", True)


@pytest.mark.parametrize("name", ["", "other", "../measured"])
def test_unknown_profile_is_refused_without_a_trace(name):
    before = list(Status.objects.order_by("pk").values())
    with pytest.raises(services.NotAllowedError):
        load(name)
    assert list(Status.objects.order_by("pk").values()) == before
