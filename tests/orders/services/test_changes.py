"""Tests of changing and creating orders by staff: the rules, the timeline and refused changes.

This module also tests the search by staff.
"""

from decimal import Decimal

import pytest

from bitrix_bridge.models import Push
from orders import services
from orders.models import Courier, Customer, Order, OrderEvent, OrderItem, Product, Status
from orders.selectors.search import search_query
from orders.services import NewItem, NotAllowedError
from orders.sync.snapshot import ItemSnapshot
from tests.samples import next_version, order_data

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(post_webhook) -> Order:
    post_webhook("order.create", order_data())
    return Order.objects.get()


def test_migrations_create_the_statuses_of_the_shop():
    rows = {row.code: (row.bitrix_codes, row.stage, row.is_final, row.name) for row in Status.objects.all()}
    assert rows == {
        "new": (["N"], "new", False, "Новый"),
        "accepted": (["AP"], "accepted", False, "Принят"),
        "delivering": (["PD"], "delivering", False, "Доставляется"),
        "completed": (["CO", "CF"], "done", False, "Выполнен"),
        "returned": (["RD"], "cancelled", False, "Возврат"),
        "declined": (["DE"], "cancelled", False, "Отклонён"),
        "finished": (["F"], "done", True, "Завершён"),
        "processing": (["P"], "making", False, "В обработке"),
        "refunded": (["RF"], "cancelled", False, "Деньги возвращены"),
        "cancelled": (["CN"], "cancelled", True, "Отменён"),
    }
    for row in Status.objects.all():
        row.full_clean()


def test_change_status_writes_entry_and_queues_push(order, manager):
    services.change_status(order_id=order.pk, status="accepted", actor=manager, comment="клиент перезвонил")
    order.refresh_from_db()
    event = order.events.first()
    assert (order.status_id, order.sync_state) == ("accepted", "pending")
    assert (event.kind, event.source, event.actor) == ("status", "admin", manager)
    assert event.changes == [{"field": "status", "old": "new", "new": "accepted"}]
    assert event.details == {"comment": "клиент перезвонил"}
    assert Push.objects.get().order == order


def test_change_status_to_present_status_changes_nothing(order, manager):
    services.change_status(order_id=order.pk, status="new", actor=manager)
    assert (OrderEvent.objects.count(), Push.objects.count()) == (1, 0)


def test_status_changed_back_before_push_leaves_order_synced(order, manager):
    services.change_status(order_id=order.pk, status="accepted", actor=manager)
    services.change_status(order_id=order.pk, status="new", actor=manager)
    assert Order.objects.get().sync_state == "synced"


@pytest.mark.parametrize(
    ("status", "says"), [("finished", "Завершён"), ("no_such", "no_such")], ids=["not allowed next", "unknown"]
)
def test_refused_status_writes_nothing(order, manager, status, says):
    with pytest.raises(NotAllowedError, match=says):
        services.change_status(order_id=order.pk, status=status, actor=manager)
    assert (Order.objects.get().status_id, OrderEvent.objects.count(), Push.objects.count()) == ("new", 1, 0)


def test_change_status_is_refused_after_final_status(post_webhook, manager):
    post_webhook("order.create", order_data(STATUS_ID="F"))
    with pytest.raises(NotAllowedError):
        services.change_status(order_id=Order.objects.get().pk, status="new", actor=manager)


def test_site_may_set_any_status_after_final_one(order, post_webhook):
    post_webhook("order.update", next_version(order_data(), STATUS_ID="F"))
    post_webhook("order.update", next_version(next_version(order_data()), STATUS_ID="N"))
    assert Order.objects.get().status_id == "new"


def test_edit_order_writes_one_entry_for_site_and_local_fields(order, manager):
    courier = Courier.objects.create(name="Ерлан")
    changes = {"recipient_name": "Мария К.", "delivery_fee": Decimal(2000), "courier": courier, "city": order.city}
    changes["city"] = 2  # this is the present value
    services.edit_order(order_id=order.pk, changes=changes, actor=manager)
    order.refresh_from_db()
    event = order.events.first()
    assert (order.recipient_name, order.delivery_fee, order.courier) == ("Мария К.", Decimal(2000), courier)
    assert event.kind == "changed"
    assert sorted(change["field"] for change in event.changes) == [
        "courier",
        "delivery_fee",
        "recipient_name",
        "total_amount",
    ]


def test_edit_of_local_field_queues_no_push(order, manager):
    services.edit_order(order_id=order.pk, changes={"responsible": manager}, actor=manager)
    assert (Order.objects.get().sync_state, Push.objects.count()) == ("synced", 0)


def test_edit_order_with_present_values_writes_nothing(order, manager):
    services.edit_order(order_id=order.pk, changes={"recipient_name": "Мария"}, actor=manager)
    assert (OrderEvent.objects.count(), Push.objects.count()) == (1, 0)


def test_edit_order_updates_and_adds_items(order, manager):
    item = order.items.get()
    vase = ItemSnapshot(
        bitrix_basket_id=None,
        bitrix_product_id=None,
        quantity=Decimal(1),
        price=Decimal(3000),
        product_snapshot={"name": "Ваза", "currency": "KZT"},
    )
    more = ItemSnapshot(
        bitrix_basket_id=item.bitrix_basket_id,
        bitrix_product_id=item.bitrix_product_id,
        quantity=Decimal(2),
        price=item.price,
        product_snapshot=item.product_snapshot,
    )
    services.edit_order(order_id=order.pk, changes={}, items=[more, vase], actor=manager)
    assert [(line.name, line.quantity, line.total) for line in order.items.all()] == [
        ("Букет Стандарт", Decimal(2), Decimal(15000)),
        ("Ваза", Decimal(1), Decimal(3000)),
    ]
    assert order.items.first().pk == item.pk
    assert Push.objects.get().fields == ["items", "total_amount"]


@pytest.mark.parametrize("field", ["status", "order_number", "bitrix_user_id", "bitrix_state", "no_such_field"])
def test_edit_order_refuses_fields_that_staff_can_not_edit(order, manager, field):
    with pytest.raises(NotAllowedError, match=field):
        services.edit_order(order_id=order.pk, changes={field: "x"}, actor=manager)
    assert OrderEvent.objects.count() == 1


def test_create_order_fills_in_defaults_and_queues_push(manager):
    product = Product.objects.create(name="Букет", price=5000, bitrix_product_id=5)
    items = [NewItem(product=product, quantity=Decimal(2)), NewItem(name="Открытка", price=Decimal(500))]
    order = services.create_order(items=items, actor=manager, fields={"delivery_fee": Decimal(1500)})
    assert (order.status_id, order.delivery_slot_id, order.city_id, order.shop_id) == ("new", "18", 2, 17008)
    assert (order.total_amount, order.sync_state) == (Decimal(12000), "pending")
    assert order.order_number.startswith("CRM-")
    assert [(item.name, item.total) for item in order.items.all()] == [
        ("Букет", Decimal(10000)),
        ("Открытка", Decimal(500)),
    ]
    assert order.events.get().actor == manager
    assert Push.objects.get().order == order


@pytest.mark.parametrize(
    ("items", "fields"),
    [
        ([], {}),
        ([NewItem(name="", price=Decimal(1))], {}),
        ([NewItem(name="Роза")], {}),
        ([NewItem(name="Роза", price=Decimal(1), quantity=Decimal(0))], {}),
        ([NewItem(name="Роза", price=Decimal(1))], {"status": "finished"}),
        ([NewItem(name="Роза", price=Decimal(1))], {"search": "x"}),
    ],
    ids=["no items", "no name", "no price", "quantity of zero", "status as field", "unknown field"],
)
def test_create_order_refuses_invalid_input_and_writes_nothing(manager, items, fields):
    with pytest.raises(NotAllowedError):
        services.create_order(items=items, fields=fields, actor=manager)
    assert (Order.objects.count(), OrderItem.objects.count(), Push.objects.count()) == (0, 0, 0)


def test_created_orders_get_different_numbers(manager):
    item = NewItem(name="Роза", price=Decimal(1))
    numbers = {services.create_order(items=[item], actor=manager).order_number for _ in range(3)}
    assert len(numbers) == 3


@pytest.mark.parametrize(
    "text",
    [
        "122183",
        "1221",
        "мария",
        "Мар",
        "абая 150",
        "Абая",
        "8 701 123-45-67",
        "+7 (701) 123-45-67",
        "87011234567",
        "7011234567",
        "701 123",
        "8 701 123",
        "1234567",
        "4567",
        "123-45-67",
        "мария 122183",
    ],
)
def test_search_finds_order_by_number_name_address_or_phone(order, text):
    assert Order.objects.filter(search=search_query(text, may_see_phones=True)).get() == order


@pytest.mark.parametrize("text", ["122184", "Марина", "7654", "8 702 123-45-67", "Фурманова"])
def test_search_does_not_find_order_by_other_text(order, text):
    assert not Order.objects.filter(search=search_query(text, may_see_phones=True)).exists()


@pytest.mark.parametrize("text", ["", "  ", "'", "!!!", "\\", ":*", "&|", "a & | b", "'; DROP TABLE orders; --", "\0x"])
def test_search_accepts_any_text(order, text):
    query = search_query(text, may_see_phones=True)
    assert query is None or list(Order.objects.filter(search=query)) in ([], [order])


def test_search_treats_yo_and_ye_as_equal(post_webhook):
    post_webhook("order.create", order_data(properties={"nameRecipient": "Алёна Семёнова"}))
    assert Order.objects.filter(search=search_query("алена семен", may_see_phones=True)).exists()


def test_search_finds_customer_by_last_four_digits_of_phone(order):
    assert Customer.objects.filter(search=search_query("4567", may_see_phones=True)).get() == order.customer


def test_status_clean_refuses_code_of_another_status_and_unknown_next_status():
    status = Status(code="extra", name="Ещё", bitrix_codes=["AP"], next_codes=["nowhere"])
    with pytest.raises(Exception, match="Принят"):
        status.clean()
    status.bitrix_codes = ["EX"]
    with pytest.raises(Exception, match="nowhere"):
        status.clean()
