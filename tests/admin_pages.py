"""The URLs of all admin pages, and sample rows of every model. With these rows no page is empty."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.db import models
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django_q.models import OrmQ, Schedule, Task

from bitrix_bridge.history.reasons import Code, Reason
from bitrix_bridge.models import Difference, ImportRow, ImportRun, Push, Reconciliation
from cvety_crm.models import Heartbeat, SignInEvent
from cvety_crm.users import User
from notifications.models import TelegramChat, TelegramMessage
from orders.models import (
    BulkResult,
    BulkRun,
    Courier,
    ExportRun,
    MonthPlan,
    Order,
    OrderNote,
    OrderPhoto,
    PhoneLook,
    ReportDelivery,
    ReportRun,
    ReportSchedule,
)
from tests.samples import order_data

CODES = "new accepted delivering completed returned declined finished processing refunded cancelled"
TYPED = frozenset({"manager", *CODES.split()})
"""The Latin words in the sample rows: a user name and codes of statuses."""

NAMELESS = frozenset({"ormq", "object", "none"})
"""The words that django-q shows for rows of its queue that have no name. Only superusers see these rows."""


def registered() -> list[type[models.Model]]:
    """Return the models that have an admin page, sorted by name."""
    return sorted(admin.site._registry, key=lambda model: model._meta.label)


def address_of(model: type[models.Model], page: str) -> str:
    """Return the URL of an admin page of the model, such as its `changelist`."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}")


def addresses_of(model: type[models.Model], found: models.Model) -> Iterator[str]:
    """Yield the URLs of all admin pages of the model. The URL of a page about one row contains the key of `found`."""
    for pattern in admin.site._registry[model].get_urls():
        if name := getattr(pattern, "name", None):
            for arguments in ([], [found.pk]):
                with suppress(NoReverseMatch):
                    yield reverse(f"admin:{name}", args=arguments)


def make_samples(post_webhook: Callable[..., Any], manager: User) -> None:
    """Create at least one row of every model that has admin pages."""
    assert post_webhook("order.create", order_data()).json()["action"] == "created"
    order = Order.objects.get()
    OrderNote.objects.create(order=order, author=manager, text="Позвонить за час")
    OrderPhoto.objects.create(order=order, author=manager, image=ContentFile(b"", name="1.jpg"))
    Courier.objects.create(name="Ерлан", phone="+77011234567")
    MonthPlan.objects.create(month=date(2026, 11, 1), amount=5_000_000)
    Push.objects.create(order=order, fields=["status"], last_error="Сайт отказал")
    reason = Reason(Code.UNKNOWN_CITY, "99").as_json()
    grouped = {**reason, "orders": 1, "examples": [order.bitrix_order_id]}
    run = ImportRun.objects.create(state="done", finished_at=timezone.now(), created=1, failed=1, reasons=[grouped],
                                   source="crm@10.0.0.5:3306/site", options={"count": 2})  # fmt: skip
    ImportRow.objects.create(
        run=run, bitrix_order_id=order.bitrix_order_id, outcome="created", order=order, reasons=[reason]
    )
    compared = Reconciliation.objects.create(origin="page", state="failed", error="Сайт не отвечает", is_repair=True)
    for field, outcome in (("status", "person"), ("version", "found"), ("total_amount", "resolved")):
        Difference.objects.create(run=compared, order=order, bitrix_order_id=1, field=field, outcome=outcome,
                                  resolved_by=manager, resolved_at=timezone.now(), side="site")  # fmt: skip
    for kind in ("missing_here", "missing_there"):
        Difference.objects.create(run=compared, bitrix_order_id=1, kind=kind)
    bulk = BulkRun.objects.create(action="status", parameters={"status": "accepted"}, state="stopped", done=1,
                                  refused=1, expected=3, started_by=manager, finished_at=timezone.now())  # fmt: skip
    BulkResult.objects.create(run=bulk, order=order, position=1, outcome="done")
    schedule = ReportSchedule.objects.create(
        name="Заказы за вчера", table="orders", file_format="xlsx", period="yesterday", emails=["buh@pochta.kz"],
        chat_id="-100", run_as=manager, next_run_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    today = timezone.localdate()
    report = ReportRun.objects.create(schedule=schedule, due_at=timezone.now(), first_day=today, last_day=today,
                                      summary="Заказы: 3")  # fmt: skip
    ReportDelivery.objects.create(run=report, channel="telegram", recipient="-100", state="failed",
                                  last_error="Чат не найден", finished_at=timezone.now())  # fmt: skip
    ExportRun.objects.create(table="orders", format="xlsx", facts=[["Список", "Все"]], state="done", rows=1, expected=1,
                             started_by=manager, finished_at=timezone.now())  # fmt: skip
    PhoneLook.objects.create(user=manager, kind=PhoneLook.Kind.ORDER, subject=str(order.pk), order=order)
    TelegramChat.objects.create(chat_id="-100", title="Магазин")
    TelegramMessage.objects.create(kind=TelegramMessage.Kind.NEW_ORDER, chat_id="-100", order=order)
    SignInEvent.objects.create(kind="failed", method="code", user=manager, username="manager", actor=manager,
                               address="203.0.113.5", details="менеджер")  # fmt: skip
    Heartbeat.objects.update_or_create(name="7", defaults={"beat_at": timezone.now()})
    Group.objects.create(name="Менеджеры")
    for success in (True, False):
        Task.objects.create(
            id=uuid4().hex,
            name="1",
            func="1",
            started=timezone.now(),
            stopped=timezone.now() + timedelta(seconds=1),
            success=success,
        )
    Schedule.objects.get_or_create(name="1", defaults={"func": "1"})
    OrmQ.objects.create(key="1", payload="", lock=timezone.now())
