"""Tests of the order's page: its contents, saving, concurrent changes, and the number of queries."""

from decimal import Decimal

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bitrix_bridge.models import Push
from orders import services
from orders.models import City, EventKind, Order, OrderEvent, Product, Reason, Source, SyncState
from tests.orders.admin.conftest import change_url
from tests.page_forms import read_form


def page(browser, order, **query):
    answer = browser.get(change_url(order), query)
    assert answer.status_code == 200
    return answer.content.decode()


def seen_form(browser, order):
    return read_form(page(browser, order), "order_form")


def last_change(order):
    return {change["field"]: change["new"] for change in order.events.filter(kind=EventKind.CHANGED).first().changes}


def test_page_shows_order_customer_items_and_timeline(browser, make_order, manager):
    order = make_order()
    services.change_status(order_id=order.pk, status="accepted", actor=manager, comment="звонили")
    html = page(browser, order)

    for text in (
        "№&nbsp;122183", "Принят", "9\xa0000\xa0₸", "Мария", "С днём рождения, мама! 🌹", "без лилий, аллергия",
        "позвонить за час", "Букет Стандарт", "Айгерим", "tel:+77771234567", "Данияр", "звонили", "Новый",
        "ждёт отправки",
    ):  # fmt: skip
        assert text in html, text
    push = Push.objects.get()
    event = OrderEvent.objects.get(kind=EventKind.CREATED)
    assert reverse("admin:bitrix_bridge_push_change", args=[push.pk]) in html
    assert reverse("admin:bitrix_bridge_webhookevent_change", args=[event.webhook_event_id]) in html


def test_header_shows_city_once_when_address_begins_with_it(browser, make_order):
    """Addresses from the site often begin with the city."""
    order = make_order()
    city = str(order.city)
    for address in (f"{city}, ул. Абая 150", "ул. Абая 150"):
        Order.objects.update(delivery_address=address)
        head = page(browser, order).partition('class="crm-side"')[0]
        assert f"{city}, ул. Абая 150" in head
        assert f"{city}, {city}" not in head


def test_saving_unchanged_form_changes_nothing(browser, make_order, save):
    order = make_order()
    assert save(order).status_code == 302
    assert not order.events.filter(kind=EventKind.CHANGED).exists()
    assert not Push.objects.exists()


def test_saving_sends_only_changed_fields_to_service(browser, manager, make_order, save):
    order = make_order()
    answer = save(order, recipient_name="Анна", delivery_slot="18", delivery_date="26.08.2099", is_surprise="on")
    assert answer.status_code == 302

    event = order.events.get(kind=EventKind.CHANGED)
    assert {change["field"] for change in event.changes} == {"recipient_name", "delivery_date", "is_surprise"}
    assert (event.actor, event.source) == (manager, Source.ADMIN)
    order.refresh_from_db()
    assert (order.recipient_name, order.sync_state) == ("Анна", SyncState.PENDING)
    assert Push.objects.count() == 1


def test_texts_of_several_lines_are_saved_with_plain_line_breaks(make_order, save):
    order = make_order(properties={"postcardText": "С днём рождения,\nмама!"})
    save(order, courier_comment="код 12")
    assert last_change(order) == {"courier_comment": "код 12"}
    save(order, postcard_text="С днём рождения,\r\nмамочка!")
    assert last_change(order) == {"postcard_text": "С днём рождения,\nмамочка!"}


def test_other_spelling_of_phone_is_not_a_change(make_order, save):
    order = make_order()
    save(order, recipient_phone="8 701 1234567")
    assert not order.events.filter(kind=EventKind.CHANGED).exists()
    save(order, recipient_phone="8 (705) 000-11-22")
    assert last_change(order) == {"recipient_phone": "+77050001122"}


def test_invalid_values_show_errors_and_are_kept_in_form(make_order, save):
    order = make_order()
    html = save(
        order, recipient_phone="12", delivery_date="вчера", total_amount="-5", postcard_text="Новый текст"
    ).content.decode()
    for text in ("id_recipient_phone_error", 'value="12"', "вчера", "Новый текст", "нуля"):
        assert text in html, text
    assert not order.events.filter(kind=EventKind.CHANGED).exists()


def test_refusal_of_service_is_shown_as_form_error(browser, make_order, save, monkeypatch):
    def refuse(**_kwargs):
        raise services.NotAllowedError("Так нельзя: <b>правило</b>")

    monkeypatch.setattr(services, "edit_order", refuse)
    answer = save(make_order(), recipient_name="Совсем другая")
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "Так нельзя: &lt;b&gt;" in html
    assert "Совсем другая" in html


def test_status_number_and_sync_state_are_not_form_fields(browser, make_order, save):
    order = make_order()
    assert "status" not in seen_form(browser, order)
    save(order, status="cancelled", order_number="1", sync_state="failed")
    order.refresh_from_db()
    assert (order.status_id, order.order_number, order.sync_state) == ("new", "122183", "synced")


def test_saving_keeps_other_fields_changed_by_colleague(browser, make_order, save):
    order = make_order()
    seen = seen_form(browser, order)
    services.edit_order(order_id=order.pk, changes={"delivery_address": "Сатпаева 1"}, actor=None)

    assert save(order, seen=seen, recipient_name="Анна").status_code == 302
    order.refresh_from_db()
    assert (order.delivery_address, order.recipient_name) == ("Сатпаева 1", "Анна")


def test_field_changed_by_both_needs_second_save(browser, make_order, save):
    order = make_order()
    seen = seen_form(browser, order)
    services.edit_order(order_id=order.pk, changes={"delivery_address": "Сатпаева 1"}, actor=None)

    answer = save(order, seen=seen, delivery_address="Абая 200")
    assert answer.status_code == 200
    assert "Сатпаева 1" in answer.content.decode()
    again = read_form(answer.content.decode(), "order_form")
    assert again["delivery_address"] == "Абая 200"
    assert save(order, seen=again).status_code == 302
    order.refresh_from_db()
    assert order.delivery_address == "Абая 200"


# --- items


def test_changed_quantity_changes_total(make_order, save):
    order = make_order()
    assert save(order, items__0__quantity="2").status_code == 302
    order.refresh_from_db()
    assert order.items.get().total == Decimal(15000)
    assert order.total_amount == Decimal(16500)
    assert last_change(order)["total_amount"] == "16500.00"


def test_typed_total_is_kept_when_quantity_changes(make_order, save):
    order = make_order()
    save(order, items__0__quantity="2", total_amount="14000")
    order.refresh_from_db()
    assert order.total_amount == Decimal(14000)


def test_differing_total_is_kept_until_its_parts_change(make_order, save):
    order = make_order(PRICE="8000")
    save(order, comment="перезвонить")
    order.refresh_from_db()
    assert order.total_amount == Decimal(8000)
    save(order, delivery_fee="2000")
    order.refresh_from_db()
    assert order.total_amount == Decimal(8500)
    save(order, items__0__quantity="2")
    order.refresh_from_db()
    assert order.total_amount == Decimal(17000)


def test_lines_are_added_and_removed_with_total(browser, make_order, save):
    order = make_order()
    product = Product.objects.create(name="Ваза", price=Decimal(3000), bitrix_product_id=77)
    answer = save(
        order,
        items__TOTAL_FORMS="3",
        items__1__product=str(product.pk), items__1__name="", items__1__quantity="1", items__1__price="",
        items__2__product="", items__2__name="Шарик красный", items__2__quantity="3", items__2__price="500",
    )  # fmt: skip
    assert answer.status_code == 302
    lines = {item.name: (item.product, item.total) for item in order.items.all()}
    assert lines["Ваза"] == (product, Decimal(3000))
    assert lines["Шарик красный"] == (None, Decimal(1500))
    assert lines["Букет Стандарт"][0] is not None
    order.refresh_from_db()
    assert order.total_amount == Decimal(13500)

    form = seen_form(browser, order)
    index = next(n for n in range(3) if form[f"items-{n}-id"] == str(order.items.get(product=product).pk))
    assert save(order, **{f"items__{index}__DELETE": "on"}).status_code == 302
    assert not order.items.filter(product=product).exists()


def test_incomplete_line_or_removal_of_last_line_is_refused(make_order, save):
    order = make_order()
    empty = {"items__1__product": "", "items__1__name": "", "items__1__quantity": "2", "items__1__price": ""}
    assert save(order, items__TOTAL_FORMS="2", **empty).status_code == 200
    assert save(order, items__0__quantity="0").status_code == 200
    assert save(order, items__0__DELETE="on").status_code == 200
    assert order.items.count() == 1


def test_lines_replaced_by_colleague_are_not_overwritten(browser, make_order, save):
    from orders.sync.snapshot import ItemSnapshot

    order = make_order()
    seen = seen_form(browser, order)
    other = ItemSnapshot(bitrix_basket_id=None, bitrix_product_id=None, quantity=Decimal(1), price=Decimal(1),
                         product_snapshot={"name": "Другое"})  # fmt: skip
    services.edit_order(order_id=order.pk, changes={}, items=[other], actor=None)
    assert save(order, seen=seen, items__0__quantity="5").status_code == 200
    assert order.items.get().name == "Другое"


def test_discount_can_be_set_changed_and_removed(browser, make_order, save):
    order = make_order()
    for typed, total, price in (("1500", 7500, 6000), ("2000", 7000, 5500), ("0", 9000, 7500)):
        assert save(order, discount_amount=typed).status_code == 302
        order.refresh_from_db()
        assert (order.discount_amount, order.total_amount) == (Decimal(typed), total)
        assert order.items.get().price == price
        form = seen_form(browser, order)
        shown = (form["discount_amount"], form["total_amount"], form["items-0-price"])
        assert shown == (typed, str(total), str(price))
        assert ("<s>7\xa0500\xa0₸</s>" in page(browser, order)) == (typed != "0")
    assert set(last_change(order)) == {"discount_amount", "total_amount", "items"}


def test_lower_typed_total_becomes_discount(browser, make_order, save):
    order = make_order()
    save(order, total_amount="8000")
    order.refresh_from_db()
    assert (order.total_amount, order.discount_amount, order.items.get().price) == (8000, 1000, 6500)


def test_discount_follows_changed_quantity_and_price(browser, make_order, save):
    order = make_order()
    save(order, discount_amount="1500")
    save(order, items__0__quantity="2")
    order.refresh_from_db()
    assert (order.total_amount, order.discount_amount) == (13500, 3000)
    save(order, items__0__price="7000", delivery_fee="0")
    order.refresh_from_db()
    assert (order.total_amount, order.discount_amount) == (14000, 1000)


def test_new_line_below_catalogue_price_adds_discount(make_order, save):
    order = make_order()
    product = Product.objects.create(name="Ваза", price=Decimal(3000), bitrix_product_id=77)
    save(
        order,
        items__TOTAL_FORMS="2",
        items__1__product=str(product.pk), items__1__name="", items__1__quantity="1", items__1__price="2500",
    )  # fmt: skip
    order.refresh_from_db()
    assert (order.total_amount, order.discount_amount) == (11500, 500)


def test_discount_above_price_of_items_is_field_error(make_order, save):
    order = make_order()
    for field, typed in (("discount_amount", "7501"), ("total_amount", "1499")):
        html = save(order, **{field: typed}).content.decode()
        assert f"id_{field}_error" in html
        assert f'value="{typed}"' in html
    order.refresh_from_db()
    assert (order.total_amount, order.items.get().price) == (9000, 7500)


def test_item_split_by_discount_is_edited_as_two_lines(browser, make_order, save):
    basket = [{"ID": "1", "PRODUCT_ID": "5", "NAME": "Букет", "PRICE": "5000", "QUANTITY": "3", "CURRENCY": "KZT"}]
    order = make_order(PRICE="16500", basket=basket)
    save(order, discount_amount="1000")
    form = seen_form(browser, order)
    lines = [(form[f"items-{n}-quantity"], form[f"items-{n}-price"]) for n in range(2)]
    assert lines == [("2", "4667"), ("1", "4666")]
    save(order, items__1__DELETE="on", items__0__quantity="3")
    order.refresh_from_db()
    assert (order.items.count(), order.total_amount, order.discount_amount) == (1, 15501, 999)


def test_list_price_is_shown_only_with_permission_for_prices(browser, browser_of, make_order, save):
    order = make_order()
    save(order, discount_amount="1500")
    struck = "<s>7\xa0500\xa0₸</s>"
    assert struck in page(browser_of("orders.view_order", "orders.view_all_prices"), order)
    assert struck not in page(browser_of("orders.view_order"), order)


# --- deletion, permissions, number of queries


def test_order_can_not_be_deleted(browser, make_order):
    order = make_order()
    assert browser.post(change_url(order).replace("change", "delete"), {"post": "yes"}).status_code == 403
    browser.post(
        "/crm/orders/order/", {"action": "delete_selected", "_selected_action": [str(order.pk)], "post": "yes"}
    )
    assert Order.objects.filter(pk=order.pk).exists()


def test_reader_sees_values_without_form_fields(browser_of, make_order):
    order = make_order()
    reader = browser_of("orders.view_order")
    html = page(reader, order)
    assert "Букет Стандарт" in html
    assert "Мария" in html
    assert 'name="recipient_name"' not in html
    assert "bitrix_bridge/push" not in html
    assert "webhookevent" not in html
    assert reader.post(change_url(order), {"recipient_name": "Анна"}).status_code == 403


def test_reason_of_refusal_by_site_is_above_form(browser, make_order):
    order = make_order()
    services.edit_order(order_id=order.pk, changes={"recipient_name": "Анна"}, actor=None)
    push = Push.objects.get()
    services.record_refused(order_id=order.pk, push_id=push.pk, reason=Reason.GAVE_UP, message="Сайт отвечает 503")
    html = page(browser, order)
    assert html.index("Сайт отвечает 503") < html.index("order_form")
    assert "crm-sync-failed" in html


def test_page_takes_constant_number_of_queries(browser, make_order):
    def basket(count):
        return [{"ID": str(9000 + n), "PRODUCT_ID": str(500 + n), "NAME": f"Букет {n}", "PRICE": "100", "QUANTITY": "1"}
                for n in range(count)]  # fmt: skip

    def cost(order):
        with CaptureQueriesContext(connection) as queries:
            page(browser, order)
        return len(queries)

    City.objects.create(bitrix_id=3, name="Астана")
    small = make_order(1001, basket=basket(1))
    big = make_order(1002, basket=[{**line, "ID": str(int(line["ID"]) + 500)} for line in basket(20)])
    for order, edits in ((small, 2), (big, 40)):
        for n in range(edits):
            services.edit_order(
                order_id=order.pk, changes={"recipient_name": f"Имя {n}", "city": n % 2 + 2}, actor=None
            )
    page(browser, small)
    assert cost(big) == cost(small) <= 34  # one of them records who has seen the phones


def test_long_timeline_is_cut_unless_all_is_requested(browser, make_order):
    order = make_order()
    OrderEvent.objects.bulk_create(
        OrderEvent(order=order, kind=EventKind.NOTED, source=Source.SYSTEM, details={"message": f"запись {n}."})
        for n in range(120)
    )
    assert page(browser, order).count("crm-entry-noted") == 100
    assert "?timeline=all" in page(browser, order)
    assert page(browser, order, timeline="all").count("crm-entry-noted") == 120
