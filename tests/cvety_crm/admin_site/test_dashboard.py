"""Tests of the dashboard: open tasks, metrics, the delay of the exchange, links, and the permissions for each."""

import json
import re
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from bitrix_bridge.models import Push, WebhookEvent
from cvety_crm.users import User
from orders.models import Order
from orders.selectors.presets import BY_KEY, Moment, preset_orders, preset_url
from tests.samples import order_data

QUERIES = 24
"""The number of queries of the dashboard.

Eight of them are those of the two probes for delays, each in its own transaction. One counts the statuses of the site
that need a decision, and one the pay systems without a payment method.
"""


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


@pytest.fixture
def browser(manager):
    client = Client()
    client.force_login(manager)
    return client


@pytest.fixture
def receive_order(post_webhook):
    """Return a function that receives an order from the site, for delivery in this number of days from today."""

    def post(number, days=0):
        day = timezone.localdate() + timedelta(days=days)
        post_webhook("order.create", order_data(ID=str(number), properties={"data": day.isoformat()}))
        cache.clear()
        return Order.objects.get(bitrix_order_id=number)

    return post


def staff(*codenames):
    user = User.objects.create_user("anna", password="made-up", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


def home(client):
    answer = client.get("/crm/")
    assert answer.status_code == 200
    return unescape(" ".join(answer.content.decode().split()))


def cards(html):
    """Return the URL and the number of each open task by the title of the task."""
    found = re.findall(
        r'class="crm-start-card crm-start-problem"\s+href="([^"]+)"><strong>(\d+)</strong><span>([^<]+)', html
    )
    return {title: (url, int(number)) for url, number, title in found}


def test_cards_count_open_tasks_and_link_to_their_lists(browser, receive_order):
    receive_order(1)
    late = receive_order(2, days=-1)
    Order.objects.filter(pk=late.pk).update(problem="нет пионов", sync_state="failed")
    Push.objects.create(order=late, fields=["status"], state="failed")
    WebhookEvent.objects.create(event="order.update", payload={}, state="failed", action="stored")
    cache.clear()
    assert cards(home(browser)) == {
        "Новые заказы": (preset_url("new"), 2),
        "Без флориста": (preset_url("auction"), 2),
        "Опаздывают": (preset_url("late"), 2 if timezone.localtime().hour >= 16 else 1),
        "Проблемные заказы": (preset_url("problems"), 1),
        "Не закрыты раньше": (preset_url("unclosed"), 1),
        "Ошибки обмена": (preset_url("sync"), 1),
        "Не отправлено на сайт": ("/crm/bitrix_bridge/push/?state__exact=failed", 1),
        "Необработанные события": ("/crm/bitrix_bridge/webhookevent/?state__in=waiting,failed", 1),
    }


def test_card_counts_the_same_orders_as_its_list(browser, receive_order, manager):
    receive_order(1)
    receive_order(2, days=-1)
    old = receive_order(3, days=-60)  # this order was never closed, but it is too old to be open work
    Order.objects.filter(pk=old.pk).update(problem="нет пионов")
    cache.clear()
    for url, number in cards(home(browser)).values():
        key = url.partition("preset=")[2]
        assert preset_orders(BY_KEY[key], Moment.of(manager), Order.objects.all()).count() == number


def test_dashboard_of_an_empty_database_has_no_open_tasks(browser):
    html = home(browser)
    assert "Всё спокойно" in html
    assert cards(html) == {}
    assert "Новые заказы: <span>0</span>" in html
    assert "пока не с чем сравнить" in html


def test_dashboard_has_a_chart_and_the_same_data_as_a_table(browser, receive_order):
    receive_order(1)
    html = home(browser)
    chart = json.loads(re.search(r'data-value="(\{.*?\})"', html)[1])
    assert [dataset["data"][-1] for dataset in chart["datasets"]] == [1, 9.0]
    assert len(chart["labels"]) == 30
    assert html.count('<th scope="row">') == 30
    assert '<td class="crm-nowrap">9 000 ₸</td>' in html


def test_dashboard_shows_the_delay_of_the_exchange(browser, receive_order):
    order = receive_order(1)
    now = timezone.now()
    push = Push.objects.create(order=order, fields=["status"], state="delivered", finished_at=now)
    Push.objects.filter(pk=push.pk).update(created_at=now - timedelta(seconds=3))
    html = home(browser)
    assert re.search(r"Задержка CRM → сайт</strong>: [^<]*3[.,]0 с", html)
    assert 'href="/crm/status/"' in html


def test_number_of_queries_does_not_depend_on_number_of_orders(browser, receive_order, django_assert_num_queries):
    receive_order(1)
    home(browser)  # this request loads permissions and content types into their caches
    cache.clear()
    with django_assert_num_queries(QUERIES):
        home(browser)
    receive_order(2, days=-1)
    first = Order.objects.first()
    Order.objects.bulk_create(
        Order(order_number=str(n), status=first.status, delivery_date=timezone.localdate() - timedelta(days=n % 60))
        for n in range(300)
    )
    cache.clear()
    with django_assert_num_queries(QUERIES):
        home(browser)
    with django_assert_num_queries(2):  # session and user; all other data is cached
        home(browser)


def test_dashboard_shows_only_what_the_user_may_view(db, receive_order):
    receive_order(1)
    html = home(staff("view_customer"))
    assert not re.search("crm-start|Нужна рука|Заказы на сегодня|Задержка", html)
    User.objects.all().delete()
    html = home(staff("view_order"))
    assert set(cards(html)) <= {"Новые заказы", "Без флориста", "Опаздывают"}
    assert "Не отправлено на сайт" not in html
    assert "Новый заказ" not in html
    assert 'href="/crm/board/"' in html
    assert "Сумма, тыс." not in html  # the table contains sums of other days


def test_sidebar_badges_have_colours_for_new_and_late_orders(browser, receive_order):
    late = receive_order(1, days=-1)
    html = home(browser)
    assert re.search(r'Заказы\s*<b class="crm-nav-info">1</b>', html)
    assert re.search(r'Доска дня\s*<b class="crm-nav-danger">1</b>', html)
    Order.objects.filter(pk=late.pk).update(status="completed")
    cache.clear()
    html = home(browser)
    assert "crm-nav-info" not in html
    assert not re.search(r"bg-red-500[^>]*> *\d", html)
