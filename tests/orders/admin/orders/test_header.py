"""Tests of the header of an order's page: contents, buttons, redirects and permissions."""

import html as html_module
import io
import re
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from bitrix_bridge.models import Push
from orders import services
from orders.models import Courier, EventKind, Order, OrderEvent, OrderNote, Reason, SyncState
from tests.orders.admin.conftest import LIST, change_url, numbers
from tests.orders.photos.pictures import picture
from tests.page_forms import read_form


def address(order, name):
    return f"{LIST}{order.pk}/{name}/"


def head(browser, order, **query):
    """Return the HTML above the sections beside the form: the head and the blocks of values."""
    return browser.get(change_url(order), query).content.decode().split('class="crm-side"')[0]


def messages_of(answer):
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


# --- contents


def test_header_shows_delivery_contacts_sum_and_sync_time(browser, make_order):
    today = timezone.localdate()
    order = make_order(properties={"data": str(today), "anonim": "Y"}, SUM_PAID="2000")
    Order.objects.filter(pk=order.pk).update(is_surprise=True, is_anonymous=True)
    html = head(browser, order)
    at = timezone.localtime(order.events.get().happened_at)
    for text in (
        "сегодня", "2gis.kz/almaty/search/", "yandex.kz/maps/?text=", "https://wa.me/77771234567", "доплат",
        f"на сайте с {at:%H:%M}", "аноним", "сюрприз, не звонить", "9\xa0000\xa0₸",
    ):  # fmt: skip
        assert text in html, text


def test_recipient_phone_is_link_unless_order_is_surprise(browser, make_order):
    order = make_order()
    html = head(browser, order)
    assert 'href="tel:+77011234567"' in html
    assert "https://wa.me/77011234567" in html
    Order.objects.update(is_surprise=True)
    html = head(browser, order)
    assert "tel:+77011234567" not in html
    assert "wa.me/77011234567" not in html
    assert re.search(r"\+7 701 123-45-67 <span[^>]*>не звонить", html)
    assert 'href="tel:+77771234567"' in html
    assert "https://wa.me/77771234567" in html


def test_map_links_contain_building_without_flat_and_phone(browser, make_order):
    order = make_order(properties={"addressRecipient": "Абая 150, кв 25, тел 87055556677"})
    html = browser.get(change_url(order)).content.decode()
    asked = [unquote(url) for url in re.findall(r'href="(https://(?:2gis|yandex)[^"]*)"', html)]
    assert len(asked) == 2
    assert all("Абая 150" in url for url in asked)
    assert not [url for url in asked if "25" in url or "5556677" in url]


def test_header_shows_lateness_of_late_order(browser, make_order):
    order = make_order(properties={"data": "2025-08-25"})
    assert re.search(r"crm-lateness-late.*опоздание \d+ д", head(browser, order), re.S)


# --- the next step


def test_next_step_changes_status_with_undo_button(browser, make_order, manager, hold_clock):
    order = make_order()
    assert 'name="step" value="accept"' in head(browser, order)
    answer = browser.post(address(order, "next"), {"step": "accept", "seen": "new", "next": f"{LIST}?q=122183"})
    assert (answer.status_code, answer["Location"]) == (302, f"{LIST}?q=122183")
    order.refresh_from_db()
    event = order.events.first()
    assert (order.status_id, event.kind, event.actor) == ("accepted", EventKind.STATUS, manager)
    assert "/undo/" in browser.get(LIST).content.decode()


def test_next_step_reports_colleague_who_set_status_first(browser, make_order, manager):
    order = make_order()
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    answer = browser.post(address(order, "next"), {"step": "accept", "seen": "new"}, follow=True)
    assert re.search(r"уже «Принят»: Данияр, \d\d:\d\d", messages_of(answer))
    assert order.events.filter(kind=EventKind.STATUS).count() == 1


def test_next_step_is_refused_when_status_has_changed(browser, make_order):
    order = make_order()
    services.change_status(order_id=order.pk, status="declined", actor=None)
    answer = browser.post(address(order, "next"), {"step": "accept", "seen": "new"}, follow=True)
    assert "Тем временем заказ стал «Отклонён»" in messages_of(answer)
    order.refresh_from_db()
    assert order.status_id == "declined"


def test_next_step_is_refused_when_status_is_not_next(browser, make_order):
    order = make_order()
    for step in ("deliver", "ready", "courier", "finished", ""):
        answer = browser.post(address(order, "next"), {"step": step}, follow=True)
        assert "Это не следующий шаг заказа" in messages_of(answer)
    order.refresh_from_db()
    assert order.status_id == "new"


def test_next_step_refreshes_htmx_page_and_ignores_foreign_redirect(browser, make_order):
    order = make_order()
    answer = browser.post(address(order, "next"), {"step": "accept"}, headers={"HX-Request": "true"})
    assert answer.headers["HX-Refresh"] == "true"
    answer = browser.post(address(order, "next"), {"step": "accept", "next": "https://evil.example/"})
    assert answer["Location"] == change_url(order)


# --- problems


def test_problem_is_reported_and_solved_by_buttons(browser, make_order):
    order = make_order()
    page = f"{change_url(order)}?timeline=all"
    answer = browser.post(address(order, "problem"), {"reason": "no_address", "text": "нет подъезда", "next": page})
    assert answer["Location"] == page
    html = head(browser, order)
    assert re.search(r"Нет адреса: нет подъезда.*Данияр, \d\d:\d\d", html, re.S)
    assert address(order, "solved") in html
    assert address(order, "problem") not in html
    assert "Нет адреса: нет подъезда" in browser.get(f"{LIST}?q=122183").content.decode()

    browser.post(address(order, "solved"), {"comment": "уточнили"})
    order.refresh_from_db()
    assert order.problem == ""
    html = browser.get(change_url(order)).content.decode()
    assert "уточнили" in html
    assert "Проблема решена" in html
    assert address(order, "problem") in html


def test_other_problem_requires_text(browser, make_order):
    order = make_order()
    assert "Напишите, в чём проблема" in messages_of(
        browser.post(address(order, "problem"), {"reason": "other"}, follow=True)
    )
    browser.post(address(order, "problem"), {"reason": "other", "text": "Собака"})
    order.refresh_from_db()
    assert order.problem == "Собака"


# --- sending again


def test_refused_order_is_sent_again_by_button(browser, make_order, manager):
    order = make_order()
    assert address(order, "send-again") not in head(browser, order)
    services.edit_order(order_id=order.pk, changes={"recipient_name": "Анна"}, actor=None)
    push = Push.objects.get()
    services.record_refused(order_id=order.pk, push_id=push.pk, reason=Reason.GAVE_UP, message="Сайт отвечает 503")
    Push.objects.update(state="failed")
    html = head(browser, order)
    assert "сайт отказал: Сайт отвечает 503" in html
    assert address(order, "send-again") in html

    browser.post(address(order, "send-again"))
    order.refresh_from_db()
    assert order.sync_state == SyncState.PENDING
    assert Push.objects.filter(state="pending").count() == 1
    event = order.events.first()
    assert (event.reason, event.actor) == (Reason.SENT_AGAIN, manager)


# --- notes


def test_note_is_added_without_saving_order_form(browser, make_order, manager):
    order = make_order()
    answer = browser.post(address(order, "notes"), {"text": "Позвонить <b>завтра</b>"}, headers={"HX-Request": "true"})
    html = answer.content.decode()
    assert html.startswith("\n<section")
    assert "Позвонить &lt;b&gt;завтра" in html
    assert "Данияр" in html
    assert OrderNote.objects.get().author == manager
    browser.post(address(order, "notes"), {"text": "Вторая"})
    html = browser.get(change_url(order)).content.decode()
    assert html.index("Вторая") < html.index("Позвонить &lt;b&gt;завтра")


def test_refused_note_keeps_typed_text(browser, make_order):
    text = "я" * 5001
    answer = browser.post(address(make_order(), "notes"), {"text": text}, headers={"HX-Request": "true"})
    assert text in answer.content.decode()
    assert "Введён 5\xa0001 знак, допустимо 5\xa0000: лишние 1" in answer.content.decode()


def test_typed_note_is_added_when_order_is_saved(browser, make_order, save):
    order = make_order()
    html = save(order, recipient_phone="12", note_text="Не забыть").content.decode()
    assert "Не забыть</textarea>" in html
    assert save(order, recipient_name="Анна", note_text="Не забыть").status_code == 302
    assert OrderNote.objects.get().text == "Не забыть"


# --- back to the list


def test_saving_redirects_to_list_with_its_filters(browser, make_order):
    order, _other = make_order(122183), make_order(122184)
    html = browser.get(LIST, {"q": "122183"}).content.decode()
    link = html_module.unescape(re.search(rf'href="([^"]*{order.pk}/change/[^"]*)"', html)[1])
    assert "_changelist_filters=" in link
    page = browser.get(link).content.decode()
    back = html_module.unescape(re.search(r'crm-to-list"><a class="crm-link" href="([^"]*)"', page)[1])
    assert numbers(browser.get(back).content) == ["122183"]
    saved = browser.post(link, read_form(page, "order_form"))
    assert saved["Location"] == back


def posted(html):
    """Return the URL and the `next` values of each form of a page, without the form of the order itself."""
    found = re.findall(r'<form(?![^>]*id="order_form")([^>]*method="post"[^>]*)>(.*?)</form>', html, re.S)
    return {
        (action[1] if (action := re.search(r'action="([^"]*)"', tag)) else ""): re.findall(
            r'name="next" value="([^"]*)"', inner
        )
        for tag, inner in found
        if 'target="_blank"' not in tag and "/logout/" not in tag
    }


def test_every_button_redirects_back_to_page_with_filters(browser, make_order, manager):
    order = make_order(STATUS_ID="AP")
    url = f"{change_url(order)}?_changelist_filters=preset%3Dmine%26p%3D2"
    content = picture()
    services.add_photo(order_id=order.pk, upload=io.BytesIO(content), size=len(content), actor=manager)
    found = posted(browser.get(url).content.decode())
    services.make_photo_link(order_id=order.pk, actor=manager)
    services.report_problem(order_id=order.pk, reason="Нет адреса", actor=manager)
    services.take_order(order_id=order.pk, actor=manager)
    courier = Courier.objects.create(name="Ерлан")
    services.assign_courier(order_id=order.pk, courier=courier, actor=manager)
    services.mark_ready(order_id=order.pk, actor=manager)
    Order.objects.update(sync_state=SyncState.FAILED)
    found |= posted(browser.get(url).content.decode())
    Push.objects.update(state="delivered")
    Order.objects.update(sync_state=SyncState.PENDING)
    services.record_site_status(order_id=order.pk, site_status="DE", version=7, push_id=Push.objects.first().pk)
    found |= posted(browser.get(url).content.decode())

    names = {action.split("/")[5] for action in found if str(order.pk) in action}
    assert names >= {"remake", "release", "florist", "courier", "notified", "photos", "photo-link", "next", "problem",
                     "solved", "send-again", "apply-pending-change", "accept-site", "notes"}  # fmt: skip
    strays = {action: back for action, back in found.items() if [one.split("#")[0] for one in back] != [url]}
    assert not strays
    for name in ("take", "apply-pending-change"):
        assert browser.post(address(order, name), {"next": url})["Location"] == url


def test_link_to_whole_timeline_keeps_filters(browser, make_order):
    order = make_order()
    OrderEvent.objects.bulk_create(OrderEvent(order=order, kind=EventKind.NOTED, source="system") for _ in range(101))
    html = browser.get(change_url(order), {"_changelist_filters": "preset=mine"}).content.decode()
    link = html_module.unescape(re.search(r'href="(\?[^"]*timeline=all[^"]*)"', html)[1])
    assert parse_qs(urlsplit(link).query) == {"_changelist_filters": ["preset=mine"], "timeline": ["all"]}


# --- others


@pytest.mark.parametrize("name", ["next", "problem", "solved", "send-again", "notes", "here"])
def test_buttons_require_post_permission_and_existing_order(browser, browser_of, make_order, name):
    order = make_order()
    Order.objects.filter(pk=order.pk).update(sync_state=SyncState.FAILED, problem="Нет адреса")
    data = {"step": "accept", "reason": "no_flower", "text": "Текст"}
    assert browser.get(address(order, name)).status_code == 405
    reader = browser_of("orders.view_order")
    if name != "here":
        assert reader.post(address(order, name), data).status_code == 403
        assert address(order, name) not in reader.get(change_url(order)).content.decode()
    assert browser_of("orders.view_customer").post(address(order, name), data).status_code == 403
    missing = address(order, name).replace(str(order.pk), "00000000-0000-0000-0000-000000000000")
    assert browser.post(missing, data).status_code == 404
    order.refresh_from_db()
    assert (order.status_id, order.problem, order.sync_state) == ("new", "Нет адреса", SyncState.FAILED)
    assert not OrderNote.objects.exists()


@pytest.mark.parametrize("name", ["next", "problem", "notes"])
def test_permission_for_statuses_allows_step_problem_and_note(browser_of, make_order, name):
    order = make_order()
    florist = browser_of("orders.view_order", "orders.change_order_status")
    data = {"step": "accept", "reason": "no_flower", "text": "Текст"}
    assert florist.post(address(order, name), data).status_code == 302
    order.refresh_from_db()
    assert (order.status_id, order.problem, order.notes.count()) == {
        "next": ("new", "", 0),  # only a manager accepts orders with one tap
        "problem": ("new", "Нет цветка: Текст", 0),
        "notes": ("new", "", 1),
    }[name]


def test_page_hides_phones_and_sums_without_permission(browser_of, make_order, manager):
    order = make_order(properties={"data": "2025-08-25", "phoneRecipient": "+77011234567"}, PRICE="9123")
    make_order(122199, PRICE="8777", properties={"data": "2025-08-25"})
    services.edit_order(
        order_id=order.pk, changes={"recipient_phone": "+77019998877", "total_amount": 9321}, actor=manager
    )
    clerk = browser_of("orders.view_order", "orders.change_order")
    page = clerk.get(change_url(order))
    html = page.content.decode()
    for text in ("7011234567", "701 123", "701\xa0123", "9998877", "999-88-77", "7771234567", "9123", "9\xa0123",
                 "9321", "9\xa0321", "8\xa0777", "7500", "7\xa0500"):  # fmt: skip
        assert text not in html, text
    assert "•••\xa08877" in html
    form = read_form(html, "order_form")
    assert not {"recipient_phone", "total_amount", "customer", "items-0-price", "items-0-quantity"} & set(form)
    assert clerk.post(change_url(order), {**form, "recipient_name": "Анна", "recipient_phone": "1"}).status_code == 302
    order.refresh_from_db()
    assert (order.recipient_name, order.recipient_phone) == ("Анна", "+77019998877")
    assert (order.total_amount, order.items.get().price) == (9321, 7821)
