"""Tests of the assignment of orders from the list and from the order's page: actions, messages and permissions."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cvety_crm.users import User
from orders import services
from orders.models import Courier, EventKind, Order, Stage, Status
from tests.orders.admin.conftest import LIST, change_url
from tests.page_forms import read_form

ACTIONS = ("take_selected", "assign_florist_to_selected", "assign_courier_to_selected", "mark_notified_selected")


@pytest.fixture
def courier(db):
    return Courier.objects.create(name="Ерлан", phone="+77770001122", telegram="@erlan_kz")


@pytest.fixture
def florist(db):
    return User.objects.create_user("aigerim", is_staff=True, first_name="Айгерим")


def run(client, action, *orders, **data):
    keys = [str(order.pk) for order in orders]
    return client.post(LIST, {"action": action, "_selected_action": keys, "index": 0, **data}, follow=True)


def post_button(client, order, button, **data):
    return client.post(f"{LIST}{order.pk}/{button}/", data, follow=True)


def assignment_of(order):
    order = Order.objects.select_related("responsible", "courier").get(pk=order.pk)
    return order.responsible, order.courier, order.courier_notified_at is not None


def page(client, order):
    return client.get(change_url(order)).content.decode()


# --- one order


def test_user_takes_order_and_releases_it(browser, manager, make_order):
    order = make_order(STATUS_ID="AP")
    assert "Взять себе" in page(browser, order)
    answer = post_button(browser, order, "take", next=f"{LIST}?q=122183")
    assert answer.redirect_chain[-1][0] == f"{LIST}?q=122183"
    assert "Заказ №\xa0122183 ваш" in answer.content.decode()
    assert assignment_of(order)[0] == manager
    html = page(browser, order)
    assert "это вы" in html
    assert "Отдать" in html
    assert f"{order.pk}/take/" not in html
    post_button(browser, order, "release")
    assert assignment_of(order)[0] is None


def test_order_of_another_florist_is_neither_taken_nor_released(browser, browser_of, florist, make_order):
    order = make_order(STATUS_ID="AP")
    services.take_order(order_id=order.pk, actor=florist)
    worker = browser_of("orders.view_order", "orders.make_order")
    assert "Уже взял(а) Айгерим" in post_button(worker, order, "take").content.decode()
    assert "Айгерим" in post_button(worker, order, "release").content.decode()
    assert f"{order.pk}/release/" not in page(worker, order)
    assert assignment_of(order)[0] == florist
    post_button(browser, order, "release")  # a user who may assign orders may release any order
    assert assignment_of(order)[0] is None


def test_florist_is_chosen_by_panel_and_not_by_order_form(browser, make_order, florist, courier):
    order = make_order()
    User.objects.create_user("gone", is_staff=True, is_active=False, first_name="Ушедшая")
    html = page(browser, order)
    assert not {"responsible", "courier"} & set(read_form(html, "order_form"))
    assert f'<option value="{florist.pk}">Айгерим</option>' in html
    assert "Ушедшая" not in html
    assert "флорист — Айгерим" in post_button(browser, order, "florist", florist=florist.pk, seen="").content.decode()
    assert assignment_of(order)[0] == florist
    html = page(browser, order)
    assert f'<option value="{florist.pk}" selected>' in html
    assert f'name="seen" value="{florist.pk}"' in html
    post_button(browser, order, "florist", florist="", seen=florist.pk)
    assert assignment_of(order)[0] is None


def test_florist_is_not_replaced_when_page_did_not_show_the_present_one(browser, manager, make_order, florist):
    order = make_order(STATUS_ID="AP")
    services.take_order(order_id=order.pk, actor=manager)
    html = post_button(browser, order, "florist", florist=florist.pk, seen="").content.decode()
    assert "теперь это Данияр" in html
    assert assignment_of(order)[0] == manager
    for wrong in ("nonsense", "999999", "9" * 30):
        assert browser.post(f"{LIST}{order.pk}/florist/", {"florist": wrong}).status_code == 404


def test_courier_is_assigned_and_marked_as_notified(browser, make_order, courier):
    order = make_order()
    html = post_button(browser, order, "courier", courier=str(courier.pk), seen="").content.decode()
    assert "курьер — Ерлан" in html
    assert "Ещё не предупреждён" in html
    assert "https://wa.me/77770001122?text=" in html
    assert "https://t.me/erlan_kz" in html
    html = post_button(browser, order, "notified", notified="1").content.decode()
    at = timezone.localtime(Order.objects.get().courier_notified_at)
    assert f"Предупреждён {at:%H:%M}, Данияр" in html
    post_button(browser, order, "notified", notified="0")
    assert assignment_of(order)[1:] == (courier, False)
    post_button(browser, order, "courier", courier="", seen=str(courier.pk))
    assert assignment_of(order)[1] is None


def test_courier_is_not_replaced_when_page_is_outdated(browser, make_order, courier):
    order = make_order()
    other = Courier.objects.create(name="Азамат")
    post_button(browser, order, "courier", courier=str(other.pk), seen="")
    html = post_button(browser, order, "courier", courier=str(courier.pk), seen="").content.decode()
    assert "теперь это Азамат" in html
    assert assignment_of(order)[1] == other


def test_row_button_refreshes_page_and_ignores_foreign_redirect(browser, make_order):
    order = make_order()
    answer = browser.post(f"{LIST}{order.pk}/take/", headers={"HX-Request": "true"})
    assert answer.headers["HX-Refresh"] == "true"
    answer = browser.post(f"{LIST}{order.pk}/release/", {"next": "https://evil.example/"})
    assert answer.headers["Location"] == change_url(order)


def test_unknown_order_or_courier_returns_404(browser, make_order):
    order = make_order()
    assert browser.post(f"{LIST}{uuid4()}/take/").status_code == 404
    for wrong in (str(uuid4()), "nonsense"):
        assert browser.post(f"{LIST}{order.pk}/courier/", {"courier": wrong}).status_code == 404
    for button in ("take", "release", "florist", "courier", "notified"):
        assert browser.get(f"{LIST}{order.pk}/{button}/").status_code == 405


def test_order_page_shows_courier_texts_with_copy_buttons(browser, make_order):
    html = page(browser, make_order())
    assert 'data-copy-from="courier-short"' in html
    assert 'data-copy-from="courier-full"' in html
    full = html.split('id="courier-full">')[1].split("</pre>")[0]
    short = html.split('id="courier-short">')[1].split("</pre>")[0]
    assert "Мария, +7 701 123-45-67" in full
    assert "кв 25" in full
    assert "Мария" not in short
    assert "кв 25" not in short
    assert 'data-copy="Алматы, ул. Абая 150, кв 25"' in html
    assert "https://2gis.kz/almaty/search/" in html
    assert "https://yandex.kz/maps/" in html


def test_courier_is_not_assigned_to_pickup(browser, make_order, courier):
    order = make_order(properties={"pickup": "Y"})
    html = page(browser, order)
    assert "Самовывоз: курьер не нужен" in html
    assert "courier-full" not in html
    assert "Самовывоз" in post_button(browser, order, "courier", courier=str(courier.pk)).content.decode()
    assert assignment_of(order)[1] is None


def test_courier_is_removed_from_order_that_became_pickup(browser, make_order, courier):
    order = make_order()
    Courier.objects.create(name="Азамат")
    services.assign_courier(order_id=order.pk, courier=courier, actor=None)
    Order.objects.update(is_pickup=True)
    html = page(browser, order)
    assert "Самовывоз: курьер не нужен" in html
    assert f'value="{courier.pk}" selected' in html
    assert "Азамат" not in html
    post_button(browser, order, "courier", courier="", seen=str(courier.pk))
    assert assignment_of(order)[1] is None


def test_panel_hides_phones_and_sums_without_permission(browser_of, make_order, courier):
    order = make_order(properties={"data": "2020-01-01"})
    services.assign_courier(order_id=order.pk, courier=courier, actor=None)
    panel = page(browser_of("orders.view_order"), order).split('id="delivery"')[1].split("</section>")[0]
    for secret in ("123-45-67", "77770001122", "000-11-22", "9\xa0000"):
        assert secret not in panel
    assert "•••\xa04567" in panel
    assert "сумму скажет диспетчер" in panel


# --- many orders


def test_bulk_take_reports_orders_of_other_florists(browser, manager, florist, make_order):
    free, taken = make_order(1001, STATUS_ID="AP"), make_order(1002, STATUS_ID="AP")
    services.take_order(order_id=taken.pk, actor=florist)
    html = run(browser, "take_selected", free, taken).content.decode()
    assert "Взято себе: 1" in html
    assert "№ 1002: Уже взял(а) Айгерим" in html
    assert (assignment_of(free)[0], assignment_of(taken)[0]) == (manager, florist)


@pytest.mark.usefixtures("template_contexts")
def test_bulk_action_assigns_and_removes_florist(browser, florist, make_order):
    User.objects.create_user("gone", is_staff=True, is_active=False, first_name="Уволенная")
    orders = [make_order(1001), make_order(1002)]
    html = run(browser, "assign_florist_to_selected", *orders).content.decode()
    assert "Айгерим" in html
    assert "Уволенная" not in html
    assert run(browser, "assign_florist_to_selected", *orders, apply="1", assignee="").context["form"].errors
    html = run(browser, "assign_florist_to_selected", *orders, apply="1", assignee=str(florist.pk)).content.decode()
    assert "Назначено (Айгерим): 2" in html
    assert [assignment_of(order)[0] for order in orders] == [florist, florist]
    run(browser, "assign_florist_to_selected", *orders, apply="1", assignee="none")
    assert [assignment_of(order)[0] for order in orders] == [None, None]


def test_bulk_action_assigns_notifies_and_removes_courier(browser, make_order, courier):
    Courier.objects.create(name="Уволенный", is_active=False)
    ours, pickup = make_order(1001), make_order(1002, properties={"pickup": "Y"})
    html = run(browser, "assign_courier_to_selected", ours, pickup).content.decode()
    assert "Ерлан" in html
    assert "Уволенный" not in html
    data = {"apply": "1", "assignee": str(courier.pk)}
    html = run(browser, "assign_courier_to_selected", ours, pickup, **data).content.decode()
    assert "Назначено (Ерлан): 1" in html
    assert "№ 1002: Самовывоз" in html
    html = run(browser, "mark_notified_selected", ours, pickup).content.decode()
    assert "заказов: 1" in html
    assert "№ 1002: Курьера ещё нет" in html
    assert (assignment_of(ours), assignment_of(pickup)) == ((None, courier, True), (None, None, False))
    run(browser, "assign_courier_to_selected", ours, apply="1", assignee="none")
    assert assignment_of(ours) == (None, None, False)


def test_bulk_courier_form_links_to_new_courier_when_there_are_none(browser, make_order):
    html = run(browser, "assign_courier_to_selected", make_order()).content.decode()
    assert "Курьеров пока нет" in html
    assert "/crm/orders/courier/add/" in html


def test_bulk_texts_are_grouped_by_courier(browser, browser_of, make_order, courier):
    orders = [make_order(1001), make_order(1002), make_order(1003, properties={"pickup": "Y"})]
    services.assign_courier(order_id=orders[0].pk, courier=courier, actor=None)
    html = run(browser, "courier_texts_of_selected", *orders).content.decode()
    assert html.index("Ерлан") < html.index("Без курьера")
    assert "№ 1003 — самовывоз" in html.replace("\xa0", " ").replace("&nbsp;", " ")
    assert html.count('data-copy-from="sheet-') == 2
    assert html.count('value="mark_notified_selected"') == 1
    reader = browser_of("orders.view_order")
    html = run(reader, "courier_texts_of_selected", *orders).content.decode()
    assert "4567" in html
    assert "123-45-67" not in html
    assert 'value="mark_notified_selected"' not in html


def test_bulk_texts_take_constant_number_of_queries(browser, make_order, courier):
    def cost(orders):
        with CaptureQueriesContext(connection) as queries:
            run(browser, "courier_texts_of_selected", *orders)
        return len(queries)

    orders = [make_order(number) for number in range(1001, 1007)]
    cost(orders[:1])
    assert cost(orders) == cost(orders[:1])


def test_courier_texts_refuse_more_orders_than_the_limit(browser, make_order, monkeypatch):
    from orders.admin.actions import assignment

    monkeypatch.setattr(assignment, "MOST_AT_ONCE", 1)
    answer = run(browser, "courier_texts_of_selected", make_order(1001), make_order(1002))
    assert "не больше заказов" in answer.content.decode()


# --- permissions


def test_reader_can_not_assign_orders(browser_of, make_order, courier):
    order = make_order()
    reader = browser_of("orders.view_order", "orders.view_courier")
    for button in ("take", "release", "florist", "courier", "notified"):
        data = {"courier": str(courier.pk), "notified": "1"}
        assert reader.post(f"{LIST}{order.pk}/{button}/", data).status_code == 403, button
    for action in ACTIONS:
        run(reader, action, order, apply="1", assignee=str(courier.pk))
    assert assignment_of(order) == (None, None, False)
    assert not order.events.exclude(kind=EventKind.CREATED).exists()
    html = page(reader, order)
    assert not [button for button in ("take", "florist", "courier", "notified") if f"{order.pk}/{button}/" in html]


def test_florist_can_take_orders_but_not_assign_them(browser_of, make_order, courier):
    order = make_order(STATUS_ID="AP")
    florist = browser_of("orders.view_order", "orders.make_order")
    for button in ("courier", "florist"):
        assert florist.post(f"{LIST}{order.pk}/{button}/", {"courier": str(courier.pk)}).status_code == 403
    assert f"{order.pk}/florist/" not in page(florist, order)
    run(florist, "assign_courier_to_selected", order, apply="1", assignee=str(courier.pk))
    run(florist, "take_selected", order)
    assert (assignment_of(order)[0] is not None, assignment_of(order)[1]) == (True, None)


def test_permission_to_assign_allows_couriers_but_not_taking(browser_of, make_order, courier):
    order = make_order()
    dispatcher = browser_of("orders.view_order", "orders.assign_order")
    post_button(dispatcher, order, "courier", courier=str(courier.pk))
    post_button(dispatcher, order, "notified", notified="1")
    assert assignment_of(order)[1:] == (courier, True)
    assert dispatcher.post(f"{LIST}{order.pk}/take/").status_code == 403


def test_take_is_refused_without_csrf_token(manager, make_order):
    order = make_order()
    client = Client(enforce_csrf_checks=True)
    client.force_login(manager)
    assert client.post(f"{LIST}{order.pk}/take/").status_code == 403
    assert assignment_of(order)[0] is None


# --- buttons of a row


def dialog(browser, order):
    """Return the dialog with the links of an order, as htmx loads it."""
    answer = browser.get(f"{LIST}{order.pk}/contacts/", headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return answer.content.decode()


def test_dialog_has_links_that_call_recipient_or_customer_of_surprise(browser, make_order):
    order = make_order()
    html = dialog(browser, order)
    for part in ('href="tel:+77011234567"', "https://wa.me/77011234567", "https://2gis.kz/almaty/search/",
                 "https://yandex.kz/maps/?text=", 'data-copy="Алматы, ул. Абая 150, кв 25"',
                 "Позвонить получателю"):  # fmt: skip
        assert part in html, part
    Order.objects.update(is_surprise=True)
    html = dialog(browser, order)
    assert 'href="tel:+77771234567"' in html
    assert "+77011234567" not in html
    assert "Позвонить клиенту" in html


def test_dialog_has_links_for_each_phone(browser, make_order):
    html = dialog(browser, make_order(properties={"phoneRecipient": "87011234567, 87027654321"}))
    for part in ('href="tel:+77011234567"', 'href="tel:+77027654321"', "https://wa.me/77027654321", "+7 702 765-43-21"):
        assert part in html, part


def test_dialog_has_no_phone_without_permission_for_phones(make_order, browser_of):
    order = make_order(properties={"addressRecipient": ""})
    html = dialog(browser_of("orders.view_order"), order)
    assert "tel:" not in html
    assert "wa.me" not in html
    assert "Адрес неизвестен." in html
    assert browser_of().get(f"{LIST}{order.pk}/contacts/").status_code == 403


def test_take_button_is_shown_only_for_open_order_without_florist(browser, browser_of, make_order, florist):
    # The next step of an order with a problem or of one in the stage "waiting" is not to take it.
    order, closed = make_order(STATUS_ID="AP"), make_order(1002, STATUS_ID="DE")
    Status.objects.filter(code="accepted").update(stage=Stage.WAITING)

    def may_take(client, which):
        page = client.get(LIST, {"preset": "all"}).content.decode()
        return f'formaction="{LIST}{which.pk}/take/"' in page

    assert may_take(browser, order)
    assert not may_take(browser, closed)
    assert not may_take(browser_of("orders.view_order"), order)
    Order.objects.update(responsible=florist)
    assert not may_take(browser, order)
