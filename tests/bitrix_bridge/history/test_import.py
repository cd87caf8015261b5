"""Tests of a complete import: a week of orders from MariaDB into PostgreSQL, in two versions of the site's tables."""

from collections import Counter
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.forms import model_to_dict

from bitrix_bridge.history import importing
from bitrix_bridge.history.catalogue import read_knowledge
from bitrix_bridge.history.documents import document
from bitrix_bridge.history.reading import Selection, read_orders
from bitrix_bridge.history.runs import imports
from bitrix_bridge.models import ImportRow, ImportRun, Push, WebhookEvent
from cvety_crm.long_runs.engine import AlreadyRunningError, LeaseLostError
from notifications.models import TelegramChat, TelegramMessage
from orders.models import City, Customer, Order, OrderEvent, OrderItem, Product, Shop, Status
from tests.bitrix_bridge.history.tables import Schema
from tests.bitrix_bridge.history.week import ORDERS, RUNNING, SYSTEM_SHIPMENTS, expected

pytestmark = pytest.mark.django_db
ALMATY = ZoneInfo("Asia/Almaty")
IDS = {order.id for order in ORDERS}
only_new = pytest.mark.parametrize("schema", [Schema.NEW])


def imported(source, **selection) -> ImportRun:
    """Import the selected orders in this process, and return the run."""
    run = importing.start(source, Selection(**selection))
    assert importing.work(run, source)
    run.refresh_from_db()
    return run


def outcomes() -> dict[int, str]:
    newest = ImportRun.objects.first()
    return dict(ImportRow.objects.filter(run=newest).values_list("bitrix_order_id", "outcome"))


def whole_database() -> dict[str, str]:
    """Return a digest of the rows of each table."""
    with connection.cursor() as cursor:
        tables = sorted(connection.introspection.table_names(cursor))
        digests = {}
        for table in tables:
            cursor.execute(f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM \"{table}\" t")
            digests[table] = cursor.fetchone()[0]
    return digests


def test_all_54_orders_are_imported_with_the_expected_reasons(source, schema):
    run = imported(source)
    rows = {row.bitrix_order_id: row for row in ImportRow.objects.all()}
    assert Counter(row.outcome for row in rows.values()) == {"created": 54, "skipped": 1}
    assert rows[RUNNING.id].outcome == "skipped"
    reported = {key: {reason["code"] for reason in row.reasons} for key, row in rows.items()}
    assert {key: reported[key] for key in IDS} == {order.id: expected(order, schema) for order in ORDERS}
    assert (run.state, run.come_over, run.skipped, run.failed, run.carts) == ("done", 54, 1, 0, 3)
    assert run.system_shipments == SYSTEM_SHIPMENTS
    assert set(Order.objects.values_list("bitrix_order_id", "source")) == {(key, "import") for key in IDS}


@only_new
def test_timeline_has_every_reason_of_an_order(source):
    imported(source)
    for row in ImportRow.objects.filter(outcome="created"):
        created = OrderEvent.objects.get(order=row.order, kind="created")
        noted = created.details.get("remarks", []) + created.details.get("problems", [])
        assert len(noted) == len(row.reasons), row.bitrix_order_id
        assert created.happened_at == row.order.created_at


@only_new
def test_imported_order_equals_the_order_of_a_webhook(source, post_webhook):
    """An order of the import is equal to the order that a webhook with the same dictionary creates.

    This includes the items and the customer.
    """
    imported(source)
    history = {order.bitrix_order_id: everything(order) for order in Order.objects.all()}
    OrderEvent.objects.all().delete()
    ImportRow.objects.all().delete()
    OrderItem.objects.all().delete()
    Order.objects.all().delete()
    Customer.objects.all().delete()
    knowledge = read_knowledge(source)
    for made in (document(order, knowledge) for order in read_orders(source, sorted(IDS)).orders):
        # Only the import replaces a date that the rows of an order lack.
        made.data["DATE_INSERT"] = made.data["DATE_INSERT"] or "2025-08-11 09:00:00"
        assert post_webhook("order.create", made.data).json()["action"] == "created"
    live = {order.bitrix_order_id: everything(order) for order in Order.objects.all()}
    assert live.keys() == history.keys()
    assert live == history


def everything(order: Order) -> dict[str, object]:
    """Return the values of an order, its items and its customer.

    The result has no primary keys, no `source`, and none of the times at which the order was saved or completed.
    """
    own = {"id", "customer", "source", "created_at", "completed_at"}
    values = {name: value for name, value in model_to_dict(order).items() if name not in own}
    values |= {name: getattr(order, name) for name in ("metadata", "bitrix_version", "bitrix_updated_at")}
    values["agreed"] = order.bitrix_state["agreed"]
    lines = ("bitrix_basket_id", "bitrix_product_id", "quantity", "price", "total", "product_snapshot")
    values["lines"] = list(order.items.order_by("position").values(*lines))
    values["whose"] = order.customer and [getattr(order.customer, name) for name in ("name", "phone", "email")]
    return values


@only_new
def test_import_sends_no_messages_pushes_or_tasks(source, django_capture_on_commit_callbacks, settings):
    settings.TELEGRAM_NOTIFICATIONS_ENABLED = True
    settings.TELEGRAM_BOT_TOKEN = "1:made-up"
    TelegramChat.objects.create(chat_id="-100", title="Заказы")
    with django_capture_on_commit_callbacks() as after_commit:
        imported(source)
    assert Status.objects.filter(bitrix_codes__contains=["ZZ"], needs_attention=True).exists()
    assert not Push.objects.exists()
    assert not TelegramMessage.objects.exists()
    assert not WebhookEvent.objects.exists()
    assert after_commit == []
    assert set(Order.objects.values_list("sync_state", flat=True)) == {"synced"}


@only_new
def test_reference_data_and_products_are_imported_with_names(source):
    imported(source)
    assert Status.objects.get(bitrix_codes__contains=["UN"]).name == "Нереализован"
    assert City.objects.get(bitrix_id=2).name == "Алматы"
    assert Shop.objects.get(bitrix_id=17008).name == "CVETYKZ"
    known = Product.objects.get(bitrix_product_id=696613)
    assert (known.name, known.needs_attention, known.image_url != "") == ("Букет «Стандарт»", False, True)
    assert Product.objects.get(bitrix_product_id=5121).needs_attention


@only_new
def test_import_names_a_stub_status_and_keeps_names_given_by_staff(source, post_webhook):
    for number, code in enumerate(("UN", "ZZ"), 1):
        post_webhook("order.create", {"ID": number, "STATUS_ID": code, "VERSION": 1})
    assert Status.objects.get(code="bitrix_UN").name == "Статус сайта UN"
    Status.objects.filter(code="bitrix_ZZ").update(name="Забытый")
    Status.objects.filter(code="accepted").update(name="Взят")
    imported(source)
    names = dict(Status.objects.values_list("code", "name"))
    assert (names["bitrix_UN"], names["bitrix_ZZ"], names["accepted"]) == ("Нереализован", "Забытый", "Взят")


@only_new
def test_status_with_unfitting_name_in_the_copy_is_questioned(source, site_copy):
    site_copy.execute("UPDATE b_sale_status_lang SET NAME = 'В пути' WHERE STATUS_ID = 'DE' AND LID = 'ru'")
    site_copy.execute("UPDATE b_sale_order SET STATUS_ID = 'DE' WHERE ID = 122104")
    run = imported(source)
    declined = Status.objects.get(code="declined")
    assert (declined.name, declined.stage, declined.questioned_stage) == ("Отклонён", "problem", "cancelled")
    reasons = [one for one in ImportRow.objects.get(run=run, bitrix_order_id=122104).reasons if "status" in one["code"]]
    text = "DE: на сайте «В пути», здесь «Отклонён» (этап «Отменён»)"
    assert reasons == [{"code": "questioned_status", "subject": text}]
    assert not TelegramMessage.objects.exists()


def test_status_history_has_dates_and_users_of_the_site(source, schema):
    imported(source)
    order = next(order for order in ORDERS if order.status == "F" and not order.expected)
    mirrored = Order.objects.get(bitrix_order_id=order.id)
    entries = list(mirrored.events.filter(kind="status").order_by("happened_at"))
    changes = [(entry.changes[0]["old"], entry.changes[0]["new"]) for entry in entries]
    assert changes == [
        ("new", "accepted"),
        ("accepted", "processing"),
        ("processing", "delivering"),
        ("delivering", "completed"),
        ("completed", "finished"),
    ]
    assert all(entry.source == "import" for entry in entries)
    assert any(entry.details.get("who") for entry in entries)
    moments = [mirrored.created_at, *(entry.happened_at for entry in entries)]
    assert moments == sorted(moments)
    assert moments[-1].year == 2025
    assert mirrored.completed_at is not None
    assert mirrored.completed_at.year == 2025
    newest = mirrored.events.first()
    assert newest.kind == "status"
    assert newest.changes[0]["new"] == mirrored.status_id


@only_new
def test_timeline_has_one_entry_for_each_payment(source):
    imported(source)
    paid_twice = Order.objects.get(bitrix_order_id=next(order.id for order in ORDERS if len(order.payments or ()) == 2))
    sums = [
        change["new"]
        for event in paid_twice.events.order_by("happened_at")
        for change in event.changes
        if change["field"] == "paid_amount"
    ]
    assert [Decimal(text) for text in sums] == sorted(Decimal(text) for text in sums)
    assert len(sums) == 2
    assert Decimal(sums[-1]) == paid_twice.paid_amount


@only_new
def test_second_import_changes_no_orders(source):
    imported(source)
    before = whole_database()
    second = imported(source)
    after = whole_database()
    assert (second.created, second.updated, second.unchanged, second.skipped) == (0, 0, 54, 1)
    changed = {table for table in before if before[table] != after[table]}
    assert changed == {"bitrix_import_runs", "bitrix_import_rows"}


@only_new
def test_import_of_a_newer_copy_updates_a_changed_order(source, site_copy):
    imported(source)
    site_copy.execute(
        "UPDATE b_sale_order SET PRICE = 9900, VERSION = VERSION + 1, DATE_UPDATE = '2025-09-01' WHERE ID = %s",
        [ORDERS[0].id],
    )
    second = imported(source)
    assert (second.updated, second.unchanged) == (1, 53)
    order = Order.objects.get(bitrix_order_id=ORDERS[0].id)
    assert order.total_amount == 9900
    entry = order.events.filter(kind="changed", source="import").first()
    assert entry.changes[0]["field"] == "total_amount"
    assert entry.happened_at.year > 2025


class TestOrdersReceivedByWebhook:
    @only_new
    def test_import_keeps_an_order_with_a_newer_version(self, source, post_webhook):
        imported(source)
        order = Order.objects.get(bitrix_order_id=ORDERS[0].id)
        newer = {"ID": ORDERS[0].id, "VERSION": order.bitrix_version + 1, "STATUS_ID": "F", "PRICE": "1.00"}
        assert post_webhook("order.update", newer).json()["action"] == "updated"
        self.assert_unchanged_by_import(source, "finished", 1)
        assert {
            reason["code"]
            for reason in ImportRow.objects.filter(run=ImportRun.objects.first())
            .get(bitrix_order_id=ORDERS[0].id)
            .reasons
        } >= {"newer_here"}

    @only_new
    def test_import_keeps_a_newer_status_of_an_event_without_version(self, source, post_webhook):
        """The event contains the status and no version.

        Only the status is therefore newer than the copy of the site's database.
        """
        imported(source)
        bare = {"ID": ORDERS[0].id, "STATUS_ID": "P"}
        assert post_webhook("order.status.change", bare).json()["action"] in ("status_changed", "unchanged")
        self.assert_unchanged_by_import(source, "processing")

    @only_new
    def test_import_keeps_an_order_received_without_version_and_date(self, source, post_webhook):
        bare = {"ID": ORDERS[0].id, "STATUS_ID": "F", "PRICE": "1.00", "properties": [], "basket": []}
        assert post_webhook("order.create", bare).json()["action"] == "created"
        self.assert_unchanged_by_import(source, "finished", 1)

    @only_new
    def test_import_completes_a_stub(self, source, post_webhook):
        post_webhook("order.status.change", {"ID": ORDERS[0].id, "STATUS_ID": "F"})
        assert Order.objects.get().is_stub
        imported(source)
        order = Order.objects.get(bitrix_order_id=ORDERS[0].id)
        assert (order.status_id, order.is_stub, order.items.exists()) == ("finished", False, True)

    @only_new
    def test_site_history_is_added_once_and_only_before_the_first_entry(self, source, post_webhook):
        """If an order was received by webhook, the import adds only the entries that are older than this webhook.

        Newer entries are on the timeline already.
        """
        order = next(order for order in ORDERS if order.status == "F" and not order.expected)
        knowledge = read_knowledge(source)
        made = document(read_orders(source, [order.id]).orders[0], knowledge)
        post_webhook("order.create", made.data)
        first = OrderEvent.objects.get()
        halfway = datetime(2025, 8, 1, tzinfo=ALMATY)
        OrderEvent.objects.filter(pk=first.pk).update(happened_at=halfway)
        assert imported(source, order_ids=(order.id,)).unchanged == 1
        assert OrderEvent.objects.count() == 1
        OrderEvent.objects.filter(pk=first.pk).update(happened_at=datetime(2026, 1, 1, tzinfo=ALMATY))
        assert imported(source, order_ids=(order.id,)).updated == 1
        assert OrderEvent.objects.filter(source="import", kind="status").count() == 5
        assert imported(source, order_ids=(order.id,)).unchanged == 1

    def assert_unchanged_by_import(self, source, status, total=None):
        assert imported(source).failed == 0
        order = Order.objects.get(bitrix_order_id=ORDERS[0].id)
        assert order.status_id == status
        assert total is None or order.total_amount == total


class TestDryRun:
    def test_dry_run_changes_nothing_and_has_the_outcomes_of_a_real_run(self, source, schema):
        before = whole_database()
        with importing.rolled_back():
            imported(source)
            forecast = list(
                ImportRow.objects.order_by("bitrix_order_id").values_list("bitrix_order_id", "outcome", "reasons")
            )
        assert whole_database() == before
        imported(source)
        real = list(ImportRow.objects.order_by("bitrix_order_id").values_list("bitrix_order_id", "outcome", "reasons"))
        assert forecast == real
        assert len(real) == 55

    @only_new
    def test_dry_run_of_a_changed_copy_has_the_outcomes_of_a_real_run(self, source, site_copy):
        imported(source)
        site_copy.execute("UPDATE b_sale_order SET PRICE = 1, VERSION = 99 WHERE ID IN (122101, 122120)")
        before = whole_database()
        with importing.rolled_back():
            imported(source)
            forecast = outcomes()
        assert whole_database() == before
        imported(source)
        assert forecast == outcomes()
        assert Counter(forecast.values()) == {"updated": 2, "unchanged": 52, "skipped": 1}


class TestSelection:
    @only_new
    @pytest.mark.parametrize(
        ("selection", "ids"),
        [
            ({"count": 3}, [122101, 122102, 122103]),
            ({"first_id": 122150, "count": 2}, [122150, 122151]),
            ({"order_ids": (122120,)}, [122120]),
            ({"order_ids": (5,)}, []),
        ],
    )
    def test_import_of_selected_ids(self, source, selection, ids):
        imported(source, **selection)
        assert sorted(outcomes()) == ids

    @only_new
    def test_import_of_one_day_in_the_shops_time_zone(self, source, site_copy):
        """The selected day is a day in the shop's time zone. The server's time zone has no effect."""
        since, until = datetime(2025, 8, 12, tzinfo=ALMATY), datetime(2025, 8, 13, tzinfo=ALMATY)
        imported(source, since=since, until=until)
        placed = site_copy.execute("SELECT ID FROM b_sale_order WHERE DATE(DATE_INSERT) = '2025-08-12'")
        assert sorted(outcomes()) == sorted(row[0] for row in placed) != []

    @only_new
    def test_batch_size_does_not_change_the_result(self, source):
        run = importing.start(source, Selection(), batch_size=54)
        importing.work(run, source)
        large = {order.bitrix_order_id: everything(order) for order in Order.objects.all()}
        for model in (ImportRow, OrderEvent, OrderItem, Order, Customer):
            model.objects.all().delete()
        run = importing.start(source, Selection(), batch_size=1)
        importing.work(run, source)
        assert {order.bitrix_order_id: everything(order) for order in Order.objects.all()} == large


class TestErrors:
    @only_new
    def test_failed_order_does_not_stop_others_and_is_imported_by_a_retry(self, source, caplog):
        refuse("122107")
        run = imported(source)
        assert (run.created, run.failed, run.state) == (53, 1, "done")
        row = ImportRow.objects.get(bitrix_order_id=122107)
        assert row.outcome == "failed"
        assert row.reasons[-1]["code"] == "failed"
        assert "no such day" in str(row.reasons)
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER refuse ON orders")
        assert imports.resume(run, is_claimed=True)
        assert importing.work(run, source)
        run.refresh_from_db()
        assert (run.created, run.failed, run.state, run.come_over) == (54, 0, "done", 54)
        assert ImportRow.objects.get(bitrix_order_id=122107).outcome == "created"
        assert not imports.resume(run, is_claimed=True)

    @only_new
    def test_order_that_fails_again_in_a_retry_stays_failed(self, source, caplog):
        refuse("122107")
        run = imported(source)
        assert imports.resume(run, is_claimed=True)
        assert importing.work(run, source)
        run.refresh_from_db()
        assert (run.created, run.failed, run.state) == (53, 1, "done")

    @only_new
    def test_import_continues_after_a_lost_connection_to_the_copy(self, source, site_copy, monkeypatch):
        monkeypatch.setattr(importing, "RECONNECT_DELAYS", (0.0, 0.0))
        run = importing.start(source, Selection())
        broken = []

        def break_once(_run):
            if not broken:
                broken.append(True)
                (session,) = site_copy.execute("SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'reader'")[0]
                site_copy.execute(f"KILL {session}")

        assert importing.work(run, source, on_progress=break_once)
        run.refresh_from_db()
        assert broken
        assert run.created == 54

    @only_new
    def test_second_import_at_the_same_time_raises_error(self, source):
        importing.start(source, Selection())
        with pytest.raises(AlreadyRunningError, match="уже идёт"):
            importing.start(source, Selection())

    @only_new
    def test_import_that_lost_its_lease_writes_nothing(self, source):
        run = importing.start(source, Selection())
        imports.stop(run)
        with pytest.raises(LeaseLostError):
            importing.work(run, source)
        assert not Order.objects.exists()


def refuse(number: str) -> None:
    """Create a trigger that raises an error when the order with this number is inserted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN IF NEW.order_number = '{number}' THEN RAISE EXCEPTION 'no such day'; END IF; RETURN NEW; END $$"
        )
        cursor.execute("CREATE TRIGGER refuse BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION refuse()")


@only_new
def test_query_count_does_not_grow_with_order_lines(source, site_copy, django_assert_max_num_queries):
    """An order with forty items needs as many queries as the same order with one item."""
    order = next(order for order in ORDERS if not order.expected)
    with django_assert_max_num_queries(90) as few:
        imported(source, order_ids=(order.id,))
    Order.objects.all().delete()
    columns = (
        "FUSER_ID, ORDER_ID, PRODUCT_ID, PRICE, CURRENCY, DATE_INSERT, DATE_UPDATE, QUANTITY, LID, NAME, DISCOUNT_PRICE"
    )
    site_copy.execute("SET sql_mode = ''")
    for _ in range(40):
        site_copy.execute(
            f"INSERT INTO b_sale_basket ({columns}) SELECT {columns} FROM b_sale_basket WHERE ORDER_ID = %s LIMIT 1",
            [order.id],
        )
    Customer.objects.all().delete()
    Product.objects.all().delete()
    with django_assert_max_num_queries(90) as many:
        imported(source, order_ids=(order.id,))
    assert Order.objects.get().items.count() > 40
    assert len(many) <= len(few) + 1
