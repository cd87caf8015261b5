"""Tests of the order list: rows, search, filters, and the number of queries."""

import html
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders import services
from orders.admin.orders.live_updates import ListState, last_change
from orders.admin.orders.model_admin import OrderAdmin
from orders.admin.rows.columns import BY_KEY, DEFAULT
from orders.admin.rows.row_context import version
from orders.models import Order, SyncState
from tests.orders.admin.conftest import LIST, numbers


def test_row_shows_status_delivery_payment_and_notes(browser, make_order):
    make_order(properties={"data": timezone.localdate().isoformat()}, SUM_PAID="4000")
    html = browser.get(LIST).content.decode().split('id="result_list"')[1]

    for text in ("Новый", "crm-stage-new", "→&nbsp;Принять", "Мария", 'href="tel:+77011234567"', "ул. Абая 150",
                 "15:00–16:00", "Букет Стандарт", "💌&nbsp;открытка", "9\xa0000\xa0₸", "доплата 5\xa0000\xa0₸",
                 "на сайте", "Алматы", "нет курьера", "без лилий"):  # fmt: skip
        assert text in html, text


def test_texts_of_customers_are_escaped_in_every_cell(browser, make_order):
    order = make_order(1)
    hostile = '<img src=x onerror="alert(1)">'
    names = ("recipient_name", "recipient_phone", "delivery_address", "comment", "contact_name", "problem")
    Order.objects.filter(pk=order.pk).update(**dict.fromkeys(names, hostile))
    order.items.update(product_snapshot={"name": hostile})
    page = browser.get(LIST, {"preset": "all", "columns": ",".join(BY_KEY)}).content.decode()
    assert hostile not in page
    assert page.count("&lt;img src=x") >= len(names)


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
    monkeypatch.setattr("orders.selectors.order_search.FEW_FOUND", 2)
    for number in range(1001, 1005):
        make_order(number)
    assert sorted(numbers(browser.get(LIST, {"q": "мария"}).content)) == ["1001", "1002", "1003", "1004"]
    assert numbers(browser.get(LIST, {"q": "1003"}).content) == ["1003"]


def test_search_that_finds_many_orders_does_not_count_them(browser, make_order, monkeypatch):
    monkeypatch.setattr("orders.selectors.order_search.FEW_FOUND", 2)
    monkeypatch.setattr(OrderAdmin, "list_per_page", 3)
    for number in range(1001, 1005):
        make_order(number)
    with CaptureQueriesContext(connection) as captured:
        page = browser.get(LIST, {"q": "мария"}).content.decode()
    assert "1–3 из 1000+" in page
    assert not [one for one in captured if "LIMIT 1001" in one["sql"]]
    # A filter may leave few of them, so these are counted.
    with CaptureQueriesContext(connection) as captured:
        assert "1–3 из 4" in browser.get(LIST, {"q": "мария", "stage": "new"}).content.decode()
    assert [one for one in captured if "LIMIT 1001" in one["sql"]]


def test_page_makes_no_query_for_the_choices_of_filters_that_are_not_in_the_url(browser, make_order):
    make_order()
    names = ('FROM "cities" WHERE "cities"."is_active"', 'FROM "couriers" WHERE "couriers"."is_active"')

    def choices(**query):
        with CaptureQueriesContext(connection) as captured:
            assert numbers(browser.get(LIST, query).content) == ["122183"]
        return [name for name in names for one in captured if name in one["sql"]]

    assert choices(preset="all") == []
    city = Order.objects.get().city
    assert len(choices(preset="all", city__bitrix_id__exact=city.bitrix_id)) <= 1
    dialog = browser.get(f"{LIST}filters/").content.decode()
    assert city.name in dialog


@pytest.mark.usefixtures("template_contexts")
def test_counts_are_made_again_after_a_change_of_an_order(browser, make_order):
    def counted():
        page = browser.get(LIST, {"preset": "all"})
        return {chip["key"]: chip["count"] for chip in page.context["list_head"]["chips"]}

    today = {"data": timezone.localdate().isoformat()}
    make_order(1001, properties=today)
    first = counted()
    with CaptureQueriesContext(connection) as captured:
        assert counted() == first
    assert not [one for one in captured if 'AS "unclosed"' in one["sql"]]
    make_order(1002, properties=today)
    assert (first["today"], counted()["today"]) == (1, 2)


def test_search_uses_no_like_query(browser, make_order):
    make_order()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        browser.get(LIST, {"q": "Мария 4567"})
    assert not [query["sql"] for query in queries if "UPPER(" in query["sql"] or "LIKE '%" in query["sql"]]


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


@pytest.mark.usefixtures("template_contexts")
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

    for number in range(1001, 1005):
        make_order(number)
    queries()
    make_order(1005)  # the counts of the presets are cached until an order changes
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


def shown_row(order):
    """Return the value by which an open list names the row of this order in each request.

    The value contains the order's id and the version of the row.
    """
    order.refresh_from_db()
    return f"{order.pk.hex}-{version(order)}"


def sent_by(page, *orders, **changes):
    """Return the query that an open list with the rows of these orders sends."""
    head = page.context["list_head"]
    state = head["state"]
    query = {"since": head["stamp"], "changed": state.changed, "minute": state.minute, "news": ""}
    return query | {"row": [shown_row(order) for order in orders]} | changes


def attribute(html, name):
    """Return the value of the first attribute of this name, or None if there is no such attribute."""
    found = re.search(rf'\b{name}="([^"]*)"', html)
    return found[1] if found else None


@pytest.fixture
def frozen_minute(monkeypatch):
    """Freeze the current minute, so the remaining times of the list do not change."""
    monkeypatch.setattr(ListState, "now", classmethod(lambda cls: cls(last_change(), "12:00")))


@pytest.mark.usefixtures("template_contexts")
@pytest.mark.usefixtures("frozen_minute")
def test_an_open_list_gets_counts_and_the_announcement_of_new_orders(browser, make_order):
    today = timezone.localdate()
    first = make_order(1001, properties={"data": today.isoformat()})
    page = browser.get(LIST)
    assert page.context["list_head"]["announced"] == str(first.pk)

    def pulse(*orders, **changes):
        answer = browser.get(f"{LIST}pulse/", sent_by(page, *orders or [first], **changes))
        assert answer.status_code in (200, 204)
        return answer.content.decode()

    assert pulse() == ""
    here = make_order(1002, properties={"data": today.isoformat()})
    there = make_order(1003, properties={"data": (today + timedelta(days=1)).isoformat()})
    update = pulse()
    assert "2 новых заказа" in update
    assert set(attribute(update, "data-new").split(",")) == {str(here.pk), str(there.pk)}
    assert attribute(update, "data-here") == str(here.pk)
    assert 'id="crm-count-today" hx-swap-oob="morph">2<' in update
    assert 'id="crm-count-tomorrow" hx-swap-oob="morph">1<' in update
    assert "data-row" not in update
    assert attribute(pulse(preset="tomorrow"), "data-here") == str(there.pk)

    changed = re.search(r'name="changed" value="([^"]*)"', update)[1]
    digest = re.search(r'name="news" value="([^"]*)"', update)[1]
    assert "crm-count-" not in pulse(changed=changed)
    assert "crm-news" not in pulse(news=digest)
    assert pulse(changed=changed, news=digest) == ""
    assert "crm-news" not in pulse(since="nonsense", row="nonsense")
    assert "crm-news" not in pulse(first, here, there)


@pytest.mark.usefixtures("template_contexts")
def test_a_new_order_is_announced_though_it_was_committed_late(browser, make_order):
    """The time of the new order is that of its transaction.

    A page that was rendered before the transaction ended may be newer.
    """
    make_order(1001)
    page = browser.get(LIST)
    late = make_order(1002)
    Order.objects.filter(pk=late.pk).update(updated_at=timezone.now() - timedelta(seconds=20))
    late.events.update(happened_at=timezone.now() - timedelta(seconds=20))
    assert str(late.pk) in attribute(browser.get(f"{LIST}pulse/", sent_by(page)).content.decode(), "data-new")


@pytest.mark.usefixtures("template_contexts")
@pytest.mark.usefixtures("frozen_minute")
def test_an_open_list_gets_the_rows_that_have_changed_and_no_others(browser, make_order):
    order, other = make_order(1001), make_order(1002)
    page = browser.get(LIST, {"preset": "all"})
    query = sent_by(page, order, other)
    for row in query["row"]:
        assert f'data-row="{row}"' in page.content.decode()
    services.add_note(order_id=order.pk, text="позвонить", actor=None)
    update = browser.get(f"{LIST}pulse/", query).content.decode()
    assert "позвонить" in update
    assert f'<tr id="row-{order.pk}" data-row="{shown_row(order)}" hx-swap-oob="morph">' in update
    assert str(other.pk) not in update
    assert "crm-messages" not in update
    hidden = browser.get(f"{LIST}pulse/", query | {"hidden": "1"}).content.decode()
    assert "data-row" not in hidden


@pytest.mark.usefixtures("template_contexts")
def test_an_open_list_gets_rows_as_on_the_page(browser, make_order):
    order = make_order(1001)
    page = browser.get(LIST, {"preset": "all"})
    on_list = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{LIST}?preset=all"}
    update = browser.get(f"{LIST}pulse/", sent_by(page, order, minute=""), headers=on_list).content.decode()
    row = re.search(r"<tr id=\"row-.*?</tr>", page.content.decode(), re.S)[0]
    assert row.count("<td") == len(DEFAULT) - 1
    assert row in update.replace(' hx-swap-oob="morph"', "")


@pytest.mark.usefixtures("template_contexts")
def test_the_time_left_is_brought_up_to_date_each_minute_of_a_page_that_is_seen(browser, make_order):
    order = make_order(1001)
    query = sent_by(browser.get(LIST), order, minute="00:01")
    update = browser.get(f"{LIST}pulse/", query).content.decode()
    assert f'id="row-{order.pk}"' in update
    assert 'name="minute" value="00:01"' not in update
    assert browser.get(f"{LIST}pulse/", query | {"hidden": "1"}).status_code == 204


@pytest.mark.usefixtures("template_contexts")
@pytest.mark.usefixtures("frozen_minute")
def test_a_pulse_without_news_is_cheap(browser, make_order, django_assert_num_queries):
    query = sent_by(browser.get(LIST), make_order(), changed=last_change(), since=timezone.now().isoformat())
    with django_assert_num_queries(5):  # session, user, versions, the newest change, and new orders
        answer = browser.get(f"{LIST}pulse/", query)
    assert answer.status_code == 204
    assert not answer.content


def test_tap_returns_its_row_and_the_message_on_every_list(browser, make_order, settings):
    settings.STATUS_HOLD_SECONDS = 60
    order, other = make_order(1001), make_order(1002)
    on_list = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{LIST}?preset=new"}
    update = browser.post(f"{LIST}{order.pk}/next/", {"step": "accept"}, headers=on_list).content.decode()
    assert "1001: Принят" in update
    assert f'id="row-{order.pk}"' in update
    assert str(other.pk) not in update
    undo = html.unescape(re.search(r'hx-post="([^"]*/undo/[^"]*)"', update)[1])
    update = browser.post(undo, {"row": [shown_row(order)]}, headers=on_list).content.decode()
    assert "снова «Новый»" in update
    assert f'id="row-{order.pk}"' in update
    Order.objects.filter(pk=order.pk).update(status="accepted")
    update = browser.post(f"{LIST}{order.pk}/next/", {"step": "take"}, headers=on_list).content.decode()
    assert "crm-messages" in update
    assert "/take/" not in update


def test_an_undo_on_a_list_that_the_order_has_left_reloads_the_page(browser, make_order, settings):
    settings.STATUS_HOLD_SECONDS = 60
    order = make_order(1001)
    on_list = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{LIST}?preset=new"}
    update = browser.post(f"{LIST}{order.pk}/next/", {"step": "accept"}, headers=on_list).content.decode()
    undo = html.unescape(re.search(r'hx-post="([^"]*/undo/[^"]*)"', update)[1])
    answer = browser.post(undo, headers=on_list)
    assert (answer.headers["HX-Refresh"], answer.content) == ("true", b"")
    order.refresh_from_db()
    assert order.status_id == "new"


def test_a_tap_on_another_page_reloads_it(browser, make_order):
    elsewhere = {"HX-Request": "true", "HX-Current-URL": "http://testserver/crm/"}
    answer = browser.post(f"{LIST}{make_order().pk}/next/", {"step": "accept"}, headers=elsewhere)
    assert (answer.headers["HX-Refresh"], answer.content) == ("true", b"")


@pytest.mark.usefixtures("template_contexts")
@pytest.mark.usefixtures("frozen_minute")
def test_rows_cost_the_same_for_one_and_for_many(browser, make_order, django_assert_num_queries):
    orders = [make_order(number) for number in range(1001, 1013)]
    page = browser.get(LIST)
    for asked in (orders[:1], orders):
        query = sent_by(page, since=timezone.now().isoformat()) | {"row": [f"{order.pk.hex}-0" for order in asked]}
        # The five queries of each request for live updates, and queries for orders, statuses, slots, cities, pay
        # systems, items and photos.
        with django_assert_num_queries(12):
            browser.get(f"{LIST}pulse/", query)


def test_next_step_of_outdated_row_changes_nothing(browser, make_order):
    order = make_order(1001)
    button = re.search(r'formaction="([^"]*/next/[^"]*)"[^>]*value="accept"', browser.get(
        LIST, {"preset": "all"}).content.decode())[1]  # fmt: skip
    Order.objects.filter(pk=order.pk).update(status="processing")  # a colleague has changed the status first
    browser.post(button, {"step": "accept"})
    order.refresh_from_db()
    assert order.status_id == "processing"


def test_a_strange_date_or_filter_is_no_error(browser, make_order):
    make_order()
    for day in ("9999-12-31", "0001-01-01", "1999-12-31"):
        assert browser.get(LIST, {"date": day}).status_code == 200
    asked = {"since": "2020-01-01T00:00:00Z", "sync_state__foo": "1"}
    assert browser.get(f"{LIST}pulse/", asked).status_code == 400


def test_every_open_order_is_on_a_preset_list(browser, make_order):
    """One order has a date in a wrong month, one has an old problem, and one has no date.

    Each order is on a list that staff use.
    """
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


def test_live_updates_are_refused_without_permission_to_see_orders(browser_of):
    assert browser_of().get(f"{LIST}pulse/").status_code == 403


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
