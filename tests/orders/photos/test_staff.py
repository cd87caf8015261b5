"""Tests of photos on the order's page: adding, viewing and withdrawing them, and the customer's link."""

import errno
import io
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from bitrix_bridge.models import Push
from notifications.models import TelegramMessage
from orders import services
from orders.exceptions import NotAllowedError
from orders.models import Customer, Order, OrderPhoto, PhotoApproval
from orders.selectors import counts
from orders.services import photos as photo_services
from tests.orders.admin.conftest import LIST, change_url
from tests.orders.photos.conftest import stored_files
from tests.orders.photos.pictures import phone_photo, picture
from tests.visible_text import visible_texts

pytestmark = pytest.mark.django_db

PHOTOGRAPHER = ("orders.view_order", "orders.add_orderphoto")


def url(name, order, *keys):
    return reverse(f"admin:orders_order_{name}", args=[order.pk, *keys])


def file(content=None, name="IMG_0042.jpg"):
    return SimpleUploadedFile(name, picture() if content is None else content, "image/jpeg")


def kinds(order):
    return list(order.events.order_by("happened_at").values_list("kind", flat=True))


def page(browser, order):
    return browser.get(change_url(order)).content.decode()


def test_added_photo_is_shrunk_without_metadata_and_on_timeline(browser, order, manager):
    before = stored_files()
    answer = browser.post(url("add_photos", order), {"photo": [file(phone_photo((3000, 2000)))]})
    assert (answer.status_code, answer["Location"]) == (302, f"{change_url(order)}#crm-photos")

    photo = order.photos.get()
    assert (photo.author, photo.width, photo.height) == (manager, 1333, 2000)
    assert b"Secret" not in photo.image.read()
    assert stored_files() - before == {photo.image.name, photo.thumbnail.name}
    assert "IMG" not in photo.image.name
    assert len(photo.image.name.rsplit("/", 1)[1]) > 30
    event = order.events.get(kind="photo_added")
    assert (event.actor, event.details) == (manager, {"photo": str(photo.pk)})
    html = page(browser, order)
    # One picture is on the panel, and one is on the timeline.
    assert html.count(reverse("admin:orders_orderphoto_small", args=[photo.pk])) == 2
    assert "Добавлено фото" in html


def test_upload_of_several_files_names_the_invalid_one(browser, order):
    answer = browser.post(url("add_photos", order), {"photo": [file(), file(b"no", "план.jpg"), file()]}, follow=True)
    assert order.photos.count() == 2
    assert "план.jpg: Это не фото" in answer.content.decode()


def test_script_gets_panel_and_refusal_as_json(browser, order):
    json = {"Accept": "application/json"}
    answer = browser.post(url("add_photos", order), {"photo": [file()]}, headers=json)
    assert (answer.status_code, answer.json()["said"]) == (200, "Добавлено 1 фото.")
    assert str(order.photos.get().pk) in answer.json()["panel"]
    answer = browser.post(url("add_photos", order), {"photo": [file(b"no")]}, headers=json)
    assert (answer.status_code, answer.json()["said"]) == (422, "")
    assert "Это не фото" in answer.json()["refused"]
    assert browser.post(url("add_photos", order), headers=json).json()["refused"] == "Сначала выберите фото."
    missing = url("add_photos", order).replace(str(order.pk), str(uuid4()))
    assert [browser.post(missing, headers=kind).status_code for kind in (json, {})] == [404, 404]


def test_forms_of_json_panel_redirect_to_same_page(browser, order):
    here = f"{change_url(order)}?_changelist_filters=preset%3Dmine#crm-photos"
    data = {"photo": [file()], "next": here}
    panel = browser.post(url("add_photos", order), data, headers={"Accept": "application/json"}).json()["panel"]
    assert panel.count("<form") == panel.count(f'name="next" value="{here}"') == 3
    assert browser.post(url("photo_link", order), {"do": "make", "next": here})["Location"] == here


@pytest.mark.parametrize("written", [0, 1], ids=["the picture does not fit", "the small picture does not fit"])
def test_full_disk_is_507_and_leaves_no_file(browser, order, monkeypatch, written):
    before, files = stored_files(), []
    backend: Any = type(storages["default"])
    original = backend._save

    def save(storage, name, content):
        files.append(name)
        if len(files) > written:
            original(storage, name, ContentFile(content.read()[:10]))  # what fits
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(storage, name, content)

    monkeypatch.setattr(backend, "_save", save)
    answer = browser.post(url("add_photos", order), {"photo": [file(), file()]}, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["refused"]) == (
        507,
        "Диск CRM переполнен: сообщите администратору.",
    )
    assert (stored_files(), order.photos.count(), len(files)) == (before, 0, written + 1)


def test_order_has_limited_number_of_photos(order, add, monkeypatch):
    monkeypatch.setattr(photo_services, "MOST_PHOTOS", 2)
    first = add(order)
    add(order)
    before = stored_files()
    with pytest.raises(NotAllowedError, match="не больше 2"):
        add(order)
    # The limit may be reached while a picture is being read. The files of this picture must then be deleted.
    asked = []
    monkeypatch.setattr(photo_services, "_check_photo_count", lambda order: asked.append(1) or 1 / (2 - len(asked)))
    with pytest.raises(ZeroDivisionError):
        add(order)
    assert (stored_files(), order.photos.count()) == (before, 2)
    monkeypatch.undo()
    services.withdraw_photo(photo_id=first.pk, actor=None)
    monkeypatch.setattr(photo_services, "MOST_PHOTOS", 2)
    assert add(order)


@pytest.mark.parametrize("size", ["full", "small"])
def test_staff_get_picture_that_browser_must_revalidate(browser_of, photo, size):
    reader = browser_of("orders.view_order")
    address = reverse(f"admin:orders_orderphoto_{size}", args=[photo.pk])
    answer = reader.get(address)
    assert Image.open(io.BytesIO(b"".join(answer.streaming_content))).format == "JPEG"
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["Content-Disposition"].startswith("inline")
    assert (answer["X-Content-Type-Options"], answer["Cache-Control"]) == ("nosniff", "private, no-cache")
    assert reader.get(address, headers={"If-None-Match": answer["ETag"]}).status_code == 304

    assert browser_of("orders.view_customer").get(address).status_code == 403
    stranger = Client().get(address)
    assert (stranger.status_code, stranger["Location"].split("?")[0]) == (302, "/crm/login/")


def test_withdrawal_removes_photo_and_its_files(browser, order, photo, link, django_capture_on_commit_callbacks):
    assert {photo.image.name, photo.thumbnail.name} <= stored_files()
    with django_capture_on_commit_callbacks(execute=True):
        browser.post(url("withdraw_photo", order, photo.pk), {"reason": "не тот букет"})
    assert not {photo.image.name, photo.thumbnail.name} & stored_files()
    address = reverse("admin:orders_orderphoto_full", args=[photo.pk])
    assert browser.get(address).status_code == 404
    assert Client().get(f"{link}{photo.pk}/full.jpg").status_code == 404
    html = page(browser, order)
    assert address not in html
    assert "не тот букет" in html
    browser.post(url("withdraw_photo", order, photo.pk))  # the manager taps the button a second time
    assert kinds(order).count("photo_withdrawn") == 1


def test_rolled_back_withdrawal_keeps_files(order, photo, monkeypatch):
    monkeypatch.setattr(photo_services, "publish", lambda change: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        services.withdraw_photo(photo_id=photo.pk, actor=None)
    photo.refresh_from_db()
    assert not photo.is_withdrawn
    assert photo.image.name in stored_files()


def test_photo_of_another_order_is_not_withdrawn(browser, make_order, photo):
    other = make_order(122184)
    assert browser.post(url("withdraw_photo", other, photo.pk)).status_code == 404
    photo.refresh_from_db()
    assert not photo.is_withdrawn


def test_photo_buttons_require_permission_to_add_photos(browser_of, order, photo):
    requests = [
        (url("add_photos", order), {"photo": [file()]}),
        (url("withdraw_photo", order, photo.pk), {}),
        (url("photo_link", order), {"do": "make"}),
    ]
    reader, photographer = browser_of("orders.view_order"), browser_of(*PHOTOGRAPHER)
    blind = browser_of("orders.add_orderphoto")
    for address, data in requests:
        assert reader.post(address, data).status_code == blind.post(address, data).status_code == 403
        assert Client().post(address, data)["Location"].startswith("/crm/login/")
        assert photographer.get(address).status_code == 405
    assert "Сфотографировать" not in page(reader, order)
    assert (order.photos.count(), PhotoApproval.objects.count()) == (1, 0)
    html = page(photographer, order)
    assert "Сфотографировать" in html
    for address, data in reversed(requests):
        if "photo" in data:
            data = {"photo": [file()]}
        assert photographer.post(address, data).status_code == 302
    assert kinds(order)[-3:] == ["photo_link", "photo_withdrawn", "photo_added"]


def test_whatsapp_button_of_link_requires_permission_for_phones(browser, browser_of, order, link):
    html = page(browser, order)
    assert f"http://localhost:8001{link}" in html
    assert re.search(rf'data-copy="[^"]*{re.escape(link)}"\s+data-copied="Скопировано" data-failed=', html)
    assert "https://wa.me/77771234567?text=%D0%97%D0%B4" in html
    hidden = page(browser_of(*PHOTOGRAPHER), order)
    assert link in hidden
    assert "wa.me" not in hidden
    assert link not in page(browser_of("orders.view_order"), order)
    Customer.objects.update(phone="неизвестно")
    Order.objects.update(contact_phone="неизвестно")
    assert "wa.me/77771234567" not in page(browser, order)


def test_link_is_refused_without_photos(browser, order):
    answer = browser.post(url("photo_link", order), {"do": "make"}, follow=True)
    assert "сначала сделайте фото" in answer.content.decode()
    assert not PhotoApproval.objects.exists()


def test_new_link_and_revocation_disable_old_link(browser, order, link, customer):
    assert customer.get(link).status_code == 200
    browser.post(url("photo_link", order), {"do": "make"})
    assert customer.get(link).status_code == 404
    newer = PhotoApproval.objects.get()
    assert newer.is_open
    browser.post(url("photo_link", order), {"do": "revoke"})
    browser.post(url("photo_link", order), {"do": "revoke"})
    newer.refresh_from_db()
    assert not newer.is_open
    assert kinds(order)[1:] == ["photo_added", "photo_link", "photo_link", "photo_link"]


def states(browser):
    html = browser.get(LIST, {"preset": "all"}).content.decode()
    labels = ("ждём ответа", "нравится", "переделать", "фото отозвано", "фото")
    found = (next((label for label in labels if text.endswith(label)), "") for text in visible_texts(html))
    return [label for label in found if label]


def waiting():
    cache.clear()  # counts are cached for some seconds
    return counts.unanswered_photos()


def test_list_shows_state_of_photo(browser, order, add, link):
    token = link.split("/")[2]
    approval = PhotoApproval.objects.get()
    assert (states(browser), waiting()) == (["ждём ответа"], 1)
    seen = [order.photos.get().pk]
    services.answer_photos(token=token, seen=seen, liked=True)
    assert (states(browser), waiting()) == (["нравится"], 0)
    services.answer_photos(token=token, seen=seen, liked=False, comment="без лент")
    assert states(browser) == ["переделать"]
    # The bouquet was changed, so the customer is asked again with the same link.
    again = add(order)
    assert (states(browser), waiting()) == (["ждём ответа"], 1)
    PhotoApproval.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert (states(browser), waiting()) == (["фото"], 0)
    PhotoApproval.objects.update(expires_at=approval.expires_at)
    Order.objects.update(status="completed")
    assert waiting() == 0
    for photo in (again, OrderPhoto.objects.exclude(pk=again.pk).get()):
        services.withdraw_photo(photo_id=photo.pk, actor=None)
    assert states(browser) == ["фото отозвано"]


def test_state_of_photo_takes_no_query_per_row(browser, make_order, add, manager):
    def queries(number):
        order = make_order(number)
        add(order)
        services.make_photo_link(order_id=order.pk, actor=manager)
        with CaptureQueriesContext(connection) as counted:
            assert states(browser).count("ждём ответа") == order.photos.model.objects.count()
        return len(counted)

    queries(122185)  # this request reads the values that the process caches
    assert queries(122186) == queries(122187)


def test_photos_are_not_sent_to_site_or_telegram_before_answer(order, add, manager, settings):
    settings.TELEGRAM_NOTIFICATIONS_ENABLED, settings.TELEGRAM_BOT_TOKEN = True, "1:made-up"
    settings.TELEGRAM_CHAT_ID = "-100"
    TelegramMessage.objects.all().delete()
    for state in ("synced", "pending", "conflict", "failed"):
        Order.objects.update(sync_state=state)
        photo = add(order)
        services.make_photo_link(order_id=order.pk, actor=manager)
        services.withdraw_photo(photo_id=photo.pk, actor=manager)
    assert not Push.objects.exists()
    assert not TelegramMessage.objects.exists()
