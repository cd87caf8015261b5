"""Tests that no page shows phones, or sums of other days, to a user who may not see them.

The tests open every page that the URL resolver lists. They use an order with recognisable digits. Every table that
stores a copy of the order's data contains these digits.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.cache import cache
from django.db.models import Model
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from bitrix_bridge.models import Difference, Push, PushAttempt, Reconciliation
from cvety_crm.roles import ACCOUNTANT, FLORIST, OWNER
from notifications.models import TelegramMessage
from orders import services
from orders.models import Courier, Customer, Order, OrderEvent, Product
from tests.cvety_crm.test_russian_pages import samples  # noqa: F401 - one object of everything that has pages
from tests.orders.admin.conftest import numbers
from tests.page_forms import read_form
from tests.roles import browser_of, everything_but, person
from tests.samples import next_version, order_data

PHONES = ("77019182736", "77029182737", "77039182738", "77049182739")
"""The phones of the recipient, of the recipient before a change, of the customer, and of the courier."""
SUMS = ("71395728", "71395729", "13579246", "24681357", "35792468", "60473825")
"""The sums of the order and of an item.

They are the order's total, its total before a change, its delivery fee and its discount, and an item's price and list
price.
"""
TYPED = "77059182740"
"""A phone in texts that users have entered."""
UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


@pytest.fixture
def order(samples, post_webhook, manager) -> Order:  # noqa: F811
    """Return an order for tomorrow, of a customer without a name, with changes made by staff and on the site."""
    cache.clear()
    tomorrow = (timezone.localdate() + timedelta(days=1)).isoformat()
    data = order_data(
        ID="555",
        ACCOUNT_NUMBER="555",
        USER_ID="55",
        PRICE=SUMS[1],
        PRICE_DELIVERY=SUMS[2],
        DISCOUNT_VALUE=SUMS[3],
        properties={"data": tomorrow, "phoneRecipient": f"+{PHONES[1]}", "phone": f"+{PHONES[2]}", "name": "",
                    "nameRecipient": "Мария"},
        basket=[{"ID": "5550", "PRODUCT_ID": "9", "NAME": "Букет", "PRICE": SUMS[4], "BASE_PRICE": SUMS[5],
                 "QUANTITY": "1"}],
        user={"ID": "55", "NAME": "", "PERSONAL_PHONE": f"+{PHONES[2]}"},
    )  # fmt: skip
    assert post_webhook("order.create", data).status_code == 200
    changed = {"properties": {**data["properties"], "phoneRecipient": f"+{PHONES[0]}", "broken": "1"}}
    assert post_webhook("order.update", next_version(data, PRICE=SUMS[0], **changed)).status_code == 200
    order = Order.objects.get(bitrix_order_id=555)
    assert (order.recipient_phone, order.total_amount) == (f"+{PHONES[0]}", Decimal(SUMS[0]))
    assert not Customer.objects.get(phone=f"+{PHONES[2]}").name
    Product.objects.update(price=1)  # prices in the catalogue are not hidden
    order.courier = Courier.objects.create(name="Азамат", phone=f"+{PHONES[3]}")
    order.recipient_name = f"Мария {TYPED}"
    order.delivery_address = f"Абая 150, тел. {TYPED}"
    order.courier_comment = order.postcard_text = f"+7 (705) 918-27-40, {TYPED}"
    order.save()
    Customer.objects.filter(pk=order.customer_id).update(name=f"Айгуль {TYPED}", note=f"муж {TYPED}")
    for item in order.items.all():
        item.product_snapshot["name"] = f"Букет для {TYPED}"
        item.save()
    push = Push.objects.create(order=order, fields=["total_amount"], request={"phone": PHONES[0], "price": SUMS[0]})
    PushAttempt.objects.create(entry=push, number=1, answer=f"phone {PHONES[0]}, price {SUMS[0]}")
    services.edit_order(order_id=order.pk, changes={"comment": f"звонить {TYPED}"}, actor=manager)
    services.add_note(order_id=order.pk, text=f"не отвечает {TYPED}", actor=manager)
    services.report_problem(order_id=order.pk, reason=f"просит {TYPED}", actor=manager)
    run = Reconciliation.objects.create(origin="page", state="done")
    for field, ours, theirs in (("recipient_phone", PHONES[0], PHONES[1]), ("total_amount", SUMS[0], SUMS[1])):
        Difference.objects.create(
            run=run, order=order, bitrix_order_id=555, field=field, ours=ours, theirs=theirs, outcome="person"
        )
    TelegramMessage.objects.create(kind=TelegramMessage.Kind.NEW_ORDER, chat_id="-100", order=order)
    order.refresh_from_db()
    return order


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make_person", "hidden"),
    [
        (lambda: person(FLORIST), (*PHONES, *SUMS, TYPED)),
        (lambda: person(ACCOUNTANT), (*PHONES, TYPED)),
        (lambda: everything_but("view_phones", "view_all_prices"), (*PHONES, *SUMS, TYPED)),
    ],
    ids=["florist", "accountant", "all other permissions"],
)
def test_hidden_digits_are_on_no_page_that_the_user_can_open(order, make_person, hidden):
    browser = browser_of(make_person())
    shown = {}
    opened = set()
    for address in addresses(order):
        response = browser.get(address)
        assert response.status_code < 500, address
        if response.status_code == 200:
            opened.add(address)
        if found := digits_on(response, hidden):
            shown[address] = found
    assert not shown
    assert {reverse("admin:orders_order_change", args=[order.pk]), reverse("admin:orders_order_changelist")} <= opened


@pytest.mark.slow
def test_owner_sees_all_hidden_digits(order):
    browser = browser_of(person(OWNER))
    missing = {*PHONES, *SUMS, TYPED}
    for address in addresses(order):
        if missing:
            missing -= digits_on(browser.get(address), missing)
    assert not missing


def test_list_actions_show_no_hidden_digits(order, rf):
    user = everything_but("view_phones", "view_all_prices")
    request = rf.get("/")
    request.user = user
    model_admin = admin.site._registry[Order]
    for action in model_admin.get_actions(request):
        chosen = {"action": action, ACTION_CHECKBOX_NAME: [str(order.pk)]}
        response = browser_of(user).post(reverse("admin:orders_order_changelist"), chosen, follow=True)
        assert response.status_code == 200
        assert not digits_on(response, PHONES + SUMS), action


def test_hidden_fields_keep_their_values_when_the_form_is_saved(order):
    browser = browser_of(everything_but("view_phones", "view_all_prices"))
    path = reverse("admin:orders_order_change", args=[order.pk])
    form = read_form(browser.get(path).content.decode(), "order_form")
    posted = {**form, "is_anonymous": "on", "comment": "без лилий", "recipient_phone": "", "total_amount": "1"}
    assert browser.post(path, posted).status_code == 302
    order.refresh_from_db()
    assert (order.is_anonymous, order.recipient_phone) == (True, f"+{PHONES[0]}")
    assert order.comment == f"звонить {TYPED}"
    assert (order.total_amount, order.customer.phone) == (Decimal(SUMS[0]), f"+{PHONES[2]}")

    for row, phone, kept in ((order.customer, PHONES[2], f"Айгуль {TYPED}"), (order.courier, PHONES[3], "Айгерим")):
        name = row._meta.model_name
        path = reverse(f"admin:orders_{name}_change", args=[row.pk])
        form = read_form(browser.get(path).content.decode(), f"{name}_form")
        assert browser.post(path, {**form, "name": "Айгерим", "phone": ""}).status_code == 302
        row.refresh_from_db()
        assert (row.name, row.phone) == (kept, f"+{phone}")


@pytest.mark.parametrize(
    ("page", "lookups"),
    [
        ("orders_order", ["recipient_phone__startswith", "total_amount__gte", "total_amount", "customer__phone",
                          "bitrix_state__agreed__recipient_phone__startswith", "metadata__x", "search__contains",
                          "delivery_address__contains", "customer__search", "courier__phone__startswith"]),
        ("orders_customer", ["phone__startswith", "phone", "bitrix_state__agreed__phone__startswith", "search",
                             "preferences__x", "orders__recipient_phone__startswith"]),
        ("orders_courier", ["phone__startswith"]),
        ("orders_orderevent", ["changes__contains", "details__phone__startswith", "order__recipient_phone__gt"]),
        ("bitrix_bridge_push", ["request__phone__startswith", "order__total_amount__gte"]),
        ("bitrix_bridge_webhookevent", ["payload__data__PRICE", "problems__contains", "traceback__contains"]),
        ("notifications_telegrammessage", ["text__contains", "order__recipient_phone__startswith"]),
        ("cvety_crm_user", ["password__startswith"]),
    ],
)  # fmt: skip
def test_list_refuses_lookups_that_are_not_its_filters(order, page, lookups):
    path = reverse(f"admin:{page}_changelist")
    for browser in (browser_of(person(OWNER)), browser_of(everything_but("view_phones", "view_all_prices"))):
        assert browser.get(path).status_code == 200
        assert {lookup: browser.get(path, {lookup: "7"}).status_code for lookup in lookups} == dict.fromkeys(
            lookups, 400
        )


def test_list_cannot_be_sorted_by_a_hidden_sum(order, post_webhook):
    for number, price in ((601, "300"), (602, "100"), (603, "200")):
        data = order_data(ID=str(number), ACCOUNT_NUMBER=str(number), PRICE=price, properties={"data": "2025-01-01"})
        assert post_webhook("order.create", data).status_code == 200
    path = reverse("admin:orders_order_changelist")
    (column,) = (place for place, name in enumerate(("", *admin.site._registry[Order].list_display))
                 if getattr(name, "__name__", "") == "amount")  # fmt: skip

    def shown(user, **query):
        return numbers(browser_of(user).get(path, {"preset": "all", "q": "60", **query}).content)

    florist, owner = person(FLORIST), person(OWNER)
    assert shown(owner, o=column) == ["602", "603", "601"]
    assert shown(florist, o=column) == shown(florist, o=-column) == shown(florist)
    assert shown(florist, o=f"{column}.1") == shown(florist, o="1") == ["601", "602", "603"]


def test_search_by_complete_phone_finds_order_with_masked_phone(order):
    html = browser_of(person(FLORIST)).get(reverse("admin:orders_order_changelist"), {"q": PHONES[0]}).content.decode()
    assert str(order.pk) in html
    assert "••• 2736" in html.replace("\xa0", " ")


# --- URLs


def addresses(order: Order) -> Iterator[str]:
    """Yield every URL below `/crm/` that can be opened with GET. The URLs contain the ids of the related objects."""
    for name in dict.fromkeys(_names(get_resolver(), "")):
        if "logout" in name:
            continue
        for arguments in ([], *([key] for key in _ids(name, order))):
            with suppress(NoReverseMatch):
                address = reverse(name, args=arguments)
                if address.startswith("/crm/"):
                    yield address
    lists = reverse("admin:orders_order_changelist")
    yield from (f"{lists}?preset=all", f"{lists}?q=555", f"{lists}export/?preset=all&format=csv")
    yield from (f"{reverse('admin:search')}?s={typed}&extended=1" for typed in ("Мария", PHONES[0], PHONES[2][1:]))
    field = "app_label=orders&model_name=order&field_name=customer"
    yield f"{reverse('admin:autocomplete')}?{field}&term={PHONES[2]}"


def _names(resolver: URLResolver, namespace: str) -> Iterator[str]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern) and pattern.name:
            yield f"{namespace}{pattern.name}"
        elif isinstance(pattern, URLResolver):
            yield from _names(pattern, f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace)


def _ids(name: str, order: Order) -> list[object]:
    """Return the ids for a page: those of the order and its related rows, or that of any row of the page's model."""
    own = [
        model
        for model in admin.site._registry
        if name.startswith(f"admin:{model._meta.label_lower.replace('.', '_')}_")
    ]
    if not own:
        return [order.pk]
    model: type[Model] = max(own, key=lambda model: len(model._meta.label))
    known = {Order: order.pk, Customer: order.customer_id, Courier: order.courier_id}
    if model in known:
        return [known[model]]
    rows = model._default_manager.order_by("-pk")
    if any(field.name == "order" for field in model._meta.fields):
        rows = rows.filter(order=order)
    if model is Reconciliation:
        rows = rows.filter(state="done")
    return list(rows.values_list("pk", flat=True)[: 3 if model is OrderEvent else 1])


def digits_on(response, wanted) -> set[str]:
    """Return the numbers of `wanted` that a response contains in any format.

    Formats are, for example, `+7 701 918-27-36` and `71 395 728,00`.
    """
    if not response["Content-Type"].startswith(("text/", "application/json")):
        return set()
    text = UUID.sub("", b"".join(response).decode())
    between = r"(?:[\s\u00a0().,-]|&nbsp;|%20){0,2}"
    return {digits for digits in wanted if re.search(between.join(digits.removeprefix("7")), text)}
