"""Tests of the pages of the couriers' cash and of the day's till."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from cvety_crm.roles import ROLES
from orders import services
from orders.models import Courier, CourierSettlement, Order, Payment, PaymentMethod, TillDay
from tests.roles import person

pytestmark = pytest.mark.django_db
CASH_PAGE, TILL_PAGE = "/crm/cash/", "/crm/till/"


@pytest.fixture
def log_in(client):
    """Return a function that logs in a member of staff who has the role with this name."""

    def log_in(name):
        user = person(next(role for role in ROLES if role.name == name))
        client.force_login(user)
        return user

    return log_in


def deliver(number, courier, total=9000, **fields):
    given = {
        "status_id": "completed", "total_amount": Decimal(total), "payment_method": PaymentMethod.CASH,
        "courier": courier, "delivery_date": timezone.localdate(), **fields,
    }  # fmt: skip
    return Order.objects.create(order_number=number, **given)


@pytest.fixture
def courier():
    return Courier.objects.create(name="Руслан")


@pytest.mark.parametrize(
    ("role", "cash", "till", "closing"),
    [
        ("Флорист", 403, 403, 403),
        ("Диспетчер", 200, 403, 403),
        ("Менеджер", 200, 403, 403),
        ("Бухгалтер", 200, 200, 422),
        ("Владелец", 200, 200, 422),
    ],
)
def test_pages_belong_to_the_roles_that_handle_money(client, log_in, role, cash, till, closing):
    log_in(role)
    assert client.get(CASH_PAGE).status_code == cash
    assert client.get(TILL_PAGE).status_code == till
    assert client.post(TILL_PAGE, {"date": "2999-01-01", "seen_cash": "1"}).status_code == closing
    refused = client.post(CASH_PAGE, {"courier": "no id"})
    assert refused.status_code == (404 if cash == 200 else 403)
    sidebar = client.get("/crm/").content.decode()
    assert (f'href="{CASH_PAGE}"' in sidebar, f'href="{TILL_PAGE}"' in sidebar) == (cash == 200, till == 200)


def test_courier_hands_in_and_the_page_shows_it(client, log_in, courier):
    log_in("Диспетчер")
    paid, unpaid = deliver("901", courier), deliver("902", courier, total=5000)
    page = client.get(CASH_PAGE).content.decode()
    assert "Руслан" in page
    assert "14\xa0000\xa0₸" in page
    (seen,) = re.findall(r'name="seen" value="([^"]+)"', page)
    posted = {"courier": courier.pk, "seen": seen, "handed_in": "8 000", "not_paid": unpaid.pk}
    refused = client.post(CASH_PAGE, posted)
    assert refused.status_code == 422
    text = refused.content.decode()
    assert "Укажите, почему суммы расходятся." in text
    assert 'value="8 000"' in text
    assert re.search(rf'value="{unpaid.pk}"[^>]*checked', text)
    assert not Payment.objects.exists()

    answer = client.post(CASH_PAGE, {**posted, "note": "сдача у клиента"}, follow=True).content.decode()
    assert "Руслан: сдано 8\xa0000\xa0₸." in answer
    assert "−1\xa0000\xa0₸" in answer or "-1\xa0000\xa0₸" in answer
    assert "сдача у клиента" in answer
    paid.refresh_from_db()
    assert paid.payment_status == "paid"
    assert "902" in answer


def test_number_of_queries_does_not_depend_on_couriers(client, log_in, django_assert_max_num_queries):
    log_in("Диспетчер")
    client.get(CASH_PAGE)  # the counts of the sidebar are cached
    counts = []
    for number in range(2):
        for one in range(1 + 5 * number):
            deliver(f"{number}-{one}", Courier.objects.create(name=f"К {number}-{one}"))
        with django_assert_max_num_queries(40) as queries:
            client.get(CASH_PAGE)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_sums_of_other_days_are_for_those_who_may_see_them(client, log_in):
    yesterday = f"{CASH_PAGE}?date={timezone.localdate() - timedelta(1)}"
    log_in("Диспетчер")
    assert yesterday.removeprefix(CASH_PAGE) not in client.get(CASH_PAGE).content.decode()
    assert client.get(yesterday).status_code == 403
    log_in("Бухгалтер")
    assert yesterday.removeprefix(CASH_PAGE) in client.get(CASH_PAGE).content.decode()
    assert client.get(yesterday).status_code == 200


def test_cash_of_earlier_days_is_found_and_leads_to_its_day(client, log_in, courier):
    today = timezone.localdate()
    deliver("901", courier, delivery_date=today - timedelta(2), total=5000)
    deliver("902", Courier.objects.create(name="Ержан"), delivery_date=today - timedelta(91))  # too old to be read
    order = deliver("903", courier, delivery_date=today - timedelta(200), total=3000)
    user = log_in("Бухгалтер")
    services.add_payment(
        order_id=order.pk, amount=Decimal(3000), method="cash", courier=courier, actor=user, reason="привёз"
    )
    old = timezone.now() - timedelta(200)
    Payment.objects.update(paid_at=old)
    page = client.get(CASH_PAGE).content.decode()
    found = re.findall(r'Руслан: <a [^>]*href="([^"]+)">([^<]+)</a>\s*<strong [^>]*>([^<]+)<', page)
    assert [(day, sum_) for _url, day, sum_ in found] == [
        (f"{timezone.localdate(old):%d.%m.%Y}", "3\xa0000\xa0₸"), (f"{today - timedelta(2):%d.%m.%Y}", "5\xa0000\xa0₸"),
    ]  # fmt: skip
    assert "Ержан" not in page
    assert "Ни у кого из курьеров нет наличных" in page
    for url, _day, sum_ in found:
        of_day = client.get(url).content.decode()
        assert f'Руслан: <span class="crm-nowrap">{sum_}' in of_day
    log_in("Диспетчер")
    page = client.get(CASH_PAGE).content.decode()
    assert "примет бухгалтер" in page
    assert "5\xa0000" not in page
    assert f"?date={today - timedelta(2)}" not in page


def test_empty_days_say_what_comes(client, log_in):
    log_in("Бухгалтер")
    assert "Ни у кого из курьеров нет наличных" in client.get(CASH_PAGE).content.decode()
    assert "За этот день денег ещё не было" in client.get(TILL_PAGE).content.decode()
    for bad in ("?date=никогда", "?date=0001-01-01", "?date=9999-12-31"):
        assert client.get(CASH_PAGE + bad).status_code == 200
        assert client.get(TILL_PAGE + bad).status_code == 200


def test_till_is_counted_closed_and_shows_what_came_later(client, log_in, courier):
    user = log_in("Бухгалтер")
    order = deliver("903", None)
    for amount, method in ((4000, "cash"), (3000, "kaspi")):
        services.add_payment(order_id=order.pk, amount=Decimal(amount), method=method, actor=user)
    page = client.get(TILL_PAGE).content.decode()
    seen = dict(re.findall(r'name="(seen_\w+)" value="([^"]+)"', page))
    assert set(seen) == {"seen_cash", "seen_kaspi"}
    counted = {"counted_cash": "3 900", "counted_kaspi": "3000"}
    refused = client.post(TILL_PAGE, {**seen, **counted})
    assert refused.status_code == 422
    assert "Укажите, почему суммы расходятся." in refused.content.decode()
    assert client.post(TILL_PAGE, {**seen, **counted, "counted_cash": "много"}).status_code == 422
    assert not TillDay.objects.exists()

    closed = client.post(TILL_PAGE, {**seen, **counted, "note": "сдача"}, follow=True).content.decode()
    assert "Касса дня закрыта." in closed
    assert "Закрыть кассу" not in closed
    services.add_payment(order_id=order.pk, amount=Decimal(500), method="cash", actor=user, reason="забыли записать")
    later = client.get(TILL_PAGE).content.decode()
    assert "После закрытия" in later
    assert "забыли записать" in later
    assert client.post(TILL_PAGE, {**seen, **counted}).status_code == 422


def test_till_of_an_earlier_day_can_be_closed(client, log_in):
    user = log_in("Владелец")
    yesterday = timezone.localdate() - timedelta(1)
    order = deliver("904", None)
    services.add_payment(
        order_id=order.pk, amount=Decimal(700), method="card", actor=user, paid_at=timezone.now() - timedelta(1)
    )
    address = f"{reverse('till')}?date={yesterday}"
    assert "700\xa0₸" in client.get(address).content.decode()
    client.post(reverse("till"), {"date": str(yesterday), "seen_card": "700", "counted_card": "700"})
    assert TillDay.objects.get().day == yesterday


def test_settlements_of_the_day_are_listed(client, log_in, courier):
    user = log_in("Менеджер")
    deliver("905", courier)
    services.settle_courier(
        courier=courier, day=timezone.localdate(), handed_in=Decimal(9000), seen=Decimal(9000), actor=user
    )
    assert CourierSettlement.objects.get().difference == 0
    assert "9\xa0000\xa0₸" in client.get(CASH_PAGE).content.decode()
