"""Tests of the pages of scheduled reports and of their deliveries."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cvety_crm.outbox import State
from cvety_crm.roles import ACCOUNTANT, FLORIST, MANAGER, OWNER
from notifications.models import TelegramChat
from orders.models import ReportDelivery, ReportRun, ReportSchedule, Shop
from tests.roles import browser_of, everything_but, person

pytestmark = pytest.mark.django_db
LIST = "/crm/orders/reportschedule/"
ADD = f"{LIST}add/"
DELIVERIES = "/crm/orders/reportdelivery/"
POST = {"_form_submitted": "True"}
"""What the dialogs of actions post."""


@pytest.fixture
def owner():
    return person(OWNER, "owner")


@pytest.fixture
def browser(owner):
    return browser_of(owner)


def form(**changed):
    known = {
        "name": "Продажи за неделю", "table": "orders", "file_format": "xlsx", "is_active": "on",
        "period": "last_week", "basis": "delivery", "shop": "", "city": "", "source": "", "status": "",
        "frequency": "weekly", "hour": "9", "weekday": "0", "day": "1",
        "addresses": "buh@example.kz\nowner@example.kz", "chat_id": "",
    }  # fmt: skip
    return known | changed


def page_of(schedule):
    return reverse("admin:orders_reportschedule_change", args=[schedule.pk])


def send_url(schedule):
    return reverse("admin:orders_reportschedule_send_now_dialog", args=[schedule.pk])


def made(browser, **changed):
    response = browser.post(ADD, form(**changed))
    assert response.status_code == 302, response.content.decode()
    return ReportSchedule.objects.get(name=changed.get("name", "Продажи за неделю"))


def test_owner_adds_a_schedule(browser, owner):
    Shop.objects.create(bitrix_id=77, name="CVETYKZ")
    TelegramChat.objects.create(chat_id="-200", title="Владелец")

    schedule = made(browser, shop="77", chat_id="-200", hour="18", weekday="4")

    assert (schedule.run_as, schedule.emails, schedule.chat_id) == (
        owner, ["buh@example.kz", "owner@example.kz"], "-200",
    )  # fmt: skip
    assert schedule.parameters == {"basis": "delivery", "shop": 77}
    due = timezone.localtime(schedule.next_run_at)
    assert (due.weekday(), due.hour) == (4, 18)
    page = browser.get(LIST).content.decode()
    assert "по пятницам в 18:00, за период: прошлая неделя" in page
    assert "чат Telegram -200" in page


def test_saved_values_are_shown_again_and_can_be_changed(browser):
    schedule = made(browser)
    page = browser.get(page_of(schedule)).content.decode()
    assert "buh@example.kz\nowner@example.kz" in page.replace("\r\n", "\n")

    browser.post(page_of(schedule), form(addresses="one@example.kz; two@example.kz", source="telegram"))

    schedule.refresh_from_db()
    assert schedule.emails == ["one@example.kz", "two@example.kz"]
    assert schedule.parameters == {"basis": "delivery", "source": "telegram"}


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"addresses": "buh@"}, "«buh@» — не адрес почты."),
        ({"addresses": ""}, "Укажите адрес почты или выберите чат Telegram."),
        ({"chat_id": "-999"}, "Выберите корректный вариант"),
        ({"table": "nothing"}, "Выберите корректный вариант"),
        ({"file_format": "commerceml"}, "Эта таблица бывает в виде: Excel, CSV."),
        ({"name": "заказы"}, "Отчёт с названием «заказы» уже есть."),
        ({"hour": "24"}, "Выберите корректный вариант"),
        ({"day": "32"}, "меньше либо равно 31"),
    ],
)
def test_mistake_is_shown_and_nothing_is_saved(browser, changed, text):
    made(browser, name="Заказы")

    response = browser.post(ADD, form(**changed))

    assert response.status_code == 200
    assert text in response.content.decode()
    assert ReportSchedule.objects.count() == 1


def test_user_chooses_only_tables_that_this_user_may_export():
    browser = browser_of(everything_but("view_all_prices"))

    page = browser.get(ADD).content.decode()
    response = browser.post(ADD, form(table="accounting", file_format="accounting"))

    assert 'value="orders"' in page
    assert 'value="accounting"' not in page
    assert response.status_code == 200
    assert not ReportSchedule.objects.exists()


def test_schedule_saved_by_another_user_has_the_rights_of_that_user(browser):
    schedule = made(browser)
    other = person(OWNER)

    browser_of(other).post(page_of(schedule), form())

    schedule.refresh_from_db()
    assert schedule.run_as == other


def test_button_sends_the_report_by_post_only(browser):
    schedule = made(browser)
    assert "Отправить сейчас" in browser.get(page_of(schedule)).content.decode()

    browser.get(send_url(schedule))
    assert not ReportRun.objects.exists()

    response = browser.post(send_url(schedule), POST, follow=True)

    assert ReportRun.objects.get().started_by.username == "owner"
    assert "Отчёт готовится и отправляется" in response.content.decode()
    response = browser.post(send_url(schedule), POST, follow=True)
    assert "Отчёт ещё отправляется" in response.content.decode()
    assert ReportRun.objects.count() == 1
    page = browser.get(page_of(schedule)).content.decode()
    assert "buh@example.kz" in page
    assert "Последние доставки" in page


@pytest.mark.parametrize("role", [FLORIST, MANAGER])
def test_others_see_nothing_and_change_nothing(browser, role):
    schedule = made(browser)
    other = browser_of(person(role))

    for url in (LIST, ADD, page_of(schedule), DELIVERIES):
        assert other.get(url).status_code == 403, url
    for url in (ADD, page_of(schedule), send_url(schedule)):
        assert other.post(url, form(name="X")).status_code in (302, 403), url
    assert ReportSchedule.objects.get().name == schedule.name
    assert not ReportRun.objects.exists()


def test_accountant_reads_but_does_not_change(browser):
    schedule = made(browser)
    other = browser_of(person(ACCOUNTANT))

    page = other.get(page_of(schedule)).content.decode()
    assert "owner@example.kz" in page
    assert "Отправить сейчас" not in page
    assert other.post(page_of(schedule), form(name="X")).status_code == 403
    other.post(send_url(schedule), POST)
    assert not ReportRun.objects.exists()
    assert other.get(DELIVERIES).status_code == 200


def test_anonymous_visitor_is_asked_to_log_in(browser, client):
    schedule = made(browser)

    for url in (LIST, page_of(schedule), DELIVERIES, send_url(schedule)):
        assert client.get(url).status_code == 302
    assert client.post(send_url(schedule), POST).status_code == 302
    assert not ReportRun.objects.exists()


def test_owner_deletes_a_schedule_with_its_deliveries(browser):
    schedule = made(browser)
    browser.post(send_url(schedule), POST)

    browser.post(page_of(schedule).replace("change/", "delete/"), {"post": "yes"})

    assert not ReportSchedule.objects.exists()
    assert not ReportDelivery.objects.exists()


def test_failed_delivery_is_shown_and_can_be_retried(browser):
    schedule = made(browser, addresses="buh@example.kz")
    browser.post(send_url(schedule), POST)
    ReportDelivery.objects.update(state=State.FAILED, finished_at=timezone.now(), last_error="Сервер не принял")
    delivery = ReportDelivery.objects.get()

    assert "1 не доставлен" in browser.get(LIST).content.decode()
    assert "Сервер не принял" in browser.get(DELIVERIES).content.decode()
    browser.post(reverse("admin:orders_reportdelivery_retry_dialog", args=[delivery.pk]), POST)

    delivery.refresh_from_db()
    assert delivery.state == State.PENDING


def test_number_of_queries_of_the_lists_does_not_depend_on_their_rows(browser):
    counts = []
    for number in range(12):
        schedule = made(browser, name=f"Отчёт {number}")
        run = ReportRun.objects.create(schedule=schedule, due_at=timezone.now() - timedelta(days=number),
                                       first_day=timezone.localdate(), last_day=timezone.localdate())  # fmt: skip
        ReportDelivery.objects.create(run=run, channel="email", recipient="a@example.kz")
        if number in (1, 11):
            for url in (LIST, DELIVERIES):
                browser.get(url)  # the counts of the sidebar are cached
                with CaptureQueriesContext(connection) as queries:
                    assert browser.get(url).status_code == 200
                counts.append(len(queries))

    assert counts[:2] == counts[2:]
    assert max(counts) <= 18
