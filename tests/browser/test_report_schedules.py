"""Test of a scheduled report in a browser: the form, sending it now, and its pages."""

import re

import pytest
from playwright.sync_api import expect

from notifications.models import TelegramChat
from orders.models import ReportDelivery, ReportSchedule

pytestmark = [pytest.mark.timeout(300), pytest.mark.django_db(transaction=True)]
LIST = "/crm/orders/reportschedule/"


@pytest.mark.parametrize("size", ["desktop"], indirect=True)
def test_report_is_scheduled_and_sent_now(screen):
    TelegramChat.objects.create(chat_id="-200", title="Владелец")
    page = screen.open(f"{LIST}add/")
    page.get_by_label("Название").fill("Заказы за неделю")
    page.get_by_label(re.compile("^Что")).select_option(label="Заказы")
    columns = page.get_by_role("group", name="Столбцы")
    page.get_by_label(re.compile("^Что")).select_option(label="Платежи")
    columns.get_by_text("Обычные столбцы: 12").press("Enter")
    expect(columns.get_by_role("checkbox", name="Способ оплаты")).to_be_checked()
    page.get_by_label(re.compile("^Что")).select_option(label="Заказы")
    columns.get_by_text("Обычные столбцы: 33").press("Enter")
    columns.get_by_role("checkbox", name="Статус", exact=True).uncheck()
    columns.get_by_role("button", name="Номер: ниже").press("Enter")
    expect(columns.get_by_role("button", name="Номер: ниже")).to_be_focused()
    expect(columns.get_by_role("checkbox", name="Статус", exact=True)).not_to_be_checked()
    page.get_by_label("Как часто").select_option(label="каждую неделю")
    page.get_by_label("День недели").select_option(label="по пятницам")
    expect(page.get_by_label("Число месяца")).to_be_hidden()
    page.get_by_label("За какие дни").select_option(label="прошлая неделя, с понедельника по воскресенье")
    page.get_by_label("Адреса почты").fill("buh@example.kz")
    page.get_by_label("Чат Telegram").select_option(label="Владелец")
    screen.check()
    page.get_by_role("button", name="Сохранить", exact=True).press("Enter")
    expect(page).to_have_url(re.compile(f"{LIST}$"))
    schedule = ReportSchedule.objects.get()
    assert (schedule.frequency, schedule.weekday, schedule.chat_id) == ("weekly", 4, "-200")
    assert "status" not in schedule.columns
    assert schedule.columns.index("number") == 1

    screen.open(f"{LIST}{schedule.pk}/change/")
    page.get_by_role("link", name="Отправить сейчас").click()
    page.get_by_role("button", name="Отправить сейчас").click()
    expect(page.get_by_text("Отчёт готовится и отправляется")).to_be_visible()
    expect(page.get_by_text("Последние доставки")).to_be_visible()
    assert ReportDelivery.objects.count() == 2
    screen.check()
    screen.check(LIST)
    screen.check("/crm/orders/reportdelivery/")
