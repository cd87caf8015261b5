"""Tests that pages show values as people write them, and nothing that helps no one."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from cvety_crm.users import User
from orders.models import City, Courier, Customer, Order, Product
from tests.roles import browser_of
from tests.visible_text import visible_texts

pytestmark = pytest.mark.django_db


def viewer(*codenames):
    """Return a test client of a member of staff with only these permissions."""
    user = User.objects.create_user("viewer", password="made-up", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return browser_of(user)


def change_page(row):
    """Return the URL of a row's page."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def test_row_that_needs_a_look_has_a_warning_and_no_tick(client, manager):
    client.force_login(manager)
    City.objects.all().delete()
    City.objects.create(bitrix_id=1, name="Новый", needs_attention=True, is_active=False)
    page = client.get(reverse("admin:orders_city_changelist")).content.decode()
    cell = re.search(r"<td[^>]*field-attention_column.*?</td>", page, re.DOTALL)[0]
    assert "▲" in cell
    assert "проверьте" in cell
    assert "check_small" not in page
    assert 'role="img" aria-label="Нет">—' in page


def test_page_of_a_user_shows_the_phone_as_written_and_no_part_of_the_hash(client, manager):
    other = User.objects.create_user("asel", password="made-up-1", phone="+77776234424", is_staff=True)
    client.force_login(manager)
    page = client.get(change_page(other)).content.decode()
    assert 'value="+7 777 623-44-24"' in page
    assert "Пароль задан" in page
    assert "../password/" in page
    assert other.password.split("$")[-1][:6] not in page
    assert "+7 777 623-44-24" in client.get(reverse("admin:cvety_crm_user_changelist")).content.decode()
    seen = viewer("view_user").get(change_page(other)).content.decode()
    assert "+7 777 623-44-24" in seen
    assert other.password.split("$")[-1][:6] not in seen


def test_prices_of_a_product_have_no_needless_fraction(client, manager):
    product = Product.objects.create(name="Роза", price=Decimal("45900.00"), old_price=Decimal("50000.50"), quantity=3)
    client.force_login(manager)
    page = client.get(change_page(product)).content.decode()
    assert 'value="45900"' in page
    assert 'value="50000.5' in page
    assert 'value="3"' in page
    seen = " ".join(visible_texts(viewer("view_product").get(change_page(product)).content.decode()))
    assert "45 900 ₸" in seen.replace("\xa0", " ")
    assert "45900" not in seen
    assert "{%" not in seen


def test_phone_of_a_customer_is_shown_and_accepted_in_any_format_but_no_other_text(client, manager):
    customer = Customer.objects.create(name="Айгерим", phone="+77776234424")
    client.force_login(manager)
    assert 'value="+7 777 623-44-24"' in client.get(change_page(customer)).content.decode()
    form = {"name": "Айгерим", "phone": "8 701 123 45 67", "email": "", "note": ""}
    assert client.post(change_page(customer), form).status_code == 302
    customer.refresh_from_db()
    assert customer.phone == "+77011234567"
    assert "Такого номера" in client.post(change_page(customer), form | {"phone": "нет"}).content.decode()
    customer.refresh_from_db()
    assert customer.phone == "+77011234567"


def test_reader_of_an_order_sees_the_phone_as_written():
    order = Order.objects.create(order_number="1", status_id="new", recipient_phone="+77776234424")
    page = viewer("view_order", "view_phones", "view_all_prices").get(change_page(order)).content.decode()
    text = " ".join(visible_texts(page))
    assert "+77776234424" not in text
    assert "623-44-24" in text


@pytest.mark.parametrize("button", ["_continue", "_addanother"])
def test_message_after_saving_says_only_what_was_saved(client, manager, button):
    client.force_login(manager)
    city = City.objects.create(bitrix_id=77, name="Талгар")
    posted = {"name": "Талгар", "is_active": "on", button: "1"}
    page = client.post(change_page(city), posted, follow=True).content.decode()
    text = " ".join(" ".join(visible_texts(page)).split())
    assert "Сохранено: город" in text
    assert "Ниже" not in text


def test_order_has_no_page_with_an_empty_history(client, manager):
    order = Order.objects.create(order_number="1", status_id="new")
    client.force_login(manager)
    assert client.get(reverse("admin:orders_order_history", args=[order.pk])).status_code == 404
    city = City.objects.first() or City.objects.create(bitrix_id=1, name="Алматы")
    assert client.get(reverse("admin:orders_city_history", args=[city.pk])).status_code == 200


def test_filters_of_orders_offer_people_of_recent_orders_and_the_chosen_one(client, manager):
    active = Courier.objects.create(name="Ерлан Работает", phone="+77010000001")
    gone = Courier.objects.create(name="Саша Ушёл", phone="+77010000002", is_active=False)
    idle = Courier.objects.create(name="Марат Раньше", phone="+77010000003")
    florist, accountant, earlier = (
        User.objects.create_user(name, first_name=name, is_staff=True) for name in ("Айдана", "Бухгалтер", "Жанар")
    )
    today = timezone.localdate()
    people = ((active, florist, 0), (gone, florist, 0), (idle, earlier, 90))
    for number, (courier, maker, days) in enumerate(people):
        Order.objects.create(order_number=str(number), status_id="new", courier=courier, responsible=maker,
                             delivery_date=today - timedelta(days=days))  # fmt: skip
    client.force_login(manager)
    url = reverse("admin:orders_order_filters")
    page = client.get(url).content.decode()
    assert active.name in page
    assert florist.first_name in page
    assert not [one for one in (gone.name, idle.name, accountant.first_name, earlier.first_name) if one in page]
    past = client.get(url, {"delivery_date_from": f"{today - timedelta(days=100):%d.%m.%Y}"}).content.decode()
    assert idle.name in past
    assert earlier.first_name in past
    assert accountant.first_name in client.get(url, {"florist": accountant.pk}).content.decode()
    assert gone.name in client.get(url, {"courier__id__exact": str(gone.pk)}).content.decode()
    assert client.get(url, {"courier__id__exact": "nonsense"}).status_code == 400
    orders = reverse("admin:orders_order_changelist")
    assert client.get(orders, {"courier__id__exact": "nonsense"}).status_code in (200, 302)


def test_list_is_titled_with_the_names_of_its_rows(client, manager):
    client.force_login(manager)
    page = client.get(reverse("admin:orders_product_changelist")).content.decode()
    title = re.search(r"<title>(.*?)</title>", page, re.DOTALL)[1]
    assert "Товары" in title
    assert "Выберите" not in title


def test_login_page_says_whom_to_ask_for_a_new_password(client):
    page = client.get(reverse("admin:login")).content.decode()
    assert "Забыли пароль? Попросите владельца или администратора CRM задать новый." in visible_texts(page)
