"""Tests of the dispatcher's page: rights, groups, assignment, conflicts, undo, sequence, links, sums, queries."""

import re
from datetime import timedelta
from decimal import Decimal
from html import unescape as html_unescape
from itertools import count
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bitrix_bridge.models import Push
from cvety_crm.roles import ACCOUNTANT, DISPATCHER, FLORIST, MANAGER
from orders import services
from orders.admin.dispatch.keys import short, with_seen
from orders.models import City, Courier, DeliverySlot, Order, OrderEvent, Status
from orders.presentation.timeline import timeline
from tests.roles import browser_of as browser_of_user
from tests.roles import person

DISPATCH = "/crm/dispatch/"
ACT = f"{DISPATCH}act/"
HTMX = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{DISPATCH}"}
numbers = count(7001)


@pytest.fixture
def slots(db):
    return {
        hour: DeliverySlot.objects.create(
            bitrix_id=f"d{hour}", name=f"{hour}:00–{hour + 1}:00", starts_at=f"{hour}:00", ends_at=f"{hour + 1}:00"
        )
        for hour in (10, 14, 18)
    }


@pytest.fixture
def yerlan(db):
    return Courier.objects.create(name="Ерлан", phone="+77770001122", telegram="@erlan_kz")


@pytest.fixture
def marat(db):
    return Courier.objects.create(name="Марат", phone="+77770001133")


@pytest.fixture
def make(slots):
    def order(hour=14, status="accepted", **values):
        defaults = {
            "order_number": str(next(numbers)),
            "recipient_name": "Мария",
            "recipient_phone": "+77011234567",
            "delivery_address": "мкр Орбита-3, ул. Абая 150, кв 25",
            "delivery_date": timezone.localdate(),
            "delivery_slot": slots[hour] if hour else None,
            "city": City.objects.get(bitrix_id=2),
            "total_amount": Decimal(17000),
        }
        return Order.objects.create(status=Status.objects.get(code=status), **(defaults | values))

    return order


@pytest.fixture
def dispatcher(db):
    return browser_of_user(person(DISPATCHER))


def text(answer):
    return answer.content.decode().replace("\xa0", " ").replace("&nbsp;", " ")


def visible(answer):
    """Return the visible words of a page on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", text(answer)).split())


def pair(order):
    return with_seen(order.pk, order.courier_id)


def numbers_of(html, courier=None):
    """Return the numbers of the cards without a courier, or of the stops of a courier, from top to bottom."""
    free, *couriers = re.split(r'<section class="crm-d-courier" id="c', html)
    part = free if courier is None else next(one for one in couriers if one.startswith(short(courier.pk)))
    return re.findall(r'aria-label="№ (\d+)"', part)


# --- rights


def test_page_and_actions_are_only_for_users_who_may_assign(make, yerlan, client):
    order = make(courier=Courier.objects.create(name="Анна"))
    urls = [DISPATCH, f"{DISPATCH}brief/{yerlan.pk}/", f"{DISPATCH}{yerlan.pk}/yandex/"]
    make(courier=yerlan)
    for role, expected in ((DISPATCHER, 200), (MANAGER, 200), (FLORIST, 403), (ACCOUNTANT, 403)):
        browser = browser_of_user(person(role))
        assert [browser.get(url).status_code for url in urls] == [
            expected,
            expected,
            302 if expected == 200 else 403,
        ], role.name
        assert (f'href="{DISPATCH}"' in text(browser.get("/crm/"))) == (expected == 200)
    florist = browser_of_user(person(FLORIST))
    posts = [
        (ACT, {"order": pair(order), "to": short(yerlan.pk)}),
        (ACT, {"reset": short(yerlan.pk)}),
        (ACT, {"notified": with_seen(order.pk, yerlan.pk)}),
        (f"{DISPATCH}undo/{order.pk}/", {}),
    ]
    for url, data in posts:
        assert florist.post(url, data).status_code == 403, url
        assert client.post(url, data)["Location"].startswith("/crm/login/"), url
        assert browser_of_user(person(DISPATCHER)).get(url).status_code == 405, url
    order.refresh_from_db()
    assert (order.courier.name, OrderEvent.objects.count()) == ("Анна", 0)


def test_actions_need_the_csrf_token(make, yerlan):
    browser = browser_of_user(person(DISPATCHER))
    browser.handler.enforce_csrf_checks = True
    order = make()
    assert browser.post(ACT, {"order": pair(order), "to": short(yerlan.pk)}).status_code == 403
    assert Order.objects.get().courier is None


def test_phones_are_masked_for_a_user_who_may_not_see_them(browser_of, make, yerlan):
    make(courier=yerlan, recipient_name="Мария 8 701 123 45 67")
    browser = browser_of("orders.view_order", "orders.assign_order")
    html = text(browser.get(DISPATCH))
    assert "tel:" not in html
    assert "wa.me" not in html
    assert "123 45 67" not in html
    assert "1122" in html
    assert "+7 701 123-45-67" not in text(browser.get(f"{DISPATCH}brief/{yerlan.pk}/"))


# --- contents


def test_page_groups_orders_without_courier_by_district_and_slot(dispatcher, make):
    make(18, delivery_address="мкр Орбита-3, д. 1", order_number="1")
    make(10, delivery_address="мкр Орбита-3, д. 2", order_number="2")
    make(10, delivery_address="Алмалинский район, Абая 1", order_number="3")
    make(10, delivery_address="ул. Абая 5", order_number="4")
    make(14, delivery_address="", order_number="5")
    make(None, delivery_address="мкр Орбита-3, д. 3", order_number="6")
    answer = dispatcher.get(DISPATCH)
    html = text(answer)
    assert "Без курьера: 6" in html
    headings = [re.sub(r"<[^>]+>", "", one) for one in re.findall(r"<h[34][^>]*>([^§]*?)</h[34]>", html)]
    titles = [one.partition("·")[0].strip() for one in headings]
    assert titles == [
        "Алматы, мкр Орбита-3 3", "10:00–11:00", "18:00–19:00", "время не указано: узнать время",
        "Алматы, Алмалинский район 1", "10:00–11:00", "Алматы, Район в адресе не назван 1", "10:00–11:00",
        "Алматы, Адрес не указан: узнать адрес 1", "14:00–15:00",
    ]  # fmt: skip
    assert numbers_of(html) == ["2", "1", "6", "3", "4", "5"]
    assert "узнать адрес" in visible(answer)


def test_page_shows_only_open_deliveries_of_its_day(dispatcher, make, yerlan):
    shown = [make(), make(status="new"), make(courier=yerlan, status="delivering")]
    today = timezone.localdate()
    for hidden in ({"status": "completed"}, {"status": "declined"}, {"is_pickup": True}, {"is_cancelled": True},
                   {"is_deleted_on_site": True}, {"delivery_date": today + timedelta(days=1)}):  # fmt: skip
        make(**hidden)
    html = text(dispatcher.get(DISPATCH))
    assert numbers_of(html) + numbers_of(html, yerlan) == [one.order_number for one in shown]
    tomorrow = text(dispatcher.get(DISPATCH, {"date": (today + timedelta(days=1)).isoformat()}))
    assert len(numbers_of(tomorrow)) == 1
    assert "Без курьера: 2" in text(dispatcher.get(DISPATCH, {"date": "no date"}))


def test_page_of_a_day_without_deliveries_says_so(dispatcher, yerlan):
    answer = dispatcher.get(DISPATCH)
    assert "На этот день доставок нет." in visible(answer)
    assert "Ерлан" in visible(answer)
    assert "Перетащите заказы сюда" in text(answer)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"status": "new"}, "не принят"),
        ({}, "не взят"),
        ({"taken_at": timezone.now()}, "делают"),
        ({"taken_at": timezone.now(), "ready_at": timezone.now()}, "готов"),
        ({"status": "delivering"}, "В пути"),
        ({"problem": "нет пионов"}, "проблема: нет пионов"),
        ({"is_surprise": True}, "сюрприз"),
        ({"courier_comment": "позвонить за час"}, "позвонить за час"),
        ({"payment_status": "paid"}, "оплачен"),
        ({"payment_method": "cash"}, "наличные 17 000 ₸"),
        ({"paid_amount": Decimal(14000)}, "получить 3 000 ₸"),
        ({"unknown_values": {"total_amount": ""}}, "получить сумма неизвестна"),
    ],
)
def test_card_shows_making_payment_and_marks(dispatcher, make, values, expected):
    make(**values)
    assert expected.lower() in visible(dispatcher.get(DISPATCH)).lower()


def test_courier_shows_stops_load_and_sums_to_bring_back(dispatcher, make, yerlan, marat):
    make(14, courier=yerlan, courier_notified_at=timezone.now())
    make(14, courier=yerlan, paid_amount=Decimal(14000))
    make(14, courier=yerlan, unknown_values={"total_amount": "много"})
    make(10, courier=yerlan, payment_status="paid")
    make(10, courier=yerlan, status="completed")
    Courier.objects.create(name="Уволен", is_active=False)
    shown = visible(dispatcher.get(DISPATCH))
    assert "4 адреса · 10:00–11:00: 1 · ! 14:00–15:00: 3, не успеть · доставлен 1" in shown
    assert "Получить: 20 000 ₸ + 1 неизвестная сумма" in shown
    assert "Доставлено, оплата не отмечена: 17 000 ₸" in shown
    assert "🔔 предупреждён" in shown
    assert "адресов нет" in shown
    assert "Уволен" not in shown


def test_sums_of_another_day_are_hidden_from_a_dispatcher(dispatcher, make, yerlan):
    tomorrow = timezone.localdate() + timedelta(days=1)
    make(courier=yerlan, delivery_date=tomorrow)
    make(delivery_date=tomorrow)
    shown = visible(dispatcher.get(DISPATCH, {"date": tomorrow.isoformat()}))
    assert "₸" not in shown
    assert "не оплачен" in shown


def test_inactive_courier_with_stops_is_shown_and_gets_no_orders(dispatcher, make, yerlan):
    order = make(courier=yerlan)
    other = make()
    Courier.objects.update(is_active=False)
    shown = dispatcher.get(DISPATCH)
    assert "не работает" in visible(shown)
    assert f'name="to" value="{short(yerlan.pk)}"' not in text(shown)
    assert dispatcher.post(ACT, {"order": pair(other), "to": short(yerlan.pk)}, headers=HTMX).status_code == 409
    assert list(Order.objects.filter(courier=yerlan)) == [order]


# --- assignment


def test_assignment_of_one_order_is_recorded_and_not_pushed(dispatcher, make, yerlan):
    order = make(bitrix_order_id=5)
    answer = dispatcher.post(ACT, {"order": pair(order), "to": short(yerlan.pk)}, headers=HTMX)
    assert answer.status_code == 200
    assert numbers_of(text(answer), yerlan) == [order.order_number]
    assert f"Ерлан: № {order.order_number}." in visible(answer)
    order.refresh_from_db()
    assert (order.courier, order.sync_state) == (yerlan, "synced")
    entry = timeline(OrderEvent.objects.select_related("actor"))[0]
    assert [(one.label, one.old, one.new) for one in entry.changes] == [("Курьер", "—", "Ерлан")]
    assert not Push.objects.exists()


def test_assignment_without_htmx_redirects_to_the_page(dispatcher, make, yerlan):
    order = make()
    url = f"{DISPATCH}?date={timezone.localdate()}"
    answer = dispatcher.post(ACT, {"order": pair(order), "courier": short(yerlan.pk), "assign": "1", "next": url})
    assert (answer.status_code, answer["Location"]) == (302, url)
    shown = visible(dispatcher.get(url))
    assert f"Ерлан: № {order.order_number}." in shown
    assert "Отменить" in shown


def test_assignment_of_many_takes_a_constant_number_of_queries(dispatcher, make, yerlan, marat):
    def queries(number):
        orders = [make(courier=marat if index % 2 else None) for index in range(number)]
        data = {"order": [pair(order) for order in orders], "to": short(yerlan.pk)}
        with CaptureQueriesContext(connection) as found:
            assert dispatcher.post(ACT, data, headers=HTMX).status_code == 200
        assert Order.objects.filter(courier=yerlan, pk__in=[one.pk for one in orders]).count() == number
        return len(found)

    queries(2)
    few = queries(2)
    assert queries(30) == few
    assert few <= 20


def test_assignment_of_an_order_with_another_courier_now_is_refused_with_409(dispatcher, make, yerlan, marat, manager):
    order = make()
    seen = pair(order)
    services.assign_courier(order_id=order.pk, courier=marat, actor=manager)
    answer = dispatcher.post(ACT, {"order": seen, "to": short(yerlan.pk)}, headers=HTMX)
    assert answer.status_code == 409
    assert "Марат" in re.search(r'role="alert">(.*?)</p>', text(answer))[1]
    assert numbers_of(text(answer), marat) == [order.order_number]
    order.refresh_from_db()
    assert (order.courier, OrderEvent.objects.count()) == (marat, 1)


def test_assignment_of_many_reports_the_refused_and_assigns_the_others(dispatcher, make, yerlan, marat, manager):
    taken, free, pickup = make(), make(), make()
    seen = [pair(one) for one in (taken, free, pickup)]
    services.assign_courier(order_id=taken.pk, courier=marat, actor=manager)
    Order.objects.filter(pk=pickup.pk).update(is_pickup=True)
    answer = dispatcher.post(ACT, {"order": seen, "to": short(yerlan.pk)}, headers=HTMX)
    assert answer.status_code == 200
    shown = visible(answer)
    assert f"Ерлан: № {free.order_number}." in shown
    assert f"№ {taken.order_number}: Курьера тем временем сменили" in shown
    assert f"№ {pickup.order_number}: " in shown
    assert {one.courier for one in Order.objects.all()} == {yerlan, marat, None}


def test_order_moves_to_another_courier_and_back_to_none(dispatcher, make, yerlan, marat):
    order = make(courier=yerlan, courier_notified_at=timezone.now(), route_position=3)
    dispatcher.post(ACT, {"order": pair(order), "to": short(marat.pk)}, headers=HTMX)
    order.refresh_from_db()
    assert (order.courier, order.courier_notified_at, order.route_position) == (marat, None, None)
    dispatcher.post(ACT, {"order": pair(order), "to": "none"}, headers=HTMX)
    order.refresh_from_db()
    assert order.courier is None


def test_undo_gives_orders_back_with_mark_and_position(dispatcher, make, yerlan, marat, manager):
    notified = timezone.now()
    first, second = make(courier=yerlan, courier_notified_at=notified, route_position=2), make()
    answer = dispatcher.post(ACT, {"order": [pair(first), pair(second)], "to": short(marat.pk)}, headers=HTMX)
    undo = re.search(rf'hx-post="({DISPATCH}undo/[^"]+)"', text(answer))[1]
    services.assign_courier(order_id=second.pk, courier=yerlan, actor=manager)
    answer = dispatcher.post(undo, {"next": DISPATCH}, headers=HTMX)
    assert answer.status_code == 200
    assert "Отменено: у 1 заказа снова прежний курьер." in visible(answer)
    assert f"№ {second.order_number}: " in visible(answer)
    first.refresh_from_db()
    assert (first.courier, first.courier_notified_at, first.route_position) == (yerlan, notified, 2)
    again = dispatcher.post(undo, {"next": DISPATCH}, headers=HTMX)
    assert again.status_code == 200
    assert Order.objects.get(pk=second.pk).courier == yerlan


def test_undo_of_an_unknown_or_old_assignment_changes_nothing(dispatcher, make, yerlan):
    order = make()
    answer = dispatcher.post(ACT, {"order": pair(order), "to": short(yerlan.pk)}, headers=HTMX)
    undo = re.search(rf'hx-post="({DISPATCH}undo/[^"]+)"', text(answer))[1]
    OrderEvent.objects.update(happened_at=timezone.now() - timedelta(minutes=11))
    for url in (undo, f"{DISPATCH}undo/{order.pk}/"):
        assert "Отменять уже нечего" in visible(dispatcher.post(url, headers=HTMX))
    assert Order.objects.get().courier == yerlan


@pytest.mark.parametrize(
    "data", [{"order": "x", "to": "none"}, {"order": "A" * 22, "to": "x"}, {"route": ""}, {"reset": "ж" * 22}]
)
def test_malformed_assignment_is_not_found(dispatcher, data):
    assert dispatcher.post(ACT, data, headers=HTMX).status_code == 404


def test_assignment_without_orders_or_courier_changes_nothing(dispatcher, make, yerlan):
    order = make()
    assert "отметьте хотя бы один заказ" in visible(dispatcher.post(ACT, {"to": short(yerlan.pk)}, headers=HTMX))
    assert "выберите курьера" in visible(dispatcher.post(ACT, {"order": pair(order)}, headers=HTMX))
    assert Order.objects.get().courier is None


# --- the sequence


@pytest.fixture
def route(make, yerlan):
    return [make(hour, courier=yerlan) for hour in (10, 14, 18)]


def test_stops_follow_by_time_until_the_sequence_is_set(dispatcher, route, yerlan):
    first, second, third = route
    assert numbers_of(text(dispatcher.get(DISPATCH)), yerlan) == [one.order_number for one in route]
    wanted = [third, first, second]
    data = {"route": short(yerlan.pk), "stop": [short(one.pk) for one in wanted]}
    assert numbers_of(text(dispatcher.post(ACT, data, headers=HTMX)), yerlan) == [one.order_number for one in wanted]
    for url in (f"/crm/orders/courier/{yerlan.pk}/route/", f"{DISPATCH}brief/{yerlan.pk}/"):
        html = text(dispatcher.get(url))
        places = [html.index(f"№ {one.order_number}") for one in wanted]
        assert places == sorted(places), url
    assert not OrderEvent.objects.exists()
    html = text(dispatcher.post(ACT, {"reset": short(yerlan.pk)}, headers=HTMX))
    assert numbers_of(html, yerlan) == [one.order_number for one in route]


def test_buttons_move_a_stop_by_one_place(dispatcher, route, yerlan):
    first, second, third = (one.order_number for one in route)
    html = text(dispatcher.post(ACT, {"up": "1", "order": pair(route[2])}, headers=HTMX))
    assert numbers_of(html, yerlan) == [first, third, second]
    html = text(dispatcher.post(ACT, {"down": "1", "order": pair(route[0])}, headers=HTMX))
    assert numbers_of(html, yerlan) == [third, first, second]
    html = text(dispatcher.post(ACT, {"up": "1", "order": pair(route[2])}, headers=HTMX))
    assert numbers_of(html, yerlan) == [third, first, second]


def test_sequence_of_other_stops_than_the_present_ones_is_refused(dispatcher, make, route, yerlan, marat):
    stops = [one.pk for one in route]
    make(courier=yerlan)
    for wrong in (stops, [*stops, stops[0]], stops[:1]):
        answer = dispatcher.post(ACT, {"route": short(yerlan.pk), "stop": list(map(short, wrong))}, headers=HTMX)
        assert answer.status_code == 409
        assert "Адреса курьера только что изменились" in visible(answer)
    assert dispatcher.post(ACT, {"up": "1", "order": with_seen(stops[0], marat.pk)}, headers=HTMX).status_code == 409
    assert set(Order.objects.values_list("route_position", flat=True)) == {None}


def test_order_without_position_follows_the_stops_with_one(dispatcher, make, route, yerlan):
    data = {"route": short(yerlan.pk), "stop": [short(one.pk) for one in reversed(route)]}
    dispatcher.post(ACT, data, headers=HTMX)
    late, early = make(18), make(10)
    html = text(dispatcher.post(ACT, {"order": [pair(late), pair(early)], "to": short(yerlan.pk)}, headers=HTMX))
    wanted = [*reversed(route), early, late]
    assert numbers_of(html, yerlan) == [one.order_number for one in wanted]


def test_order_dropped_before_a_stop_gets_this_place(dispatcher, make, route, yerlan):
    order = make(18)
    data = {"order": pair(order), "to": short(yerlan.pk), "before": short(route[1].pk)}
    html = text(dispatcher.post(ACT, data, headers=HTMX))
    wanted = [route[0], order, route[1], route[2]]
    assert numbers_of(html, yerlan) == [one.order_number for one in wanted]


def test_change_of_courier_or_day_clears_the_position(make, yerlan, marat, manager):
    orders = [make(courier=yerlan, route_position=place, bitrix_order_id=place) for place in (1, 2, 3)]
    services.assign_courier(order_id=orders[0].pk, courier=marat, actor=manager)
    services.edit_order(
        order_id=orders[1].pk, changes={"delivery_date": timezone.localdate() + timedelta(days=1)}, actor=manager
    )
    services.edit_order(order_id=orders[2].pk, changes={"comment": "без лилий"}, actor=manager)
    found = [Order.objects.get(pk=one.pk).route_position for one in orders]
    assert found == [None, None, 3]


def test_other_day_from_the_site_clears_the_position(make_order, post_webhook, yerlan):
    order = make_order(122201, properties={"data": "2026-12-01"})
    Order.objects.update(courier=yerlan, route_position=4)
    make_order(
        122201, properties={"data": "2026-12-01"}, USER_DESCRIPTION="без лилий", DATE_UPDATE="2030-01-01 10:00:00"
    )
    assert Order.objects.get(pk=order.pk).route_position == 4
    make_order(122201, properties={"data": "2026-12-02"}, DATE_UPDATE="2030-01-01 11:00:00")
    order.refresh_from_db()
    assert (str(order.delivery_date), order.route_position) == ("2026-12-02", None)


# --- notification, texts, links


def test_courier_is_marked_as_notified_of_all_stops_and_of_one(dispatcher, route, yerlan, marat):
    brief = text(dispatcher.get(f"{DISPATCH}brief/{yerlan.pk}/", headers=HTMX))
    assert "<html" not in brief
    assert "🚚 Ерлан" in brief
    notified = re.findall(r'name="order" value="([^"]+)"', brief)
    assert notified == [pair(one) for one in route]
    answer = dispatcher.post(ACT, {"order": notified, "notified": "all"}, headers=HTMX)
    assert "Предупреждены о заказах: 3." in visible(answer)
    assert Order.objects.filter(courier_notified_at=None).count() == 0
    assert OrderEvent.objects.filter(kind="notified").count() == 3
    dispatcher.post(ACT, {"order": [pair(route[0]), pair(route[1])], "not_notified": "all"}, headers=HTMX)
    assert Order.objects.filter(courier_notified_at=None).count() == 2
    dispatcher.post(ACT, {"order": pair(route[1]), "notified": pair(route[0])}, headers=HTMX)
    assert Order.objects.get(courier_notified_at=None) == route[1]
    wrong = {"notified": with_seen(route[1].pk, marat.pk)}
    assert dispatcher.post(ACT, wrong, headers=HTMX).status_code == 409
    assert "отметьте хотя бы один адрес" in visible(dispatcher.post(ACT, {"notified": "all"}, headers=HTMX))


def test_route_links_contain_the_encoded_addresses_in_sequence(dispatcher, make, yerlan):
    make(10, courier=yerlan, delivery_address="ул. Абая 150 ~ угол, кв 25")
    make(14, courier=yerlan, delivery_address="Алматы, пр. Достык 5 & Ко #2")
    make(18, courier=yerlan, delivery_address="Жетысу 3", city=City.objects.create(bitrix_id=99, name="Астана"))
    make(18, courier=yerlan, delivery_address="")
    html = text(dispatcher.get(DISPATCH))
    links = [html_unescape(one) for one in re.findall(rf'href="({DISPATCH}{yerlan.pk}/[^"]+)"', html)]
    url, two_gis = (dispatcher.get(link)["Location"] for link in links)
    assert re.fullmatch(r"https://yandex\.ru/maps/[\x21-\x7e]+", url)
    query = parse_qs(urlsplit(url).query)
    assert query["rtt"] == ["auto"]
    assert query["rtext"][0].split("~") == [
        "", "Алматы, ул. Абая 150   угол", "Алматы, пр. Достык 5 & Ко #2", "Астана, Жетысу 3",
    ]  # fmt: skip
    assert unquote(two_gis) == "https://2gis.kz/almaty/search/Алматы, ул. Абая 150 ~ угол"
    assert "1 адрес неизвестен и не попал на карту" in html
    assert url in html_unescape(text(dispatcher.get(f"{DISPATCH}brief/{yerlan.pk}/")))


def test_maps_of_a_route_without_known_addresses_are_not_found(dispatcher, make, yerlan):
    make(courier=yerlan, delivery_address="")
    assert "yandex" not in text(dispatcher.get(DISPATCH))
    for name in ("yandex", "2gis"):
        assert dispatcher.get(f"{DISPATCH}{yerlan.pk}/{name}/").status_code == 404


# --- updates


def test_update_is_empty_until_something_changes(dispatcher, make, yerlan, manager):
    order = make()
    html = text(dispatcher.get(DISPATCH))

    def seen(html):
        return re.search(r'name="seen" value="([^"]+)"', html)[1]

    version = seen(html)
    answer = dispatcher.get(DISPATCH, {"seen": version}, headers=HTMX)
    if answer.status_code == 200:  # a new minute has begun
        version = seen(text(answer))
        answer = dispatcher.get(DISPATCH, {"seen": version}, headers=HTMX)
    assert answer.status_code == 204
    for change in (
        lambda: services.assign_courier(order_id=order.pk, courier=yerlan, actor=manager),
        lambda: services.set_route(courier_id=yerlan.pk, day=order.delivery_date, order_ids=[order.pk]),
        lambda: services.add_note(order_id=order.pk, text="позвонить", actor=manager),
        lambda: Courier.objects.create(name="Новый"),
    ):
        change()
        answer = dispatcher.get(DISPATCH, {"seen": version}, headers=HTMX)
        assert answer.status_code == 200
        assert text(answer).strip().startswith('<div id="crm-dispatch"')
        version = seen(text(answer))


def test_page_is_light_and_takes_a_constant_number_of_queries(dispatcher, make, yerlan, marat):
    def queries():
        dispatcher.get(DISPATCH)
        with CaptureQueriesContext(connection) as found:
            html = dispatcher.get(DISPATCH).content
        return len(found), len(html)

    make(courier=yerlan)
    make()
    few, _size = queries()
    couriers = [
        yerlan,
        marat,
        *(Courier.objects.create(name=f"Курьер {one}", phone=f"+770100000{one:02}") for one in range(13)),
    ]
    for number in range(198):
        courier = couriers[number % 15] if number % 2 else None
        make(
            (10, 14, 18)[number % 3],
            courier=courier,
            delivery_address=f"мкр Орбита-{number % 9}, ул. Розыбакиева {number}, кв {number}",
        )
    many, size = queries()
    assert many == few
    assert size <= 170_000  # in the evening most of them are late, which the page says


def test_page_is_found_by_the_command_palette_and_linked_from_the_start_page(dispatcher, browser_of):
    found = dispatcher.get("/crm/search/", {"s": "развоз", "extended": "1"})
    assert f'href="{DISPATCH}"' in text(found)
    assert text(dispatcher.get("/crm/")).count(f'href="{DISPATCH}"') == 2  # the menu and the quick links
    assert f'href="{DISPATCH}"' not in text(browser_of("orders.view_order").get("/crm/"))
