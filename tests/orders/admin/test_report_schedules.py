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
from orders.services.export_templates import delete_template, save_template
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


COLUMNS = f"{LIST}columns/"


def columns(*keys, table="orders", template="", also=()):
    """Return what the form posts: these columns ticked, and those of `also` not ticked."""
    return {
        "columns_of": table, "columns_template": str(getattr(template, "pk", template)),
        "columns_order": [*keys, *also], "columns_chosen": list(keys),
    }  # fmt: skip


def template_of(actor, *keys, name="Бухгалтеру", **more):
    return save_template(actor=actor, table="orders", name=name, columns=keys, file_format="csv", **more)


def test_columns_are_chosen_in_their_order(browser):
    page = browser.get(ADD).content.decode()
    assert 'name="columns_chosen"' in page

    schedule = made(browser, **columns("sum", "number", also=["status"]))

    assert (schedule.columns, schedule.template) == (["sum", "number"], None)
    assert "2 столбца" in browser.get(LIST).content.decode()
    page = browser.get(page_of(schedule)).content.decode()
    first, second = (page.index(f'value="{key}" checked') for key in ("sum", "number"))
    assert first < second
    assert 'value="status" checked' not in page


def test_default_columns_are_not_stored_so_new_ones_are_sent_too(browser):
    page = browser.get(f"{COLUMNS}?table=orders").content.decode()
    keys = [part.split('"')[0] for part in page.split('name="columns_chosen" value="')[1:] if " checked" in part[:40]]

    schedule = made(browser, **columns(*keys))

    assert len(keys) > 5
    assert schedule.columns == []


def test_columns_of_another_table_are_not_saved(browser):
    schedule = made(browser, table="payments", **columns("number"))

    assert schedule.columns == []


def test_no_column_is_refused(browser):
    response = browser.post(ADD, form(**columns(also=["number"])))

    assert "Выберите хотя бы один столбец." in response.content.decode()
    assert not ReportSchedule.objects.exists()


def test_template_is_chosen_and_its_columns_stay_if_it_is_deleted(browser, owner):
    template = template_of(owner, "number", "sum")
    assert "Бухгалтеру" in browser.get(ADD).content.decode()

    schedule = made(browser, **columns("number", template=template))

    assert (schedule.template, schedule.sent_columns) == (template, ["number", "sum"])
    assert "шаблон «Бухгалтеру»" in browser.get(LIST).content.decode()
    template_of(owner, "number", "day")
    schedule.refresh_from_db()
    assert schedule.sent_columns == ["number", "day"]
    assert "Столбцы" in browser_of(person(ACCOUNTANT)).get(page_of(schedule)).content.decode()
    delete_template(template_id=template.pk, actor=owner)
    schedule.refresh_from_db()
    assert (schedule.template, schedule.sent_columns) == (None, ["number", "day"])


def test_template_of_another_user_is_not_offered_but_stays_where_it_is_used(browser, owner):
    schedule = made(browser, **columns("number", template=template_of(owner, "number")))
    other_user = person(OWNER)
    other, posted = browser_of(other_user), columns("number", template=schedule.template)

    refused = other.post(ADD, form(name="Ещё", **posted))
    kept = other.post(page_of(schedule), form(**posted))

    assert "Такого шаблона больше нет." in refused.content.decode()
    assert "Бухгалтеру" not in other.get(ADD).content.decode()
    assert (refused.status_code, kept.status_code) == (200, 302)
    schedule.refresh_from_db()
    assert (schedule.run_as, schedule.template.name) == (other_user, "Бухгалтеру")


def test_another_table_and_the_buttons_replace_the_columns(browser, owner):
    template = template_of(owner, "number", "sum")
    posted = columns("number", "day", also=["sum"])

    other = browser.get(COLUMNS, {"table": "payments", **posted}).content.decode()
    moved = browser.get(COLUMNS, {"table": "orders", **posted, "columns_move": "down:number"}).content.decode()
    of_template = browser.get(COLUMNS, {"table": "orders", **columns("day", template=template)}).content.decode()
    fixed = browser.get(COLUMNS, {"table": "accounting"}).content.decode()

    assert 'value="payments"' in other
    assert 'value="method" checked' in other
    assert moved.index('value="day" checked') < moved.index('value="number" checked')
    assert "Номер, Сумма" in of_template
    assert "checkbox" not in of_template
    assert "Столбцы этого файла заданы заранее." in fixed


def test_columns_are_shown_to_those_who_save_schedules_and_may_export_the_table(browser):
    for user in (person(ACCOUNTANT), person(FLORIST), person(MANAGER)):
        assert browser_of(user).get(f"{COLUMNS}?table=orders").status_code == 403
    cautious = browser_of(everything_but("export_order"))
    assert "columns_chosen" not in cautious.get(f"{COLUMNS}?table=orders").content.decode()
    assert browser.post(COLUMNS, {"table": "orders"}).status_code == 405
