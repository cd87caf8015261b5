"""Tests of the customer's page, which is opened by a secret link, and of the customer's answers."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from bitrix_bridge.models import Push
from notifications.models import TelegramMessage
from notifications.rendering import preview
from orders import services
from orders.models import Order, PhotoApproval
from orders.photos.links import photo_token
from orders.public.approval_page import ApprovalThrottle
from orders.rules.photo_state import photo_state
from orders.services import NotAllowedError
from tests.orders.admin.conftest import change_url
from tests.visible_text import latin_words, visible_texts

pytestmark = pytest.mark.django_db


def answer(customer, link, **data):
    """Post an answer with the hidden fields of the page's form, like a browser, and return the response."""
    form = customer.get(link).content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
    hidden.pop("answer", None)
    return customer.post(link, {**hidden, **data})


def last_event(order):
    return order.events.filter(kind="photo_answered").first()


def test_page_shows_photo_and_no_private_data(customer, order, photo, link, django_assert_num_queries):
    with django_assert_num_queries(2):
        page = customer.get(link)
    html = page.content.decode()
    assert (page.status_code, "Ваш букет готов" in html, html.count("<img")) == (200, True, 1)
    with django_assert_num_queries(2):
        picture = customer.get(f"{link}{photo.pk}/full.jpg")
    assert picture["Content-Type"] == "image/jpeg"
    assert b"".join(picture.streaming_content) == photo.image.read()
    for response in (page, picture):
        assert "no-store" in response["Cache-Control"]
        assert response["X-Robots-Tag"].startswith("noindex")
        assert response["Referrer-Policy"] == "same-origin"
    customer_of = order.customer
    private = [order.order_number, str(order.pk), str(order.bitrix_order_id), order.recipient_name, "Абая",
               "+77011234567", "123-45-67", "1234567", customer_of.name, customer_of.phone, "9 000", "9000", "9\xa0000",
               "Стандарт", "мама", "лилий", "manager", "Данияр", "/crm/"]  # fmt: skip
    shown = re.sub(re.escape(link) + '|csrfmiddlewaretoken[^>]*>|name="seen"[^>]*>', "", html)
    assert not [text for text in private if text in shown]
    assert not [text for text in visible_texts(html) if set(latin_words(text)) - {"CVETYKZ"}]


def test_links_and_sessions_stay_valid_while_the_key_is_replaced(customer, browser, link, settings):
    old, settings.SECRET_KEY = settings.SECRET_KEY, "made up after the first one was printed"
    assert customer.get(link).status_code == 404
    settings.SECRET_KEY_FALLBACKS = [old]
    assert (customer.get(link).status_code, browser.get("/crm/").status_code) == (200, 200)
    settings.SECRET_KEY_FALLBACKS = []  # the session has got a new hash in between
    assert (customer.get(link).status_code, browser.get("/crm/").status_code) == (404, 200)


def test_approval_is_recorded_and_sent_to_telegram(customer, browser, order, link, settings):
    settings.TELEGRAM_NOTIFICATIONS_ENABLED, settings.TELEGRAM_BOT_TOKEN = True, "1:made-up"
    settings.TELEGRAM_CHAT_ID = "-100"
    TelegramMessage.objects.all().delete()
    response = answer(customer, link, answer="liked")
    assert (response.status_code, response["Location"]) == (302, link)
    assert "Очень рады" in customer.get(link).content.decode()

    event = last_event(order)
    assert (event.source, event.actor, event.details) == ("customer", None, {"answer": "liked"})
    order.refresh_from_db()
    assert order.problem == ""
    message = TelegramMessage.objects.get()
    assert (message.kind, message.chat_id, message.state) == ("photo", "-100", "pending")
    assert f"❤️ Клиенту понравился букет: заказ №\xa0{order.order_number}" in preview(message)
    assert not Push.objects.exists()
    assert "Клиенту нравится" in browser.get(change_url(order)).content.decode()


def test_request_to_redo_is_a_problem_until_approval(customer, browser, order, link, add, settings):
    settings.TELEGRAM_NOTIFICATIONS_ENABLED, settings.TELEGRAM_BOT_TOKEN = True, "1:made-up"
    settings.TELEGRAM_CHAT_ID = "-100"
    TelegramMessage.objects.all().delete()
    evil = "<script>alert(1)</script> больше роз"
    assert answer(customer, link, answer="redo", comment=evil).status_code == 302
    order.refresh_from_db()
    assert order.problem == f"Клиент просит переделать: {evil}"
    text = preview(TelegramMessage.objects.get())
    assert "✋ Клиент просит переделать букет" in text
    for html in (customer.get(link).content.decode(), browser.get(change_url(order)).content.decode(), text):
        assert "больше роз" in html
        assert "<script>alert" not in html

    add(order)
    assert "Ваш букет готов" in customer.get(link).content.decode()
    answer(customer, link, answer="liked")
    order.refresh_from_db()
    assert order.problem == ""
    assert [change["field"] for change in last_event(order).changes] == ["problem"]
    assert TelegramMessage.objects.count() == 2


def test_problem_reported_by_staff_is_kept_after_answers(customer, order, link):
    Order.objects.update(problem="нет адреса")
    answer(customer, link, answer="redo", comment="без лент")
    answer(customer, link, answer="liked")
    order.refresh_from_db()
    assert (order.problem, last_event(order).details) == ("нет адреса", {"answer": "liked"})


def test_answer_can_be_changed_and_repetition_is_not_recorded(customer, order, link):
    for _ in range(2):
        answer(customer, link, answer="liked")
    answer(customer, link, answer="redo", comment="другую ленту")
    assert order.events.filter(kind="photo_answered").count() == 2
    approval = PhotoApproval.objects.get()
    assert (approval.answer, approval.comment) == ("redo", "другую ленту")
    PhotoApproval.objects.update(answers=10)
    refused = answer(customer, link, answer="liked")
    assert (refused.status_code, "Позвоните нам" in refused.content.decode()) == (422, True)


@pytest.mark.parametrize(("comment", "words"), [("  ", "что изменить"), ("ы" * 501, "не больше 500")])
def test_request_to_redo_requires_comment_of_limited_length(customer, order, link, comment, words):
    refused = answer(customer, link, answer="redo", comment=comment)
    assert (refused.status_code, words in refused.content.decode()) == (422, True)
    assert comment.strip() in refused.content.decode()
    assert last_event(order) is None


def test_answer_to_replaced_photo_is_refused(customer, order, photo, link, add):
    page = customer.get(link).content.decode()
    form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    services.withdraw_photo(photo_id=photo.pk, actor=None)
    newer = add(order)
    refused = customer.post(link, {**form, "answer": "liked"})
    assert (refused.status_code, "Фото только что обновилось" in refused.content.decode()) == (422, True)
    assert str(newer.pk) in refused.content.decode()
    assert str(photo.pk) not in refused.content.decode()
    assert last_event(order) is None


def test_answer_from_outdated_window_is_refused(customer, order, link):
    """The customer asks for a change in one window, and approves in a second window that still shows the form."""
    page = customer.get(link).content.decode()
    old = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    answer(customer, link, answer="redo", comment="без лент")
    refused = customer.post(link, {**old, "answer": "liked"})
    assert (refused.status_code, "в другом окне" in refused.content.decode()) == (422, True)
    assert PhotoApproval.objects.get().answer == "redo"
    again = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', refused.content.decode()))
    assert customer.post(link, {**again, "answer": "liked"}).status_code == 302
    assert PhotoApproval.objects.get().answer == "liked"
    # Pressing the same button twice changes nothing and is not an error.
    assert customer.post(link, {**again, "answer": "liked"}).status_code == 302


def test_service_compares_seen_photos_after_locking_order(order, photo, link, add):
    """The photos may change between the request and the lock of the order."""
    token, seen = link.split("/")[2], [photo.pk]
    newer = add(order)
    with pytest.raises(NotAllowedError, match="Фото только что обновилось"):
        services.answer_photos(token=token, seen=seen, liked=True)
    assert last_event(order) is None
    assert services.answer_photos(token=token, seen=[newer.pk, photo.pk], liked=True).answer == "liked"


@pytest.mark.parametrize("said", [{"answer": "liked"}, {"answer": "redo", "comment": "без лент"}])
def test_answer_counts_only_for_seen_photos(customer, order, photo, link, add, said):
    def state_of_page():
        html = customer.get(link).content.decode()
        state = photo_state(Order.objects.get(pk=order.pk))
        return state, "<h1>Ваш букет готов" in html, "Спасибо" in html

    answer(customer, link, **said)
    assert state_of_page() == (said["answer"], False, True)
    second = add(order)
    assert state_of_page() == ("sent", True, False)
    answer(customer, link, **said)
    services.withdraw_photo(photo_id=second.pk, actor=None)
    assert state_of_page() == ("sent", True, False)
    answer(customer, link, **said)
    services.withdraw_photo(photo_id=photo.pk, actor=None)
    assert state_of_page() == ("withdrawn", False, False)
    add(order)
    assert state_of_page() == ("sent", True, False)


def test_problem_shows_customer_as_author(customer, browser, order, link, manager):
    services.report_problem(order_id=order.pk, reason="Нет адреса", actor=manager)
    services.solve_problem(order_id=order.pk, actor=manager)
    answer(customer, link, answer="redo", comment="без лент")
    said = re.search(r"crm-problem.*?</p>", browser.get(change_url(order)).content.decode(), re.S)[0]
    at = timezone.localtime(last_event(order).happened_at)
    assert f"клиент, {at:%H:%M}" in said
    assert "Данияр" not in said


def test_page_without_photos_has_no_answer_buttons(customer, order, photo, link):
    services.withdraw_photo(photo_id=photo.pk, actor=None)
    html = customer.get(link).content.decode()
    assert ("Делаем новое фото" in html, "<button" in html, str(photo.pk) in html) == (True, False, False)


def test_all_invalid_links_get_same_response(customer, order, photo, link, make_order, add, manager):
    def response_of(path):
        response = customer.get(path)
        return response.status_code, response.content, response["Cache-Control"]

    token = link.split("/")[2]
    unknown = response_of("/p/nonsense/")
    assert (unknown[0], "Ссылка больше не действует" in unknown[1].decode()) == (404, True)
    swapped = token[:5] + ("A" if token[5] != "A" else "B") + token[6:]
    assert [response_of(f"/p/{bad}/") for bad in (swapped, token[:-1], token + "x", "a.b")] == [unknown] * 4
    # The link must not show a photo of a different order.
    foreign = add(make_order(122199))
    assert response_of(f"{link}{foreign.pk}/full.jpg") == unknown

    approval = PhotoApproval.objects.get()
    for broken in ({"expires_at": timezone.now()}, {"nonce": ""}, {"nonce": "0" * 32}):
        PhotoApproval.objects.update(**broken)
        assert response_of(link) == response_of(f"{link}{photo.pk}/full.jpg") == unknown
        with pytest.raises(services.LinkExpiredError):
            services.answer_photos(token=token, seen=[photo.pk], liked=True)
        PhotoApproval.objects.update(expires_at=approval.expires_at, nonce=approval.nonce)
    assert customer.get(link).status_code == 200
    Order.objects.filter(pk=order.pk).update(is_deleted_on_site=True)
    assert response_of(link) == unknown
    assert last_event(order) is None


def test_link_expires_after_days_of_settings(order, photo, manager, settings):
    settings.PHOTO_LINK_DAYS = 5
    approval = services.make_photo_link(order_id=order.pk, actor=manager)
    left = approval.expires_at - timezone.now()
    assert timedelta(days=4, hours=23) < left <= timedelta(days=5)
    assert approval.nonce not in photo_token(approval)


def test_answer_is_refused_without_csrf_token(customer, order, link):
    customer.get(link)
    assert customer.post(link, {"answer": "liked"}).status_code == 403
    assert Client(enforce_csrf_checks=True).post(link, {"answer": "liked"}).status_code == 403
    assert last_event(order) is None


def test_ip_address_is_throttled_after_failed_tokens(customer, link, monkeypatch):
    monkeypatch.setattr(ApprovalThrottle, "rate", "3/min")
    assert [customer.get(f"/p/guess{number}/").status_code for number in range(3)] == [404] * 3
    refused = customer.get(link)
    assert (refused.status_code, int(refused["Retry-After"]) > 0) == (429, True)
    assert "Минутку" in refused.content.decode()
    assert customer.get(link, REMOTE_ADDR="10.0.0.9").status_code == 200
