"""Tests of the record of messages, and of the templates with which the shop starts."""

from datetime import timedelta
from uuid import uuid4

import pytest

from bitrix_bridge.models import Push
from orders.models import Customer, EventKind, MessageTemplate, Order, OrderEvent, Status
from orders.presentation.timeline import timeline
from orders.services import NotAllowedError, record_message
from orders.services.message_templates import load_default_templates, on_post_migrate, read_default_templates


@pytest.fixture
def order(db):
    customer = Customer.objects.create(name="Айгерим", preferences={"site": "value"})
    return Order.objects.create(order_number="1", status=Status.objects.get(code="new"), customer=customer)


@pytest.fixture
def template(db):
    return MessageTemplate.objects.get(name="В пути", addressee="customer")


def record(order, template, actor=None, **changes):
    arguments = {"order_id": order.pk, "template_id": template.pk, "language": "ru", "channel": "whatsapp"}
    return record_message(**(arguments | changes), actor=actor)


@pytest.mark.parametrize(
    ("channel", "language", "title", "note"),
    [
        ("whatsapp", "ru", "Сообщение «В пути» отправлено в WhatsApp", "Клиенту, на русском"),
        ("copy", "kk", "Сообщение «В пути» скопировано", "Клиенту, на казахском"),
    ],
)
def test_message_is_on_the_timeline_with_user_and_language(order, template, manager, channel, language, title, note):
    record(order, template, manager, channel=channel, language=language)
    event = order.events.select_related("actor").get()
    (entry,) = timeline([event])
    assert (entry.title, entry.who, entry.notes) == (title, "Данияр", [note])


def test_entry_keeps_the_name_of_a_template_that_is_renamed_or_deleted(order, template, manager):
    event = record(order, template, manager)
    template.delete()
    assert timeline([event])[0].title == "Сообщение «В пути» отправлено в WhatsApp"


def test_record_changes_neither_order_nor_site(order, template, manager):
    before = Order.objects.values().get()
    record(order, template, manager)
    assert Order.objects.values().get() == before
    assert not Push.objects.exists()


def test_second_tap_within_a_minute_is_the_same_message(order, template, manager):
    first = record(order, template, manager)
    assert record(order, template, manager) == first
    record(order, template, manager, channel="copy")
    record(order, template, manager, language="kk")
    record(order, template)
    assert order.events.count() == 4
    OrderEvent.objects.update(happened_at=first.happened_at - timedelta(minutes=2))
    record(order, template, manager)
    assert order.events.count() == 5


def test_language_of_the_customer_is_remembered_beside_other_preferences(order, template, manager):
    record(order, template, manager, language="kk")
    assert Customer.objects.get().preferences == {"site": "value", "message_language": "kk"}
    to_recipient = MessageTemplate.objects.get(name="В пути", addressee="recipient")
    record(order, to_recipient, manager, language="ru")
    assert Customer.objects.get().preferences["message_language"] == "kk"


@pytest.mark.parametrize(
    "changes", [{"language": "en"}, {"channel": "telegram"}, {"template_id": uuid4()}], ids=lambda one: next(iter(one))
)
def test_refused_record_leaves_no_trace(order, template, manager, changes):
    with pytest.raises(NotAllowedError):
        record(order, template, manager, **changes)
    assert not OrderEvent.objects.filter(kind=EventKind.MESSAGE).exists()
    assert Customer.objects.get().preferences == {"site": "value"}


def test_record_of_an_unknown_order_is_refused(template, manager):
    with pytest.raises(Order.DoesNotExist):
        record(Order(), template, manager)


def test_migrations_insert_the_templates_once(db):
    names = [(one.addressee, one.name) for one in read_default_templates()]
    assert list(MessageTemplate.objects.values_list("addressee", "name")) == names
    MessageTemplate.objects.exclude(name="В пути").delete()
    load_default_templates()
    assert set(MessageTemplate.objects.values_list("name", flat=True)) == {"В пути"}


def test_templates_that_staff_have_deleted_do_not_come_back(db):
    MessageTemplate.objects.all().delete()
    on_post_migrate(plan=[])
    assert not MessageTemplate.objects.exists()
