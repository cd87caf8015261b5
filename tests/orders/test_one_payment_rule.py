"""Tests that every place shows the payment of an order by one rule, over 10,000 random orders.

The expected texts are computed here, in plain Python, from the payments of an order. They use nothing of
`orders.rules.payment` and `orders.presentation`.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from html import unescape

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.utils import timezone

from cvety_crm.users import User
from notifications.texts import OrderFacts, new_order
from orders.admin.rows.columns import BY_KEY as ROW_COLUMNS
from orders.export.files import open_export
from orders.export.request import ExportRequest
from orders.models import Courier, Order, Payment, Status
from orders.paper import route_sheet
from orders.paper.courier_texts import full_text, short_text
from orders.paper.route_sheet import RouteSheet, route_sheets
from orders.reports.definitions.sales import SALES
from orders.reports.period import Period, Span
from orders.reports.reading import read_totals
from orders.reports.scope import Basis, Scope
from orders.selectors.money import collected_by_all
from orders.selectors.presets import BY_KEY, Moment, preset_orders
from orders.values.paper_formats import A4
from tests.roles import browser_of

pytestmark = pytest.mark.slow
COUNT, OPENED = 10_000, 50
METHODS = {
    "cash": "наличные", "card": "карта", "kaspi": "Kaspi", "transfer": "перевод", "online": "онлайн на сайте",
    "certificate": "сертификат",
}  # fmt: skip
DUE = ("partly paid", "not paid", "unknown")
STATES = {
    "paid": "оплачен", "refunded": "деньги возвращены", "nothing": "платить не нужно",
    "partly paid": "оплачен не полностью", "not paid": "не оплачен", "unknown": "оплата неизвестна",
}  # fmt: skip
OPEN, DONE, OFF = ("new", "accepted", "delivering"), "completed", "declined"
NAMES = ("total_amount", "currency", "paid_amount")


@dataclass
class Made:
    """A random order with its payments as (amount, whether it corrects the payment before it)."""

    order: Order
    payments: list[tuple[Decimal, bool]] = field(default_factory=list)

    @property
    def paid(self) -> Decimal:
        return sum((amount for amount, _is_correction in self.payments), Decimal(0))

    @property
    def is_with_courier(self) -> bool:
        """Return whether the courier has the first payment and has not handed it in."""
        order = self.order
        return bool(self.payments and order.courier_id and order.payment_method == "cash" and order.currency == "KZT")

    @property
    def is_off(self) -> bool:
        return self.order.is_cancelled or self.order.status_id == OFF

    @property
    def state(self) -> str:
        """Return the state of the payment, from the payments alone."""
        known = {name: name not in self.order.unknown_values for name in (*NAMES, "payment_status")}
        total, paid = self.order.total_amount, self.paid
        status = stored_status(total, self.payments)
        if known["payment_status"] and status != "pending":
            return status
        unpaid = "not paid" if known["payment_status"] else "unknown"
        if not all(known[name] for name in NAMES):
            return unpaid
        if paid >= total:
            return "paid" if paid else "nothing" if known["payment_status"] else "unknown"
        return "partly paid" if known["payment_status"] and paid else unpaid

    @property
    def due(self) -> Decimal | None:
        """Return the sum that is due, or None if it is unknown."""
        if self.state not in DUE:
            return Decimal(0)
        if self.state == "unknown" or any(name in self.order.unknown_values for name in NAMES):
            return None
        return self.order.total_amount - self.paid

    @property
    def due_text(self) -> str:
        return "сумма неизвестна" if self.due is None else money(self.due, self.order.currency)

    @property
    def sum_text(self) -> str:
        unknown = self.order.unknown_values
        if "total_amount" in unknown:
            return unknown_text(unknown["total_amount"])
        if "currency" in unknown:
            return f"{money(self.order.total_amount, '?')} ({unknown_text(unknown['currency'])})"
        return money(self.order.total_amount, self.order.currency)

    @property
    def method(self) -> str:
        return "" if "payment_method" in self.order.unknown_values else self.order.payment_method

    @property
    def unpaid_text(self) -> str:
        return f"не оплачен: {METHODS[self.method]}" if self.method else "не оплачен, способ неизвестен"

    @property
    def page_text(self) -> str:
        """Return the payment as the list and the order's page show it."""
        if self.state == "partly paid":
            return f"доплата {self.due_text}"
        if self.state != "not paid":
            return STATES[self.state]
        return f"наличные {self.due_text}" if self.method == "cash" and self.due is not None else self.unpaid_text

    @property
    def handover_text(self) -> str:
        """Return the payment as couriers read it."""
        if self.state == "not paid":
            return "наличные" if self.method == "cash" else self.unpaid_text
        return {"paid": "ОПЛАЧЕН", "partly paid": "доплата"}.get(self.state, STATES[self.state])

    @property
    def courier_text(self) -> str:
        if self.state not in DUE:
            return self.handover_text.lower()
        collect = "сумму скажет диспетчер" if self.due is None else f"получить {self.due_text}"
        return f"{self.handover_text}, {collect}"

    @property
    def telegram_text(self) -> str:
        words = f"доплата {self.due_text}" if self.state == "partly paid" else STATES[self.state]
        if self.method:
            words += f" ({METHODS[self.method]})"
        elif self.state == "not paid":
            words = self.unpaid_text
        total = f"Сумма: {self.sum_text}" if "total_amount" in self.order.unknown_values else self.sum_text
        return f"{total} · {words}"


def money(value: Decimal, currency: str) -> str:
    whole, _point, cents = f"{value:.2f}".partition(".")
    grouped = re.sub(r"(?<=\d)(?=(\d{3})+$)", "\xa0", whole)
    digits = grouped if cents == "00" else f"{grouped},{cents}"
    return f"{digits}\xa0{'₸' if currency == 'KZT' else currency}"


def unknown_text(typed: str) -> str:
    return f"неизвестно: «{typed}»" if typed else "неизвестно"


def stored_status(total: Decimal, payments: list[tuple[Decimal, bool]]) -> str:
    """Return the state that an order has after these payments were recorded one after another."""
    status, paid = "pending", Decimal(0)
    for amount, is_correction in payments:
        paid += amount
        if amount > 0:
            status = "paid" if 0 < total <= paid else status
        elif paid == 0:
            status = "pending" if is_correction else "refunded"
        elif is_correction and paid < total:
            status = "pending"
    return status


def random_payments(chance: random.Random, total: Decimal) -> list[tuple[Decimal, bool]]:
    """Return payments of any kind: none, a part, the whole, more than that, refunds and corrections."""
    found: list[tuple[Decimal, bool]] = []
    for _number in range(chance.choice((0, 0, 1, 1, 2, 3))):
        amount = chance.choice((total, total / 2, Decimal(chance.randrange(1, 2_000_000)) / 100, total + 500))
        amount = amount.quantize(Decimal("0.01"))
        if amount > 0:
            found.append((amount, False))
        paid = sum((one for one, _is in found), Decimal(0))
        if paid > 0 and chance.random() < 0.3:
            found.append((-chance.choice((paid, (paid / 3).quantize(Decimal("0.01")))), False))
        elif found and found[-1][0] > 0 and chance.random() < 0.1:
            found.append((-found[-1][0], True))
    return [one for one in found if one[0]]


def random_order(chance: random.Random, number: int, courier: Courier) -> Made:
    total = chance.choice((Decimal(chance.randrange(1, 100)) * 1000, Decimal(chance.randrange(5_000_000)) / 100))
    if chance.random() < 0.03:
        total = Decimal(0)
    unknown = {
        name: chance.choice(("", "много"))
        for name, share in (("total_amount", 0.04), ("currency", 0.03), ("paid_amount", 0.03),
                            ("payment_status", 0.04), ("payment_method", 0.03))
        if chance.random() < share
    }  # fmt: skip
    status = chance.choice((*OPEN, DONE, DONE, OFF))
    order = Order(
        order_number=str(100_000 + number),
        status_id=status,
        is_cancelled=chance.random() < 0.05,
        total_amount=total,
        currency="USD" if chance.random() < 0.05 else "KZT",
        payment_method=chance.choice(("", *METHODS)),
        unknown_values={name: "" if name == "payment_method" else typed for name, typed in unknown.items()},
        courier=courier if chance.random() < 0.7 else None,
        delivery_date=timezone.localdate(),
        delivery_address="Абая 1",
    )
    made = Made(order, random_payments(chance, total))
    order.paid_amount = made.paid
    order.payment_status = stored_status(total, made.payments)
    return made


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def made(django_db_setup, django_db_blocker):
    """Yield the random orders, with their courier. They are deleted after the tests of this module."""
    chance = random.Random(20261130)
    with django_db_blocker.unblock(), rolled_back():
        courier = Courier.objects.create(name="Руслан")
        found = [random_order(chance, number, courier) for number in range(COUNT)]
        Order.objects.bulk_create(one.order for one in found)
        Payment.objects.bulk_create(
            Payment(
                order=one.order,
                amount=amount,
                method=one.order.payment_method or "card",
                paid_at=timezone.now() - timedelta(seconds=60 - place),
                courier=courier if one.is_with_courier and not place else None,
            )
            for one in found
            for place, (amount, _is_correction) in enumerate(one.payments)
        )
        statuses = {status.code: status for status in Status.objects.all()}
        for one in found:
            one.order.status = statuses[one.order.status_id]
            setattr(one.order, "_prefetched_objects_cache", {"items": []})  # noqa: B010 - a private name
        yield found


@pytest.fixture
def reader(made, db):
    return User.objects.create_superuser("reader")


def differences(made, shown, expected):
    """Return the orders for which a text differs from the expected one. A list of few makes a failure readable."""
    pairs = ((one, shown(one), expected(one)) for one in made)
    found = [(one.order.order_number, one.state, a, b) for one, a, b in pairs if a != b]
    return found[:5]


def test_orders_have_every_state(made):
    counts = Counter(one.state for one in made)
    assert set(counts) == set(STATES)
    assert min(counts.values()) > 20, counts
    assert sum(any(amount < 0 for amount, _is in one.payments) for one in made) > 1000


def test_list_row_shows_the_payment(made, reader):
    render = ROW_COLUMNS["amount"].as_display()

    def shown(one):
        one.order.seen_by = reader
        return unescape(re.sub(r"<[^>]+>", "", render(one.order))).split("\n")

    def of_lines(one):
        return [line.strip() for line in shown(one) if line.strip()]

    assert not differences(made, of_lines, lambda one: [one.sum_text, one.page_text])


def test_route_sheet_shows_the_payment(made, reader, monkeypatch):
    typeset = {}
    monkeypatch.setattr(route_sheet, "qr_svg", lambda _address: "")
    monkeypatch.setattr(route_sheet, "typeset", lambda _layout, _format, data: typeset.update(data) or b"")
    orders = [one.order for one in made]
    route_sheets([RouteSheet(None, timezone.localdate(), orders)], A4, reader)
    (sheet,) = typeset["sheets"]
    stops = dict(zip(orders, sheet["stops"], strict=True))

    def shown(one):
        stop = stops[one.order]
        return stop["is_due"], stop["payment"], stop["sum"]

    def expected(one):
        is_due = one.state in DUE
        return is_due, one.handover_text, one.due_text if is_due else ""

    assert not differences(made, shown, expected)
    sums = {}
    for one in made:
        if one.due:
            sums[one.order.currency] = sums.get(one.order.currency, Decimal(0)) + one.due
    unknown = sum(one.due is None for one in made)
    parts = sheet["collect"].split(" + ")
    assert set(parts[:-1]) == {money(value, currency) for currency, value in sums.items()}
    assert parts[-1].split()[0] == str(unknown)


def test_texts_for_couriers_show_the_payment(made):
    assert not differences(made, lambda one: short_text(one.order).rpartition(" · ")[2], lambda one: one.courier_text)

    def of_full_text(one):
        (line,) = (line for line in full_text(one.order).splitlines() if line[0] in "💰✅")
        return line[1:].strip()

    def expected(one):
        text = one.courier_text if one.state in DUE else one.handover_text
        return text[:1].upper() + text[1:] if one.state in DUE else text

    assert not differences(made, of_full_text, expected)


def test_telegram_message_shows_the_payment(made):
    def shown(one):
        return unescape(new_order(OrderFacts(one.order, [])).splitlines()[0].partition("</b> · ")[2])

    assert not differences(made, shown, lambda one: one.telegram_text)


def test_export_contains_the_payment(made, reader):
    export = open_export(ExportRequest("orders", "csv", "preset=all", ("number", "sum", "due", "payment"), reader.pk))
    found = {number: cells for block in export.blocks() for number, *cells in zip(*block, strict=True)}

    def expected(one):
        order, due = one.order, one.due
        is_number = order.currency == "KZT" and not {"total_amount", "currency"} & set(order.unknown_values)
        to_collect = due if due is not None and (order.currency == "KZT" or not due) else one.due_text
        return [order.total_amount if is_number else one.sum_text, to_collect, STATES[one.state]]

    assert not differences(made, lambda one: found[one.order.order_number], expected)


def test_lists_and_sums_count_the_same_orders(made, reader):
    at = Moment.of(AnonymousUser())
    for key, statuses in (("unpaid", OPEN), ("owed", (DONE,))):
        expected = {
            one.order.pk
            for one in made
            if one.state in DUE and one.order.status_id in statuses and not one.order.is_cancelled
        }
        found = preset_orders(BY_KEY[key], at, Order.objects.filter(pk__in=[one.order.pk for one in made]))
        assert set(found.values_list("pk", flat=True)) == expected

    cash = sum(
        one.due
        for one in made
        if one.due and one.order.courier_id and one.order.status_id == DONE and one.order.currency == "KZT"
        and one.order.payment_method == "cash" and not one.order.is_cancelled
        and "payment_status" not in one.order.unknown_values
    )  # fmt: skip
    cash += sum(one.payments[0][0] for one in made if one.is_with_courier)
    (collected,) = collected_by_all(timezone.localdate()).values()
    assert collected.expected == cash

    today = timezone.localdate()
    scope = Scope(Span.TODAY, Period(today, today), Basis.DELIVERY)
    totals = read_totals(SALES.grouping("day"), scope, scope.period)
    sold = [one for one in made if not one.is_off]
    in_kzt = [one for one in sold if one.order.currency == "KZT" and "currency" not in one.order.unknown_values]
    counted = [one for one in in_kzt if "total_amount" not in one.order.unknown_values]
    assert totals["orders"] == len(sold)
    assert totals["amount"] == sum(one.order.total_amount for one in counted)
    assert totals["refunds"] == -sum(amount for one in in_kzt for amount, _is in one.payments if amount < 0)


def test_page_of_the_order_shows_the_payment(made, reader):
    client = browser_of(reader)

    def shown(one):
        page = unescape(client.get(f"/crm/orders/order/{one.order.pk}/change/").content.decode())
        sum_, text = re.search(r'crm-sum">([^<]*)</span>(?: · ([^<]*?))?\s*</p>', page).groups()
        due = re.search(r'name="amount"[^>]*value="([^"]*)"', page[page.index("payments/add/") :])[1]
        return sum_, text, Decimal(due.replace("\xa0", "").replace(",", ".") or 0)

    chosen = random.Random(5).sample(made, OPENED)
    assert not differences(chosen, shown, lambda one: (one.sum_text, one.page_text, one.due or Decimal(0)))
