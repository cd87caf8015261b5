"""Tests of scheduled reports from the due moment to the mail server and to Telegram, both over the network."""

from datetime import timedelta
from decimal import Decimal
from io import BytesIO

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from cvety_crm.outbox import State, deliver_due
from cvety_crm.roles import ACCOUNTANT, OWNER
from orders.export.files import write_file
from orders.export.request import ExportRequest
from orders.models import (
    Customer,
    ExportRun,
    Frequency,
    Order,
    Payment,
    RelativePeriod,
    ReportDelivery,
    ReportRun,
    ReportSchedule,
)
from orders.report_sending import files, probes
from orders.services.export_templates import save_template
from orders.services.report_schedules import ScheduleValues, save_schedule, start_due, start_now
from tests.notifications.bot_api import BotApi
from tests.roles import everything_but, person
from tests.smtp_server import MailServer

pytestmark = pytest.mark.django_db
EMAIL, CHAT = "buh@example.kz", "-200"


@pytest.fixture
def mail_server(settings):
    with MailServer() as server:
        server.configure(settings)
        yield server


@pytest.fixture
def bot_api(settings):
    with BotApi() as api:
        settings.TELEGRAM_NOTIFICATIONS_ENABLED = True
        settings.TELEGRAM_BASE_URL, settings.TELEGRAM_BOT_TOKEN = api.url, api.token
        yield api


@pytest.fixture
def owner():
    return person(OWNER, "owner")


@pytest.fixture
def orders():
    """Create three orders of yesterday, one of today, and one of the day before yesterday."""
    today = timezone.localdate()
    customer = Customer.objects.create(name="Айгерим", phone="+77771234567")
    return [
        Order.objects.create(
            order_number=str(100 + number), status_id="new", delivery_date=today - timedelta(days=ago),
            customer=customer, total_amount=Decimal(amount), recipient_phone="+77015554433",
        )
        for number, (ago, amount) in enumerate([(1, 9000), (1, 6000), (1, 3000), (0, 70000), (2, 4000)])
    ]  # fmt: skip


def schedule_of(user, **changed):
    known = {
        "name": "Заказы за вчера", "table": "orders", "file_format": "csv", "period": RelativePeriod.YESTERDAY,
        "frequency": Frequency.DAILY, "hour": 9, "emails": [EMAIL], "chat_id": CHAT,
    }  # fmt: skip
    return save_schedule(actor=user, values=ScheduleValues(**{**known, **changed}))


def start(schedule):
    """Make the schedule due now, and let the worker start and deliver it."""
    ReportSchedule.objects.filter(pk=schedule.pk).update(next_run_at=timezone.now())
    run = start_now(schedule_id=schedule.pk, actor=schedule.run_as)
    deliver_due()
    return ReportRun.objects.get(pk=run.pk)


def make_due():
    ReportDelivery.objects.filter(state=State.PENDING).update(due_at=timezone.now() - timedelta(seconds=1))


def plain(text):
    return text.replace("\r\n", "\n").replace("\u00a0", " ").strip()


def states():
    return dict(ReportDelivery.objects.values_list("channel", "state"))


def test_due_report_is_sent_by_mail_and_to_telegram_as_the_file_of_the_export(owner, orders, mail_server, bot_api):
    schedule = schedule_of(owner, hour=timezone.localtime().hour)
    ReportSchedule.objects.update(next_run_at=timezone.now())

    assert start_due() == 1
    deliver_due()

    yesterday = timezone.localdate() - timedelta(days=1)
    day = f"{yesterday:%d.%m.%Y}"
    file = BytesIO()
    query = f"preset=all&delivery_date_from={day}&delivery_date_to={day}"
    assert write_file(ExportRequest("orders", "csv", query, (), owner.pk), file) == 3
    (mail,), (sent,) = mail_server.received, bot_api.files
    assert mail.recipients == (EMAIL,)
    assert mail.mail["Subject"] == schedule.name
    assert mail.file == (f"zakazy-{yesterday:%Y-%m-%d}.csv", "text/csv", file.getvalue())
    assert (sent.chat_id, sent.name, sent.content) == (CHAT, mail.file[0], file.getvalue())
    assert plain(mail.text) == plain(sent.caption)
    before = yesterday - timedelta(days=1)
    assert plain(sent.caption).split("\n") == [
        f"Заказы · {day}",
        "по дате доставки",
        "",
        "Заказы: 3 (+200 %)",
        "Сумма: 18 000 ₸ (+350 %)",
        "Средний чек: 6 000 ₸ (+50 %)",
        "Возвраты: 0 ₸ (без изменений)",
        f"Сравнение с {before:%d.%m.%Y}.",
    ]
    assert states() == {"email": State.DELIVERED, "telegram": State.DELIVERED}
    assert ReportRun.objects.get().rows == 3


def test_file_contains_only_what_the_user_of_the_schedule_may_see(orders, mail_server, bot_api):
    start(schedule_of(person(ACCOUNTANT, "buh")))

    text = mail_server.received[0].file[2].decode()
    assert "•••" in text or "4433" in text
    assert "5554433" not in text


def test_headline_has_no_sums_for_a_user_who_may_not_see_all(orders, mail_server, bot_api):
    start(schedule_of(everything_but("view_all_prices")))

    caption = plain(bot_api.files[0].caption)
    assert "Заказы: 3" in caption
    assert "₸" not in caption


@pytest.mark.parametrize("lost", ["export_order", "is_active", "user"])
def test_nothing_is_sent_when_the_user_has_lost_the_right(owner, orders, mail_server, bot_api, lost):
    schedule = schedule_of(owner)
    if lost == "user":
        ReportSchedule.objects.update(run_as=None)
    elif lost == "is_active":
        type(owner).objects.update(is_active=False)
    else:
        owner.groups.get().permissions.remove(Permission.objects.get(codename=lost))

    start(schedule)

    assert mail_server.received == []
    assert bot_api.files == []
    assert states() == {"email": State.FAILED, "telegram": State.FAILED}
    assert "больше не может выгружать" in ReportDelivery.objects.first().last_error


def test_mail_is_retried_without_telegram_and_with_the_same_file(owner, orders, mail_server, bot_api, monkeypatch):
    mail_server.refuse(".", "451 try later")
    run = start(schedule_of(owner))
    assert states() == {"email": State.PENDING, "telegram": State.DELIVERED}
    email = ReportDelivery.objects.get(channel="email")
    assert "451" in email.last_code
    assert "Почтовый сервер не принял письмо" in email.last_error

    monkeypatch.setattr(files, "open_export", None)  # the file is not made again
    make_due()
    deliver_due()

    assert mail_server.received[0].file[2] == bot_api.files[0].content
    assert states() == {"email": State.DELIVERED, "telegram": State.DELIVERED}
    assert len(bot_api.files) == 1
    assert [one.outcome for one in email.attempt_log.order_by("number")] == ["postponed", "delivered"]
    assert run.deliveries.count() == 2


def test_refused_address_fails_at_once_and_the_others_receive_the_report(owner, orders, mail_server, bot_api):
    mail_server.refuse("RCPT", "550 no such user")
    start(schedule_of(owner, emails=["a@example.kz", "b@example.kz"], chat_id=""))

    assert len(mail_server.received) == 1
    assert sorted(ReportDelivery.objects.values_list("state", flat=True)) == [State.DELIVERED, State.FAILED]


def test_file_is_made_again_if_it_was_deleted(owner, orders, mail_server, bot_api):
    mail_server.refuse("MAIL", "451 try later")
    run = start(schedule_of(owner))
    run.file.storage.delete(run.file.name)
    ReportRun.objects.update(file="")

    make_due()
    deliver_due()

    assert mail_server.received[0].file[2] == bot_api.files[0].content


def test_file_is_made_again_without_phones_when_the_user_may_not_see_them_any_more(owner, orders, mail_server, bot_api):
    mail_server.refuse("MAIL", "451 try later")
    start(schedule_of(owner))
    assert b"+77015554433" in bot_api.files[0].content
    owner.groups.get().permissions.remove(Permission.objects.get(codename="view_phones"))

    make_due()
    deliver_due()

    assert b"7015554433" not in mail_server.received[0].file[2]


def test_each_file_is_in_the_list_of_exports_of_its_user(owner, orders, mail_server, bot_api):
    start(schedule_of(owner))

    (export,) = ExportRun.objects.all()
    assert (export.started_by, export.table, export.rows, export.file) == (owner, "orders", 3, "")


def test_recipient_who_was_removed_receives_nothing(owner, orders, mail_server, bot_api):
    mail_server.refuse("MAIL", "451 try later")
    schedule = schedule_of(owner)
    start(schedule)
    ReportSchedule.objects.update(emails=["other@example.kz"])

    make_due()
    deliver_due()

    assert mail_server.received == []
    assert states()["email"] == State.CANCELLED


def test_delivery_with_a_receipt_is_not_sent_again(owner, orders, mail_server, bot_api):
    start(schedule_of(owner))
    ReportDelivery.objects.update(state=State.PENDING, due_at=timezone.now())

    deliver_due()

    assert (len(mail_server.received), len(bot_api.files)) == (1, 1)
    assert states() == {"email": State.DELIVERED, "telegram": State.DELIVERED}


def test_file_that_takes_too_long_is_given_up(owner, orders, mail_server, bot_api, monkeypatch):
    monkeypatch.setattr(files, "SECONDS", -1.0)

    start(schedule_of(owner))

    assert states() == {"email": State.FAILED, "telegram": State.FAILED}
    assert "слишком долго" in ReportDelivery.objects.first().last_error


def test_filters_of_the_schedule_choose_the_orders(owner, orders, mail_server, bot_api):
    Order.objects.filter(order_number="101").update(source="telegram")

    run = start(schedule_of(owner, parameters={"basis": "delivery", "source": "telegram"}))

    assert run.rows == 1
    assert "по дате доставки · Telegram" in plain(run.summary)


def test_table_of_a_report_has_the_headline_of_the_report(owner, orders, mail_server, bot_api):
    Order.objects.filter(order_number="101").update(is_cancelled=True)

    run = start(schedule_of(owner, table="report_refusals_day"))

    (sent,) = bot_api.files
    assert sent.name.startswith("otchet-refusals-")
    assert run.rows >= 1
    lines = plain(sent.caption).split("\n")
    assert lines[0].startswith("Отказы и возвраты: по дням · ")
    assert any(line.startswith("Отказы: 1") for line in lines)


def test_payments_are_those_of_the_days(owner, orders, mail_server, bot_api):
    Payment.objects.create(order=orders[0], amount=Decimal(9000), method="cash", paid_at=timezone.now())

    assert start(schedule_of(owner, table="payments", period=RelativePeriod.TODAY)).rows == 1
    assert start(schedule_of(owner, name="b", table="payments")).rows == 0


def test_accounting_formats_are_sent_as_their_files(owner, orders, mail_server, bot_api):
    start(schedule_of(owner, table="accounting", file_format="commerceml", chat_id=""))

    name, kind, content = mail_server.received[0].file
    assert (name.rpartition(".")[2], kind) == ("xml", "application/xml")
    assert content.count("<Документ>".encode()) == 3


def test_status_says_whether_e_mail_is_set_up_and_what_has_failed(settings, owner, orders, mail_server, bot_api):
    assert probes.email.run().figure == "настроен"
    settings.EMAIL_URL = ""
    assert probes.email.run().level == 0
    start(schedule_of(owner))

    found = probes.email.run()
    assert (found.level, found.figure) == (2, "не настроен")
    assert "EMAIL_URL" in found.hint
    assert (probes.undelivered.run().level, probes.undelivered.run().figure) == (1, "1")
    settings.EMAIL_URL = "smtp://set"
    assert "EMAIL_URL" in probes.email.run().figure


def test_file_has_the_chosen_columns_with_the_rights_at_each_sending(orders, mail_server):
    user = everything_but("view_phones")
    schedule = schedule_of(user, chat_id="", columns=["sum", "number", "customer_phone"])

    run = start(schedule)

    head, first, *_rest = lines_of(run)
    assert head == "Сумма, ₸;Номер;Телефон клиента"
    assert first.endswith("4567")
    assert "+7777" not in first
    user.user_permissions.remove(Permission.objects.get(codename="view_all_prices"))

    later = lines_of(start(schedule))

    assert later[0] == head
    assert later[1].startswith(";")
    assert ExportRun.objects.latest("started_at").columns == ["sum", "number", "customer_phone"]


def test_file_has_the_columns_that_the_template_has_now(owner, orders, mail_server):
    template = save_template(actor=owner, table="orders", name="Б", columns=["number"], file_format="xlsx")
    schedule = schedule_of(owner, chat_id="", template=template.pk)
    save_template(actor=owner, table="orders", name="Б", columns=["number", "day"], file_format="xlsx")

    assert lines_of(start(schedule))[0] == "Номер;Дата доставки"


def lines_of(run):
    with run.file.open() as file:
        return file.read().decode("utf-8-sig").split("\r\n")
