"""Tests that the data of a customer can be downloaded and erased, and that the site's events do not bring it back."""

import json
import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from bitrix_bridge.inbound.inbox import reprocess
from bitrix_bridge.models import Push, PushAttempt, WebhookEvent
from cvety_crm.roles import OWNER
from notifications.models import TelegramMessage
from orders import services
from orders.exceptions import NotAllowedError
from orders.models import (
    Customer,
    CustomerCall,
    ExportRun,
    Order,
    OrderEvent,
    OrderNote,
    OrderPhoto,
    PhoneLook,
    PhotoApproval,
    Reason,
    SavedView,
)
from tests.roles import browser_of, person
from tests.samples import next_version, order_data

pytestmark = pytest.mark.django_db

ACCOUNT = 50_777
NEEDLES = (
    "Гульжамиля", "Ерасылқызы", "gulzhamilya@", "7075551122", "Бибигуль", "7765554433",
    "Желтоксан 717", "Незабудке моей", "не звонить утром", "подъезд с торца", "любит ирисы", "белые ленты",
    "ошибся этажом", "перезвонить Гульжамиле",
)  # fmt: skip
DATA = order_data(
    ID="777001", ACCOUNT_NUMBER="777001", USER_ID=str(ACCOUNT),
    USER_DESCRIPTION="не звонить утром", COMMENTS="подъезд с торца",
    properties={
        "nameRecipient": "Бибигуль", "phoneRecipient": "8 (776) 555-44-33", "addressRecipient": "Желтоксан 717, кв 9",
        "postcardText": "Незабудке моей", "phone": "+7 707 555 11 22", "email": "gulzhamilya@example.kz",
        "name": "Гульжамиля", "floor": "ошибся этажом",
    },
    basket=[{"ID": "9001", "PRODUCT_ID": "696613", "NAME": "Букет Стандарт", "PRICE": "7500", "QUANTITY": "1",
             "CURRENCY": "KZT", "NOTES": "белые ленты"}],
    user={"ID": str(ACCOUNT), "NAME": "Гульжамиля", "LAST_NAME": "Ерасылқызы", "PERSONAL_PHONE": "+7 707 555 11 22",
          "EMAIL": "gulzhamilya@example.kz"},
)  # fmt: skip


def traces():
    """Return the table, the row and the needle of everything about the customer in any column of the database."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT row_to_json(row)::text FROM "{table}" AS row')
            for (text,) in cursor.fetchall():
                folded = re.sub(r"\\\\*u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), text).casefold()
                digits = re.sub(r"[\s+()%-]", "", folded)
                found += [
                    (table, needle, text[:3000])
                    for needle in NEEDLES
                    if needle.casefold() in folded or (needle.isdigit() and needle in digits)
                ]
    return found


@pytest.fixture
def owner():
    return person(OWNER, "aigul")


@pytest.fixture
def browser(owner):
    return browser_of(owner)


@pytest.fixture
def order(post_webhook, manager):
    """Return an order of a customer who has left traces everywhere."""
    assert post_webhook("order.create", DATA).json()["action"] == "created"
    order = Order.objects.get(bitrix_order_id=777001)
    customer = order.customer
    customer.note = "любит ирисы"
    services.edit_customer(customer, changed=["note"])
    services.edit_order(
        order_id=order.pk, changes={"delivery_address": "Желтоксан 717, кв 10", "postcard_text": "Незабудке моей!"},
        actor=manager,
    )  # fmt: skip
    services.report_problem(order_id=order.pk, reason="Гульжамиля не отвечает", actor=manager)
    services.change_status(order_id=order.pk, status="accepted", actor=manager, comment="Гульжамиля ждёт")
    services.add_note(order_id=order.pk, text="перезвонить Гульжамиле", actor=manager)
    CustomerCall.objects.create(customer=customer, reason="away", note="Гульжамиля в отпуске", caller=manager)
    PhotoApproval.objects.create(order=order, comment="Незабудке моей", nonce="x", expires_at=timezone.now())
    for column in ("image", "thumbnail"):
        default_storage.save(f"{column}.jpg", ContentFile(b"x"))
    OrderPhoto.objects.create(order=order, image="image.jpg", thumbnail="thumbnail.jpg")
    push = Push.objects.filter(order=order).first()
    Push.objects.update(request={"recipient_name": "Бибигуль"}, last_error="Гульжамиля", fields=["delivery_address"])
    PushAttempt.objects.create(entry=push, number=1, answer="Гульжамиля")
    TelegramMessage.objects.create(kind="new_order", chat_id="1", order=order, text="Гульжамиля, +7 707 555 11 22")
    SavedView.objects.create(name="Искали", query="q=8+707+555+11+22&preset=all", columns=["number"])
    ExportRun.objects.create(table="orders", format="csv", parameters="q=%2B77075551122", state="done",
                             facts=[["Поиск", "+77075551122"]], started_by=manager)  # fmt: skip
    kind = ContentType.objects.get_for_model(Customer)
    LogEntry.objects.create(user=manager, content_type=kind, object_id=str(customer.pk), object_repr="Гульжамиля",
                            action_flag=CHANGE)  # fmt: skip
    post_webhook("user.update", {"ID": str(ACCOUNT), "NAME": "Гульжамиля", "PERSONAL_PHONE": "+7 707 555 11 22"})
    post_webhook("order.update", ["+7 707 555 11 22"])  # refused and kept
    return order


def erase(browser, customer, word="стереть"):
    return browser.post(reverse("admin:orders_customer_erase", args=[customer.pk]), {"word": word}, follow=True)


def test_erased_customer_is_in_no_column_of_the_database(browser, owner, order, django_capture_on_commit_callbacks):
    assert {table for table, *_ in traces()} >= {
        "orders", "users", "order_items", "order_events", "order_notes", "bitrix_webhook_events", "telegram_messages",
        "saved_views", "export_runs", "django_admin_log", "customer_calls", "order_photo_approvals",
    }  # fmt: skip
    figures = Order.objects.values("order_number", "status", "total_amount", "delivery_date", "delivery_district",
                                   "created_at", "city", "shop", "customer").get()  # fmt: skip
    with django_capture_on_commit_callbacks(execute=True):
        answer = erase(browser, order.customer)
    assert "Данные клиента стёрты" in answer.content.decode()
    assert traces() == []
    order.refresh_from_db()
    assert {name: getattr(order, f"{name}_id", getattr(order, name)) for name in figures} == figures
    assert (order.erased_at is not None, order.sync_state) == (True, "pending")  # the accepted status is still sent
    assert order.items.get().name == "Букет Стандарт"
    customer = Customer.objects.get()
    assert (customer.erased_by, customer.bitrix_user_id, customer.erased_account) == (owner, None, ACCOUNT)
    last = OrderEvent.objects.filter(order=order, reason=Reason.ERASED).get()
    assert (last.actor, last.changes) == (owner, [])
    assert not default_storage.exists("image.jpg")
    assert not default_storage.exists("thumbnail.jpg")
    assert OrderPhoto.objects.get().withdrawn_at is not None


def test_later_events_of_the_site_do_not_bring_the_data_back(browser, order, post_webhook):
    erase(browser, order.customer)
    customers = Customer.objects.count()
    later = next_version(DATA, STATUS_ID="F", USER_DESCRIPTION="не звонить утром и вечером")
    assert post_webhook("order.update", later).json()["action"] == "updated"
    assert post_webhook("order.update", DATA).status_code == 200  # a repetition
    assert post_webhook("order.status.change", {**later, "VERSION": "9"}).status_code == 200
    user = {"ID": str(ACCOUNT), "NAME": "Гульжамиля", "EMAIL": "gulzhamilya@example.kz", "TIMESTAMP_X": "1"}
    assert post_webhook("user.update", user).json()["action"] == "ignored"
    assert traces() == []
    order.refresh_from_db()
    assert (order.status.stage, order.comment, order.recipient_name) == ("done", "", "")
    assert Customer.objects.count() == customers
    stored = WebhookEvent.objects.filter(order=order).order_by("created_at").last()
    assert (stored.payload["erased"], stored.payload["data"]["ID"]) == (True, "777001")


def test_event_that_was_not_processed_still_can_be(browser, order):
    later = {"event": "order.update", "data": next_version(DATA, STATUS_ID="F")}
    waiting = WebhookEvent.objects.create(event="order.update", object_id=777001, payload=later, state="waiting")
    erase(browser, order.customer)
    assert traces() == []
    event = reprocess(waiting.pk)
    assert (event.state, event.action, event.order.status.stage) == ("processed", "updated", "done")
    assert traces() == []


def test_new_order_of_an_erased_person_is_of_a_new_customer(browser, order, post_webhook):
    erased = order.customer
    erase(browser, erased)
    new = order_data(**{**DATA, "ID": "777002", "ACCOUNT_NUMBER": "777002"})
    assert post_webhook("order.create", new).json()["action"] == "created"
    second = Order.objects.get(bitrix_order_id=777002)
    assert (second.customer != erased, second.customer.bitrix_user_id) == (True, ACCOUNT)
    assert second.customer.phone == "+77075551122"
    order.refresh_from_db()
    erased.refresh_from_db()
    assert (order.customer, order.contact_phone, erased.phone) == (erased, "", "")
    assert post_webhook("user.update", {"ID": str(ACCOUNT), "NAME": "Гульжамиля Е."}).json()["action"] == "updated"


def test_erasure_of_an_erased_customer_changes_nothing(browser, owner, order):
    services.erase_customer(customer_id=order.customer_id, actor=owner)
    before = Customer.objects.values().get()
    assert services.erase_customer(customer_id=order.customer_id, actor=None) is None
    assert Customer.objects.values().get() == before
    assert "уже стёрты" in erase(browser, order.customer).content.decode()
    page = browser.get(reverse("admin:orders_customer_change", args=[order.customer_id])).content.decode()
    assert "Данные этого клиента стёрты" in page
    assert "Объединить с" not in page


def test_what_staff_type_later_can_be_erased_too(browser, order, manager):
    erase(browser, order.customer)
    services.edit_order(order_id=order.pk, changes={"recipient_name": "Бибигуль"}, actor=manager)
    services.add_note(order_id=order.pk, text="перезвонить Гульжамиле", actor=manager)
    assert traces()
    assert services.erase_customer(customer_id=order.customer_id, actor=manager) == 1
    assert traces() == []
    assert Customer.objects.get().erased_account == ACCOUNT


def test_erased_customer_is_not_merged(browser, order, post_webhook, manager):
    post_webhook("order.create", order_data(ID="777003", ACCOUNT_NUMBER="777003"))
    other = Order.objects.get(bitrix_order_id=777003).customer
    erase(browser, order.customer)
    for kept, merged in ((other.pk, order.customer_id), (order.customer_id, other.pk)):
        with pytest.raises(NotAllowedError):
            services.merge_customers(kept_id=kept, merged_id=merged, actor=manager)
    assert Order.objects.filter(customer=other).count() == 1


def test_nothing_is_erased_without_the_word(browser, order):
    answer = erase(browser, order.customer, word="да")
    assert "Ничего не стёрто" in answer.content.decode()
    assert Customer.objects.get().erased_at is None
    assert traces()


@pytest.mark.parametrize(("days", "is_refused"), [(0, True), (1, True), (-1, False)])
def test_customer_with_an_order_to_be_delivered_is_not_erased(browser, order, days, is_refused):
    Order.objects.update(delivery_date=timezone.localdate() + timedelta(days=days))
    answer = erase(browser, order.customer).content.decode()
    assert ("Заказ № 777001 ещё не доставлен" in answer, Customer.objects.get().erased_at is None) == (is_refused,) * 2


def test_merged_customer_is_erased_with_the_customer_that_has_the_orders(browser, order, post_webhook, manager):
    post_webhook("order.create", order_data(ID="777003", ACCOUNT_NUMBER="777003"))
    other = Order.objects.get(bitrix_order_id=777003).customer
    services.merge_customers(kept_id=other.pk, merged_id=order.customer_id, actor=manager)
    assert erase(browser, order.customer).status_code == 404  # the page of the customer with the orders erases both
    assert services.erase_customer(customer_id=other.pk, actor=manager) == 2
    assert traces() == []
    assert not Customer.objects.filter(erased_at=None).exists()


def test_download_contains_everything_and_is_recorded(browser, owner, order):
    answer = browser.post(reverse("admin:orders_customer_download", args=[order.customer_id]))
    assert "attachment" in answer.headers["Content-Disposition"]
    assert "no-store" in answer.headers["Cache-Control"]
    text = answer.content.decode()
    assert [needle for needle in NEEDLES if needle not in text and not needle.isdigit()] == []
    data = json.loads(text)
    assert {name for name, found in data.items() if found} >= {
        "customers", "orders", "order_items", "timeline", "notes", "photos", "photo_answers", "calls",
        "events_of_the_site", "requests_to_the_site", "telegram_messages",
    }  # fmt: skip
    assert '"nonce"' not in text
    look = PhoneLook.objects.get(kind=PhoneLook.Kind.DATA)
    assert (look.user, look.customer_id, look.looks) == (owner, order.customer_id, 1)


def test_order_that_staff_have_filled_in_again_keeps_the_new_data(browser, order, post_webhook, manager):
    erase(browser, order.customer)
    services.edit_order(order_id=order.pk, changes={"recipient_name": "Новый человек"}, actor=manager)
    post_webhook("order.update", next_version(DATA, PRICE="9100"))
    order.refresh_from_db()
    assert (order.recipient_name, OrderNote.objects.exists()) == ("Новый человек", False)
