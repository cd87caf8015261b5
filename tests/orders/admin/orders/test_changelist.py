"""The order list: rows, search, filters, number of queries."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders.models import Order, SyncState
from tests.orders.admin.conftest import LIST, numbers


def test_row_shows_status_delivery_payment_and_notes(browser, make_order):
    make_order(properties={"data": timezone.localdate().isoformat()}, SUM_PAID="4000")
    html = browser.get(LIST).content.decode().split('id="result_list"')[1]

    for text in ("Новый", "crm-stage-new", "●", "→ Принят", "Мария", 'href="tel:+77011234567"', "ул. Абая 150",
                 "15:00–16:00", "Букет Стандарт", "💌", "9\xa0000\xa0₸", "доплата 5\xa0000\xa0₸", "на сайте", "Алматы",
                 "Взять себе", "нет курьера", "без лилий", "Айгерим"):  # fmt: skip
        assert text in html, text


def test_row_shows_mark_for_each_problem(browser, make_order, post_webhook):
    order = make_order(CANCELED="Y")
    Order.objects.filter(pk=order.pk).update(is_stub=True, is_deleted_on_site=True)
    assert browser.get(LIST, {"preset": "all"}).content.decode().count("crm-mark-") == 3


@pytest.mark.parametrize(
    "typed",
    ["122183", "мария", "Абая", "+7 701 123-45-67", "8 (701) 123 45 67", "4567", "Айгерим", "+7 777 123 45 67"],
)
def test_search_finds_number_names_address_and_phones(browser, make_order, typed):
    make_order()
    other = {"nameRecipient": "Олег", "phoneRecipient": "87050000000", "addressRecipient": "Сатпаева 1"}
    make_order(
        122999,
        properties=other | {"name": "Пётр", "phone": "87051111111"},
        USER_ID="5",
        user={"ID": "5", "NAME": "Пётр", "PERSONAL_PHONE": "87051111111"},
    )
    assert numbers(browser.get(LIST, {"q": typed}).content) == ["122183"]


@pytest.mark.parametrize(
    ("name", "typed"),
    [("Айгерім", "айгерим"), ("Айгерим", "Айгерім"), ("Әлия", "алия"), ("Гүлнар", "гулнар"), ("Қуаныш", "куан"),
     ("Өмірбек", "омирбек"), ("Артём", "артем")],
)  # fmt: skip
def test_search_finds_kazakh_letters_by_russian_ones(browser, make_order, name, typed):
    make_order(properties={"nameRecipient": name})
    assert numbers(browser.get(LIST, {"q": typed}).content) == ["122183"]


def test_search_finds_more_orders_than_the_limit_of_ids(browser, make_order, monkeypatch):
    monkeypatch.setattr("orders.admin.orders.model_admin.FEW_FOUND", 2)
    for number in range(1001, 1005):
        make_order(number)
    assert sorted(numbers(browser.get(LIST, {"q": "мария"}).content)) == ["1001", "1002", "1003", "1004"]
    assert numbers(browser.get(LIST, {"q": "1003"}).content) == ["1003"]


def test_search_uses_no_like_query(browser, make_order):
    make_order()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        browser.get(LIST, {"q": "Мария 4567"})
    assert not [query["sql"] for query in queries if "UPPER(" in query["sql"] or "LIKE" in query["sql"]]


def test_filters_find_orders_by_date_status_city_and_source(browser, make_order):
    make_order(1001, properties={"data": "2025-08-25"})
    make_order(1002, properties={"data": "2025-08-26", "city": "3"}, STATUS_ID="AP")
    make_order(1003, properties={"data": "2025-08-27", "shopId": "5"})
    Order.objects.filter(bitrix_order_id=1003).update(sync_state=SyncState.FAILED)

    def found(**query):
        return sorted(numbers(browser.get(LIST, query).content))

    assert found(delivery_date_on="26.08.2025") == ["1002"]
    assert found(delivery_date_from="25.08.2025", delivery_date_to="26.08.2025") == ["1001", "1002"]
    assert found(delivery_date_from="26.08.2025") == ["1002", "1003"]
    assert found(status__code__exact="accepted") == ["1002"]
    assert found(stage="new") == ["1001", "1003"]
    assert found(city__bitrix_id__exact="3") == ["1002"]
    assert found(shop__bitrix_id__exact="5") == ["1003"]
    assert found(sync_state__exact="failed") == ["1003"]
    assert found(source__exact="admin") == []


def test_list_opens_on_today_and_links_to_other_days(browser, make_order):
    today = timezone.localdate()
    make_order(1001, properties={"data": today.isoformat()})
    make_order(1002, properties={"data": (today + timedelta(days=1)).isoformat()})
    make_order(1003, properties={"data": ""})
    make_order(1004, properties={"data": (today - timedelta(days=100)).isoformat()})

    def found(**query):
        return sorted(numbers(browser.get(LIST, query).content))

    page = browser.get(LIST).content.decode()
    assert numbers(page.encode()) == ["1001"]
    assert f"?date={(today + timedelta(days=1)).isoformat()}" in page
    assert found(date=(today + timedelta(days=1)).isoformat()) == ["1002"]
    assert found(preset="tomorrow") == ["1002"]
    assert found(preset="archive") == ["1003", "1004"]
    assert found(preset="new", date=today.isoformat()) == ["1001"]
    assert found(preset="new") == ["1001", "1002"]
    assert found(preset="all") == ["1001", "1002", "1003", "1004"]
    assert found(preset="no such") == found(date="25.08.2025") == found(date="2025-99-99") == ["1001"]


def test_list_shows_problems_first_then_by_end_of_slot(browser, make_order):
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    for number, slot in ((1001, "18:00-19:00"), (1002, "10:00-11:00"), (1003, "12:00-13:00"), (1004, "14:00-15:00")):
        make_order(number, properties={"data": tomorrow, "when": slot})
    Order.objects.filter(bitrix_order_id=1004).update(problem="нет роз")
    Order.objects.filter(bitrix_order_id=1002).update(status="completed")
    assert numbers(browser.get(LIST, {"preset": "tomorrow"}).content) == ["1004", "1003", "1001", "1002"]


def test_count_of_chip_equals_number_of_its_orders(browser, make_order, manager):
    today = timezone.localdate()
    for number in range(1001, 1013):
        day = today + timedelta(days=number % 4 - 2)
        order = make_order(number, properties={"data": day.isoformat()}, STATUS_ID=["N", "AP", "PD", "CO"][number % 3])
        Order.objects.filter(pk=order.pk).update(
            responsible=manager if number % 2 else None,
            is_pickup=number % 5 == 0,
            problem="?" if number % 6 == 0 else "",
            sync_state=SyncState.FAILED if number % 4 == 0 else SyncState.SYNCED,
        )
    chips = browser.get(LIST).context["list_head"]["chips"]
    assert [chip["key"] for chip in chips if chip["count"] is None] == ["all", "archive"]
    for chip in chips:
        shown = numbers(browser.get(LIST, {"preset": chip["key"]}).content)
        assert chip["count"] in (None, len(shown)), chip
    assert sum(chip["count"] or 0 for chip in chips) > 30


def test_invalid_date_filter_finds_nothing_and_shows_value(browser, make_order):
    make_order()
    page = browser.get(LIST, {"delivery_date_from": "позавчера"}).content
    assert numbers(page) == []
    assert "позавчера" in page.decode()


def test_list_has_fifty_orders_per_page(browser, make_order):
    for number in range(1001, 1053):
        make_order(number, DATE_INSERT=f"2025-08-24 12:{number % 60:02}:00")
    first = browser.get(LIST, {"preset": "all"}).content
    assert len(numbers(first)) == 50
    assert 'rel="next"' in first.decode()
    assert 'rel="prev"' not in first.decode()
    second = browser.get(LIST, {"preset": "all", "p": 2}).content
    assert len(numbers(second)) == 2
    assert 'rel="next"' not in second.decode()
    assert set(numbers(first)).isdisjoint(numbers(second))
    assert browser.get(LIST, {"p": 0}).status_code == 200
    assert browser.get(LIST, {"p": 10**30}).status_code == 200


def test_list_takes_constant_number_of_queries(browser, make_order):
    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(LIST, {"preset": "all"}).status_code == 200
        return [query["sql"] for query in captured]

    for number in range(1001, 1006):
        make_order(number)
    queries()
    few = queries()
    for number in range(1006, 1051):
        make_order(number)
    many = queries()

    assert len(numbers(browser.get(LIST, {"preset": "all"}).content)) == 50
    assert len(many) == len(few)
    assert len(many) <= 20


def test_facets_parameter_does_not_count_whole_table(browser, make_order):
    make_order()
    with CaptureQueriesContext(connection) as queries:
        browser.get(LIST, {"_facets": "True"})
    assert not [query["sql"] for query in queries if "COUNT(" in query["sql"] and " WHERE " not in query["sql"]]


def test_list_requires_permission_to_view_orders(browser_of):
    assert browser_of().get(LIST).status_code == 403


def test_the_pulse_of_an_open_list(browser, make_order):
    today = timezone.localdate()
    first = make_order(1001, properties={"data": today.isoformat()})
    head = browser.get(LIST).context["list_head"]
    assert head["announced"] == str(first.pk)

    def pulse(**query):
        asked = {"since": head["stamp"], "seen": head["changed"], "known": first.pk}
        answer = browser.get(f"{LIST}pulse/", asked | query)
        assert answer.status_code == 200
        return answer.json()

    calm = pulse()
    assert (calm["changed"], calm["new"]) == (head["changed"], [])
    assert "counts" not in calm
    here = make_order(1002, properties={"data": today.isoformat()})
    there = make_order(1003, properties={"data": (today + timedelta(days=1)).isoformat()})
    said = pulse()
    assert said["words"] == "2 новых заказа"
    assert set(said["new"]) == {str(here.pk), str(there.pk)}
    assert said["here"] == [str(here.pk)]
    assert said["counts"]["today"] == 2
    assert said["counts"]["tomorrow"] == 1
    assert pulse(preset="tomorrow")["here"] == [str(there.pk)]
    assert "counts" not in pulse(seen=said["changed"])
    assert pulse(since="nonsense", known="nonsense")["new"] == []
    assert pulse(known=f"{first.pk},{here.pk},{there.pk}")["new"] == []


def test_a_new_order_is_announced_though_it_was_committed_late(browser, make_order):
    """Its moment is that of its transaction, which may be older than a page that was made before it ended."""
    make_order(1001)
    head = browser.get(LIST).context["list_head"]
    late = make_order(1002)
    Order.objects.filter(pk=late.pk).update(updated_at=timezone.now() - timedelta(seconds=20))
    late.events.update(happened_at=timezone.now() - timedelta(seconds=20))
    asked = {"since": head["stamp"], "seen": head["changed"], "known": ""}
    assert str(late.pk) in browser.get(f"{LIST}pulse/", asked).json()["new"]


def test_a_pulse_says_which_rows_have_changed(browser, make_order):
    from orders import services

    order = make_order(1001)
    asked = {"since": timezone.now().isoformat(), "known": str(order.pk)}
    before = browser.get(f"{LIST}pulse/", asked).json()["versions"][str(order.pk)]
    assert f'data-version="{before}"' in browser.get(LIST, {"preset": "all"}).content.decode()
    services.add_note(order_id=order.pk, text="позвонить", actor=None)
    after = browser.get(f"{LIST}pulse/", asked).json()["versions"][str(order.pk)]
    assert after != before
    said = browser.get(f"{LIST}rows/", {"keys": f"{order.pk},nonsense"}).json()
    assert said["versions"] == {str(order.pk): after}
    assert "позвонить" in said["rows"][str(order.pk)]["notes_column"]
    assert "messages" not in said


def test_a_pulse_without_news_is_cheap(browser, make_order, django_assert_num_queries):
    order = make_order()
    head = browser.get(LIST).context["list_head"]
    asked = {"since": timezone.now().isoformat(), "seen": head["changed"], "known": order.pk}
    with django_assert_num_queries(5):  # session, user, versions, the newest change, new orders
        browser.get(f"{LIST}pulse/", asked)


def test_rows_are_read_anew_whatever_list_they_left_and_messages_only_when_asked_for(browser, make_order):
    order = make_order(1001)
    make_order(1002)
    browser.post(f"{LIST}{order.pk}/next/", {"status": "accepted"}, headers={"HX-Request": "true"})
    quiet = browser.get(f"{LIST}rows/", {"keys": order.pk}).json()
    assert list(quiet["rows"]) == [str(order.pk)]
    assert "messages" not in quiet
    assert "1001: Принят" in browser.get(f"{LIST}rows/", {"keys": "", "messages": "1"}).json()["messages"]


def test_rows_cost_the_same_for_one_and_for_many(browser, make_order, django_assert_num_queries):
    orders = [make_order(number) for number in range(1001, 1013)]
    for asked in (orders[:1], orders):
        with django_assert_num_queries(6):  # session, user, orders, items, photos, statuses
            browser.get(f"{LIST}rows/", {"keys": ",".join(str(order.pk) for order in asked)})


def test_next_step_of_outdated_row_changes_nothing(browser, make_order):
    order = make_order(1001)
    button = re.search(r'formaction="([^"]*/next/[^"]*)"[^>]*value="accepted"', browser.get(
        LIST, {"preset": "all"}).content.decode())[1]  # fmt: skip
    Order.objects.filter(pk=order.pk).update(status="processing")  # a colleague has changed the status first
    browser.post(button, {"status": "accepted"})
    order.refresh_from_db()
    assert order.status_id == "processing"


def test_a_strange_date_or_filter_is_no_error(browser, make_order):
    make_order()
    for day in ("9999-12-31", "0001-01-01", "1999-12-31"):
        assert browser.get(LIST, {"date": day}).status_code == 200
    asked = {"since": "2020-01-01T00:00:00Z", "sync_state__foo": "1"}
    assert browser.get(f"{LIST}pulse/", asked).status_code == 400


def test_every_open_order_is_on_a_preset_list(browser, make_order):
    """A wrong month, an old problem, an undated order: each order is on a list that staff use."""
    long_ago = (timezone.localdate() - timedelta(days=20)).isoformat()
    today = timezone.localtime().strftime("%Y-%m-%d %H:%M:%S")
    make_order(1001, properties={"data": long_ago}, DATE_INSERT=today)
    make_order(1002, properties={"data": long_ago})
    Order.objects.filter(bitrix_order_id=1002).update(problem="жалоба")
    make_order(1003, properties={"data": ""})

    def found(preset):
        return sorted(numbers(browser.get(LIST, {"preset": preset}).content))

    assert found("new") == ["1001"]
    assert found("unclosed") == ["1001"]
    assert found("problems") == ["1002"]
    assert found("archive") == ["1001", "1002", "1003"]


def test_whoever_may_not_see_orders_hears_no_pulse(browser_of):
    assert browser_of().get(f"{LIST}pulse/").status_code == 403
    assert browser_of().get(f"{LIST}rows/").status_code == 403


def test_empty_list_shows_hint_for_its_filter(browser, make_order):
    assert "На этот день доставок нет" in browser.get(LIST).content.decode()
    assert "Здесь всё в порядке" in browser.get(LIST, {"preset": "late"}).content.decode()
    assert "последние четыре цифры" in browser.get(LIST, {"q": "нет такого"}).content.decode()


def test_list_hides_phones_and_sums_without_permission(browser_of, make_order):
    make_order(properties={"data": (timezone.localdate() + timedelta(days=1)).isoformat()})
    florist = browser_of("orders.view_order").get(LIST, {"preset": "tomorrow"}).content.decode()
    assert "•••\xa04567" in florist
    assert "701" not in florist.split('id="result_list"')[1]
    assert "₸" not in florist
    owner = browser_of("orders.view_order", "orders.view_phones", "orders.view_all_prices")
    page = owner.get(LIST, {"preset": "tomorrow"}).content.decode()
    assert "tel:+77011234567" in page
    assert "9\xa0000\xa0₸" in page


@pytest.mark.parametrize("query", [{"sync_state__foo": "1"}, {"customer__id__exact": "no key"}])
def test_a_pulse_with_filters_that_do_not_fit_is_refused(browser, make_order, query):
    make_order()
    assert browser.get(f"{LIST}pulse/", {"seen": "x", "since": "2025-01-01T00:00:00Z", **query}).status_code == 400
