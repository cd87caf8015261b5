"""Tests of the site's reference data: unknown rows get names, and values edited by staff are kept."""

from datetime import time

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from bitrix_bridge import reference
from bitrix_bridge.payloads.reference import read_reference
from bitrix_bridge.sandbox import faults
from bitrix_bridge.sandbox.reference import ORDER_STATUSES
from cvety_crm.models import Heartbeat
from orders import services
from orders.models import City, DeliverySlot, Order, PaySystem, Shop, SiteStatus, Status
from tests.samples import order_data

pytestmark = pytest.mark.django_db


def apply(**lists):
    return services.apply_reference(snapshot=read_reference(lists))


def test_unknown_rows_of_an_order_get_names_of_the_site(site, post_webhook):
    placed = site.place_order(properties={"city": "3", "shopId": "17010", "when": "20"})
    post_webhook("order.create", placed)
    assert DeliverySlot.objects.get(bitrix_id="20").needs_attention
    assert reference.name_stubs()
    slot = DeliverySlot.objects.get(bitrix_id="20")
    assert (slot.name, slot.starts_at, slot.ends_at, slot.needs_attention) == (
        "17:00-18:00",
        time(17),
        time(18),
        False,
    ), slot.name
    assert (City.objects.get(bitrix_id=3).name, Shop.objects.get(bitrix_id=17010).name) == ("Шымкент", "CVETYKZ Мамыр")
    assert not reference.name_stubs()  # no unknown rows are left


def test_unknown_rows_are_not_requested_each_minute(site, post_webhook):
    post_webhook("order.create", site.place_order(properties={"city": "9999"}))
    assert [reference.name_stubs() for _ in range(3)] == [True, False, False]
    Heartbeat.objects.filter(name=reference.HEARTBEAT).update(beat_at="2025-01-01T00:00:00Z")
    assert reference.name_stubs()


def test_name_stubs_does_not_raise_when_the_site_fails(site, post_webhook):
    post_webhook("order.create", site.place_order(properties={"city": "9999"}))
    site.faults.give(faults.status(500))
    assert reference.name_stubs()


def test_names_edited_by_staff_are_kept_and_others_updated():
    apply(cities=[{"id": 5, "name": "Талды-Курган"}, {"id": 6, "name": "Каскелен"}])
    City.objects.filter(bitrix_id=5).update(name="Талдықорған")
    changes = apply(cities=[{"id": 5, "name": "Талдыкорган"}, {"id": 6, "name": "Қаскелең"}])[City]
    assert (changes.updated, changes.kept) == (["Қаскелең"], ["Талдықорған"])
    assert set(City.objects.values_list("name", flat=True)) >= {"Талдықорған", "Қаскелең"}
    # After both sides have had the same name, the CRM applies the site's new names again.
    apply(cities=[{"id": 5, "name": "Талдықорған"}])
    changes = apply(cities=[{"id": 5, "name": "Талдыкорган"}])[City]
    assert changes.updated == ["Талдыкорган"]


def test_status_gets_name_and_sort_but_no_stage():
    rows = [{"id": "N", "name": "Принят, ожидается оплата", "sort": 100}, {"id": "ZZ", "name": "Упаковка", "sort": 150}]
    changes = apply(statuses=rows)[Status]
    new, packing = Status.objects.get(code="new"), Status.objects.get(code="bitrix_ZZ")
    assert (new.name, new.sort, new.stage) == ("Принят, ожидается оплата", 100, "new")
    assert (packing.name, packing.stage, packing.needs_attention) == ("Упаковка", "problem", True)
    assert changes.created == ["Упаковка"]


def test_unknown_status_gets_its_name_and_still_needs_a_stage(post_webhook, site):
    post_webhook("order.status.change", {"ID": 5, "STATUS_ID": "ZZ"})
    apply(statuses=[{"id": "ZZ", "name": "Упаковка", "sort": 150}])
    status = Status.objects.get(code="bitrix_ZZ")
    assert (status.name, status.sort, status.needs_attention) == ("Упаковка", 150, True)


def test_second_site_code_does_not_rename_a_status():
    apply(statuses=[{"id": "CO", "name": "Выполнен"}, {"id": "CF", "name": "Выполнен (старый)"}])
    assert Status.objects.get(code="completed").name == "Выполнен"


def test_second_refresh_changes_nothing(site):
    reference.refresh()
    for changes in reference.refresh().values():
        assert (changes.created, changes.updated, changes.kept) == ([], [], [])


def test_command_prints_the_changes(site, capsys):
    call_command("sync_bitrix_reference")
    output = capsys.readouterr().out
    assert "Шымкент" in output
    site.faults.give(faults.status(500))
    with pytest.raises(CommandError):
        call_command("sync_bitrix_reference")


def test_command_prints_names_that_do_not_fit_their_stage(site, capsys, monkeypatch):
    monkeypatch.setitem(ORDER_STATUSES, "DE", "В пути")
    call_command("sync_bitrix_reference")
    output = capsys.readouterr().out
    assert "названия не подходят к этапу, решите на странице «Статусы сайта»:" in output
    assert "DE: на сайте «В пути», здесь «Отклонён» (этап «Отменён»)" in output


def test_names_of_statuses_are_read_soon_after_the_installation(site):
    assert not SiteStatus.objects.exists()
    assert reference.name_stubs()
    assert SiteStatus.objects.count() == len(ORDER_STATUSES)
    Heartbeat.objects.filter(name=reference.HEARTBEAT).update(beat_at="2025-01-01T00:00:00Z")
    assert not reference.name_stubs()


def test_names_of_statuses_are_not_requested_without_a_site(settings):
    settings.BITRIX_API_URL = ""
    assert not reference.name_stubs()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
rows = st.lists(st.fixed_dictionaries({}, optional={"id": json_values, "name": json_values, "sort": json_values}))


@given(st.dictionaries(st.sampled_from(["statuses", "cities", "shops", "slots"]), rows | json_values))
def test_any_response_can_be_read(data):
    snapshot = read_reference(data)
    for row in (*snapshot.statuses, *snapshot.cities, *snapshot.shops, *snapshot.slots):
        assert row.key
        assert row.fields["name"]


def test_pay_system_gets_its_name_and_keeps_the_choice(site, post_webhook):
    post_webhook("order.create", order_data(PAY_SYSTEM_ID="4"))
    system = PaySystem.objects.get(bitrix_id=4)
    assert (system.name, system.needs_attention, system.payment_method) == ("Платёжная система 4", True, "")
    services.choose_payment_method(bitrix_id=4, method="transfer", actor=None)
    assert reference.name_stubs()
    system.refresh_from_db()
    assert (system.name, system.needs_attention, system.payment_method) == ("Банковский перевод", False, "transfer")
    assert set(PaySystem.objects.values_list("bitrix_id", flat=True)) == {1, 2, 3, 4}
    assert Order.objects.get().payment_method == "transfer"


def test_setting_gives_only_new_pay_systems_their_first_method(settings):
    settings.BITRIX_PAY_SYSTEMS = {1: "cash", 2: "barter"}
    apply(pay_systems=[{"id": 1, "name": "Наличные"}, {"id": 2, "name": "Карта"}])
    assert list(PaySystem.objects.order_by("bitrix_id").values_list("payment_method", flat=True)) == ["cash", ""]
    services.choose_payment_method(bitrix_id=1, method="", actor=None)
    apply(pay_systems=[{"id": 1, "name": "Наличные"}])
    assert PaySystem.objects.get(bitrix_id=1).payment_method == ""


@pytest.mark.parametrize(
    ("active", "expected"), [(True, True), (False, False), ("Y", True), ("N", False), (None, True), ("?", True)]
)
def test_pay_system_that_the_site_no_longer_offers_is_inactive(active, expected):
    apply(pay_systems=[{"id": 7, "name": "Старый терминал", "active": active}])
    assert PaySystem.objects.get().is_active is expected
    apply(pay_systems=[{"id": 7, "name": "Старый терминал"}])
    assert PaySystem.objects.get().is_active


def test_stub_becomes_inactive_when_the_site_no_longer_offers_it(post_webhook):
    post_webhook("order.create", order_data(PAY_SYSTEM_ID="7"))
    apply(pay_systems=[{"id": 7, "name": "Старый терминал", "active": False}])
    assert not PaySystem.objects.get(bitrix_id=7).is_active


def test_pay_systems_are_read_over_rest_if_there_is_no_bridge(site, settings):
    settings.BITRIX_API_URL, settings.BITRIX_REST_URL = "", site.rest_url
    assert reference.refresh()[PaySystem].created == ["Наличные", "Банковская карта", "Kaspi", "Банковский перевод"]
    assert reference.refresh()[PaySystem].unchanged == 4
