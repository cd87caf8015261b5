"""Tests of `manage.py adopt_supabase` with a database like the shop's, and of the CRM afterwards."""

from decimal import Decimal
from io import StringIO

import psycopg
import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from psycopg import sql

from bitrix_bridge.models import Push
from bitrix_bridge.sandbox import Sandbox
from cvety_crm.adoption import engine, moving
from cvety_crm.adoption.rows import KEPT, is_same
from cvety_crm.ops.row_level_security import unprotected_tables
from cvety_crm.outbox import deliver_due
from cvety_crm.users import User
from notifications.models import TelegramChat
from orders import services
from orders.models import Customer, Order, OrderEvent, OrderItem, Payment, Product, Shop
from tests import scratch_database
from tests.cvety_crm.adoption import earlier_shop as shop
from tests.samples import next_version, order_data

pytestmark = pytest.mark.slow

MOVED = ("users", "sellers", "products", "orders", "order_items", "couriers")
STAYED = ("telegram_users", "flowers", "product_composition", "sync_log")
JSON_COLUMNS = {"users": "preferences", "products": "metadata", "orders": "metadata", "order_items": "product_snapshot"}
RENAMED = {"user_name": "contact_name", "user_phone": "contact_phone", "user_email": "contact_email"}


def snapshot(schemas):
    return {table: shop.stored(table, schema) for table, schema in schemas.items()}


def tables_in(schema):
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema])
        return {name for (name,) in cursor.fetchall()}


def count_as(role, table):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
        cursor.execute(f"SELECT count(*) FROM {table}")
        return cursor.fetchone()[0]


class TestBefore:
    def test_migrate_refuses_with_one_line_and_changes_nothing(self, earlier):
        before = tables_in("public")
        with pytest.raises(CommandError) as caught:
            call_command("migrate", verbosity=0, skip_checks=False)
        assert "adopt_supabase" in str(caught.value)
        assert "\n" not in str(caught.value)
        assert tables_in("public") == before

    def test_report_names_tables_columns_statuses_and_rows_and_changes_nothing(self, earlier, adopt):
        before = snapshot(dict.fromkeys((*MOVED, *STAYED), "public"))
        output = adopt(duplicates="newest")
        assert snapshot(dict.fromkeys((*MOVED, *STAYED), "public")) == before
        assert tables_in("public") == {*MOVED, *STAYED}
        lines = {" ".join(line.split()) for line in output.splitlines()}
        assert "whatsapp_thread неизвестна, сохраняется text" in lines
        assert "delivery_date другого типа text → date" in lines
        assert "name шире character varying(1000) → varchar(600)" in lines
        assert "quantity другого типа integer → numeric(10, 3)" in lines
        assert any(line.startswith("is_pickup отсутствует, заполняется") for line in lines)
        assert "1 confirmed → Подтверждён (confirmed)" in lines
        assert "1 UN → Нереализован (unrealized)" in lines
        assert "order_items 1 остаются в прежней таблице: такого заказа нет" in lines
        assert "Ничего не изменено" in output

    def test_database_of_the_crm_is_not_adopted(self, db, adopt):
        with pytest.raises(CommandError, match="уже принадлежит CRM"):
            adopt()

    def test_empty_database_is_not_adopted_and_foreign_one_is_not_touched(self, empty, adopt):
        with pytest.raises(CommandError, match="migrate"):
            adopt()
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE wp_posts (id int)")
        for command, options in (("adopt_supabase", {}), ("migrate", {"skip_checks": False})):
            with pytest.raises(CommandError) as caught:
                call_command(command, **options)
            assert "\n" not in str(caught.value)
        assert tables_in("public") == {"wp_posts"}

    def test_table_added_by_hand_does_not_stop_migrate(self, adopted):
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE added_by_hand (id int)")
        call_command("migrate", verbosity=0, skip_checks=False)
        assert unprotected_tables(connection) == []

    def test_table_that_cannot_be_moved_stops_the_adoption(self, earlier, adopt, superuser):
        with scratch_database.connected(earlier, superuser), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE couriers OWNER TO authenticated")
        with pytest.raises(CommandError, match="couriers принадлежит другой роли"):
            adopt(apply=True, without_backup=True)
        with scratch_database.connected(earlier, superuser), connection.cursor() as cursor:
            cursor.execute("DROP TABLE couriers; CREATE VIEW couriers AS SELECT 1 AS id")
        with pytest.raises(CommandError, match="«couriers» — представление"):
            adopt(apply=True, without_backup=True)

    def test_table_in_use_stops_the_adoption_before_anything_is_changed(self, earlier, adopt, monkeypatch):
        monkeypatch.setattr(moving, "LOCK_SECONDS", 1)
        with psycopg.connect(**connection.get_connection_params()) as other:
            other.execute("SELECT count(*) FROM orders")  # its lock lasts until the end of the transaction
            with pytest.raises(CommandError, match="другая программа"):
                adopt(apply=True, without_backup=True)
        assert tables_in("public") == {*MOVED, *STAYED}
        assert tables_in("earlier_crm") == set()

    def test_unknown_status_stops_the_adoption_until_the_owner_names_ours(self, earlier, adopt):
        shop.insert("orders", {"id": shop.order_id(9), "status": "на складе", "total_amount": 1})
        shop.insert("orders", {"id": shop.order_id(10), "status": None, "total_amount": 1})
        out = StringIO()
        with pytest.raises(CommandError):
            call_command("adopt_supabase", apply=True, without_backup=True, stdout=out)
        assert "на складе" in out.getvalue()
        assert shop.order_id(9) in out.getvalue()
        assert tables_in("public") == {*MOVED, *STAYED}
        with pytest.raises(CommandError):
            adopt(status=["на складе=nothing_like_it", "=new"])
        output = adopt(status=["на складе=ready_pickup", "=N"])
        assert "на складе → Готов к выдаче (ready_pickup)" in output
        assert "(пусто) → Новый (new)" in output

    def test_rows_with_one_id_of_the_site_stop_the_adoption_unless_the_newest_keeps_it(self, earlier, adopt):
        twin = {"id": shop.order_id(9), "order_number": "122183", "status": "new", "bitrix_order_id": 122183,
                "total_amount": 1, "updated_at": "2026-01-01T00:00:00Z"}  # fmt: skip
        shop.insert("orders", twin)
        with pytest.raises(CommandError):
            adopt(apply=True, without_backup=True)
        adopt(apply=True, without_backup=True, duplicates="newest")
        newest, older = Order.objects.get(pk=shop.order_id(9)), Order.objects.get(pk=shop.order_id(1))
        assert (newest.bitrix_order_id, older.bitrix_order_id) == (122183, None)
        assert older.metadata[KEPT]["bitrix_order_id"] == 122183
        assert older.has_left_site

    def test_apply_needs_a_backup_or_the_word_that_there_is_one(self, earlier, adopt):
        with pytest.raises(CommandError, match="--backup"):
            adopt(apply=True)
        assert tables_in("public") == {*MOVED, *STAYED}

    def test_backup_is_a_whole_dump_that_only_its_owner_reads(self, earlier, adopt, tmp_path):
        file = tmp_path / "before.dump"
        assert str(file) in adopt(apply=True, backup=str(file))
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.read_bytes().startswith(b"PGDMP")


class TestInterruption:
    @pytest.mark.parametrize(
        "place", ["orders.services.adoption.items.mark_unknown_items", "notifications.adoption.TelegramChat.objects"]
    )
    def test_interrupted_adoption_continues_and_repeats_nothing(self, earlier, adopt, monkeypatch, place):
        before = snapshot(dict.fromkeys(MOVED, "public"))
        with monkeypatch.context() as patch:
            patch.setattr(place, None)
            with pytest.raises(TypeError if "items" in place else AttributeError):
                adopt(apply=True, without_backup=True)
        assert OrderItem.objects.exists() is ("items" not in place)
        events = OrderEvent.objects.count()
        adopt(apply=True, without_backup=True)
        assert (OrderItem.objects.count(), TelegramChat.objects.count()) == (4, 2)
        assert OrderEvent.objects.count() == events == 4
        assert snapshot(dict.fromkeys(MOVED, "earlier_crm")) == before

    def test_interruption_before_migrate_is_continued(self, earlier, adopt, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr(engine, "call_command", None)
            with pytest.raises(TypeError):
                adopt(apply=True, without_backup=True)
        assert tables_in("public") == set(STAYED)
        adopt(apply=True, without_backup=True)
        assert Order.objects.count() == 4

    def test_second_adoption_changes_nothing(self, adopted, adopt):
        before = snapshot(dict.fromkeys(("orders", "users", "order_items", "telegram_chats"), "public"))
        assert "уже" in adopt(apply=True, without_backup=True)
        assert snapshot(dict.fromkeys(before, "public")) == before


class TestRows:
    def test_earlier_tables_are_kept_as_they_were(self, adopted, earlier_template):
        after = snapshot(dict.fromkeys(MOVED, "earlier_crm") | dict.fromkeys(STAYED, "public"))
        with scratch_database.connected(earlier_template):
            before = snapshot(dict.fromkeys((*MOVED, *STAYED), "public"))
        assert after == before

    @pytest.mark.parametrize("table", sorted(JSON_COLUMNS))
    def test_no_value_is_lost(self, adopted, table):
        """Each earlier value is in its column, or among the kept values of the new row."""
        new = shop.stored(table)
        for key, row in shop.stored(table, "earlier_crm").items():
            if key not in new:
                # An item without an order, and a member of staff who has never ordered.
                assert (table, key) in {
                    ("order_items", shop.item_id(5)),
                    ("users", shop.MANAGER),
                    ("users", shop.FLORIST),
                }
                continue
            kept = new[key][JSON_COLUMNS[table]].get(KEPT, {})
            for column, value in row.items():
                here = new[key].get(RENAMED.get(column, column))
                here = new[key][JSON_COLUMNS[table]].get("name") if column == "product_name" else here
                is_kept = kept.get(column) == value or str(kept.get(column)) == str(value)
                assert value is None or here == value or is_same(value, here) or is_kept, (key, column, value)

    def test_order_of_the_site(self, adopted):
        order = Order.objects.get(pk=shop.order_id(1))
        assert (order.order_number, order.bitrix_order_id, order.status_id) == ("122183", 122183, "confirmed")
        assert str(order.customer_id) == shop.AIGERIM
        assert order.responsible.first_name == "Гульнара"
        assert (order.recipient_phone, order.delivery_slot_id, order.city_id, order.shop_id) == (
            "+77011234567", "18", 2, 17008)  # fmt: skip
        assert (order.total_amount, order.paid_amount, order.payment_method) == (Decimal(9000), Decimal(9000), "kaspi")
        assert (order.sync_state, order.unknown_values) == ("synced", {})
        assert order.updated_at.isoformat() == "2025-08-24T09:30:00.500000+00:00"
        assert order.delivery_district is not None
        assert Payment.objects.get(order=order).amount == 9000
        assert order.events.get().source == "import"
        item = order.items.get()
        assert (str(item.pk), str(item.product_id), item.bitrix_basket_id, item.name) == (
            shop.item_id(1), shop.ROSES, 501, "Букет Стандарт")  # fmt: skip

    def test_unreadable_values_are_unknown_and_not_zero(self, adopted):
        order = Order.objects.get(pk=shop.order_id(2))
        assert order.unknown_values.keys() == {
            "delivery_date", "total_amount", "delivery_fee", "payment_status", "currency", "items"}  # fmt: skip
        assert order.unknown_values["delivery_date"] == "как можно скорее"
        assert order.unknown_values["total_amount"] == "10000000000000"
        assert (order.customer, order.responsible, order.status_id) == (None, None, "unrealized")
        assert (order.delivery_slot_id, order.source) == ("15:00-16:00", "bitrix")
        assert order.recipient_phone == "+77011234567"
        assert "+77017654321" in order.recipient_other_phones
        baskets = list(order.items.order_by("pk").values_list("bitrix_basket_id", flat=True))
        assert baskets == [None, 77, None]

    def test_orders_without_an_id_on_the_site(self, adopted):
        own, closed = Order.objects.get(pk=shop.order_id(3)), Order.objects.get(pk=shop.order_id(4))
        assert (own.own_number, own.status_id, own.has_left_site) == ("CRM-2044", "assembled", False)
        assert (own.total_amount, own.delivery_fee, own.discount_amount) == (-500, Decimal("-100.5"), 100)
        assert (own.delivery_date.isoformat(), own.postcard_text) == ("2025-08-26", shop.HUGE)
        assert (closed.has_left_site, closed.delivery_fee, closed.paid_amount) == (True, 500, Decimal("4000.01"))
        assert closed.completed_at.isoformat() == "2024-02-29T04:00:00+00:00"
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval('order_numbers_crm')")
            assert cursor.fetchone() == (2045,)

    def test_staff_can_do_nothing_until_the_owner_decides(self, adopted, client):
        daniyar, gulnara = User.objects.order_by("username").reverse()
        assert (daniyar.username, gulnara.username) == ("daniyar@cvety.kz", "87770001122")
        for user in (daniyar, gulnara):
            assert (user.is_active, user.is_staff, user.is_superuser) == (False, False, False)
            assert not user.has_usable_password()
            assert not user.groups.exists()
            assert not client.login(username=user.username, password="")

    def test_customers_products_shops_and_chats(self, adopted):
        aigerim, marat = Customer.objects.get(pk=shop.AIGERIM), Customer.objects.get(pk=shop.MARAT)
        assert (aigerim.phone, aigerim.bitrix_user_id, aigerim.orders_count) == ("+77771234567", 1079, 2)
        assert (marat.phone, marat.needs_attention) == ("+77011112233", True)
        assert "+77022223344" in marat.other_phones
        assert Customer.objects.count() == 2
        product = Product.objects.get(pk=shop.ROSES)
        assert (product.bitrix_product_id, product.price, product.image_url) == (
            696613,
            Decimal("7500.5"),
            "/upload/r.jpg",
        )
        assert str(Shop.objects.get(bitrix_id=17008).pk) == shop.SELLER
        chats = dict(TelegramChat.objects.values_list("chat_id", "wants_new_orders"))
        assert chats == {"-100123": True, "555": False}


class TestAfterwards:
    def test_migrate_has_nothing_to_do_and_checks_are_clean(self, adopted):
        call_command("migrate", verbosity=0, check_unapplied=True)
        call_command("migrate", verbosity=0, skip_checks=False)
        connection.close()  # the limit of idle transactions is one of the database, and a copy does not have it
        assert run_checks(tags=["database"], databases=["default"]) == []

    @pytest.mark.parametrize("role", scratch_database.SUPABASE_ROLES[:2])
    def test_supabase_key_reads_nothing(self, adopted, role):
        for table in ("orders", "users", "staff_users", "telegram_users", "flowers"):
            assert count_as(role, table) == 0, table
        with pytest.raises(DatabaseError, match="permission denied"):
            count_as(role, "earlier_crm.orders")

    def test_webhook_updates_the_adopted_order_and_creates_no_other(self, adopted, post_webhook):
        data = order_data(STATUS_ID="CO", PRICE="9500.0000", SUM_PAID="9000.00", PAYED="Y")
        answer = post_webhook("order.update", data).json()
        assert answer["action"] == "updated", answer
        order = Order.objects.get(bitrix_order_id=122183)
        assert (str(order.pk), order.status_id, order.total_amount) == (shop.order_id(1), "assembled", 9500)
        assert (order.sync_state, order.items.count(), str(order.customer_id)) == ("synced", 1, shop.AIGERIM)
        assert order.metadata[KEPT]["whatsapp_thread"] == "w-1"
        assert Order.objects.count() == 4
        assert Customer.objects.count() == 2
        assert not Push.objects.exists()
        repeated = post_webhook("order.update", next_version(data)).json()
        assert repeated["action"] in ("unchanged", "updated")
        assert Order.objects.count() == 4

    def test_status_set_by_staff_is_sent_to_the_site(self, adopted, settings, manager_of_adopted):
        with Sandbox(api_token=settings.BITRIX_API_TOKEN) as sandbox:
            settings.BITRIX_API_URL = sandbox.bridge_url
            placed = sandbox.place_order()
            Order.objects.filter(pk=shop.order_id(1)).update(bitrix_order_id=int(placed["ID"]))
            sandbox.site.order(int(placed["ID"]))
            order = Order.objects.get(pk=shop.order_id(1))
            order.bitrix_state["site_status"] = placed["STATUS_ID"]
            order.save(update_fields=["bitrix_state"])
            services.change_status(order_id=order.pk, status="assembled", actor=manager_of_adopted)
            assert "status" in Push.objects.get().fields
            assert deliver_due() == 1
            assert sandbox.site.order(int(placed["ID"]))["STATUS_ID"] == "CO"
        order.refresh_from_db()
        assert order.sync_state == "synced"

    def test_list_and_page_of_an_adopted_order_open(self, adopted, client, manager_of_adopted):
        client.force_login(manager_of_adopted)
        listed = client.get(reverse("admin:orders_order_changelist"), {"q": "122183"}).content.decode()
        assert "122183" in listed
        for number in (1, 2, 3, 4):
            response = client.get(reverse("admin:orders_order_change", args=[shop.order_id(number)]))
            assert response.status_code == 200
        assert "как можно скорее" in client.get(
            reverse("admin:orders_order_change", args=[shop.order_id(2)])).content.decode()  # fmt: skip

    def test_system_status_reports_migrations_as_applied(self, adopted):
        out = StringIO()
        with pytest.raises(SystemExit):
            call_command("system_status", stdout=out)
        lines = out.getvalue().splitlines()
        assert any(line.startswith("✔ Миграции") for line in lines), out.getvalue()


@pytest.fixture
def manager_of_adopted(adopted) -> User:
    """Return a superuser of the adopted database."""
    return User.objects.create_superuser("owner", password="made-up-password", first_name="Данияр")
