"""Tests of rendered messages."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone, translation
from hypothesis import given, settings
from hypothesis import strategies as st

from cvety_crm import alerts
from cvety_crm.alerts import Alert
from cvety_crm.users import User
from notifications import links, markup, texts
from orders.models import City, Customer, DeliverySlot, PaymentMethod, PaymentStatus, Reason, Shop, Source, Status
from orders.presentation import formatting
from tests.notifications import telegram_html
from tests.notifications.made_up import NOON, bare_order, facts, item, order, status_event

NBSP = "\u00a0"
NASTY = "<b>&\"'</b> 👩\u200d💻 Әлия ₸"
NAMES = {"accepted": "Принят", "delivering": "Доставляется"}
ANY_TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from('<>&"\n😀'), max_size=700) | st.sampled_from(
    ["&" * 9000, "😀" * 9000, "<a href='x'>" * 800, " "]
)


@pytest.fixture(autouse=True)
def _fixed_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formatting.timezone, "localdate", lambda: NOON.date())
    for module in (links, alerts):
        monkeypatch.setattr(module, "reverse", lambda _name, args: f"/crm/orders/order/{args[0]}/change/")


def test_new_order_text_shows_all_fields() -> None:
    text = texts.new_order(facts(customer_orders=8))

    assert "9\u00a0000\u00a0₸" in text
    assert telegram_html.read(text).replace(NBSP, " ").split("\n")[:-1] == [
        "🆕 Order № 122225 · 9 000 ₸ · not paid, method unknown",
        "📋 Новый · 11:42 · from the site",
        "🕐 Today, Mon 25 August, 15:00–16:00",
        "🌷 Букет Стандарт — 1 pcs × 7 500 ₸",
        "🚚 Delivery 1 500 ₸ · Алматы · CVETYKZ",
        "📍 ул. Абая 150, кв 25",
        "🙎 Мария, +7 701 123-45-67 · surprise, do not call",
        "💌 С днём рождения, мама!",
        "✍️ без лилий, аллергия",
        "📝 позвонить в ворота",
        "👤 Айгерим, +7 777 123-45-67 · order no. 8 of this customer",
    ]


def test_texts_are_translated_to_russian() -> None:
    with translation.override("ru"):
        new = telegram_html.read(texts.new_order(facts(customer_orders=8))).replace(NBSP, " ")
        change = telegram_html.read(texts.status_change(facts(items=200, event=status_event()), NAMES))

    assert new.split("\n")[:-1] == [
        "🆕 Заказ № 122225 · 9 000 ₸ · не оплачен, способ неизвестен",
        "📋 Новый · 11:42 · с сайта",
        "🕐 Сегодня, пн 25 августа, 15:00–16:00",
        "🌷 Букет Стандарт — 1 шт × 7 500 ₸",
        "🚚 Доставка 1 500 ₸ · Алматы · CVETYKZ",
        "📍 ул. Абая 150, кв 25",
        "🙎 Мария, +7 701 123-45-67 · сюрприз, не звонить",
        "💌 С днём рождения, мама!",
        "✍️ без лилий, аллергия",
        "📝 позвонить в ворота",
        "👤 Айгерим, +7 777 123-45-67 · 8-й заказ",
    ]
    assert "\nПринят → Доставляется · Данияр, 11:42 · из CRM\n" in change
    assert re.search(r"\n…и ещё \d+ позици[йяи]\n", change)


def test_new_order_text_names_missing_fields() -> None:
    text = texts.new_order(facts(bare_order(), items=0))

    assert telegram_html.read(text).replace(NBSP, " ").split("\n")[:-1] == [
        "🆕 Order № 7 · 0 ₸ · nothing to pay",
        "📋 Новый · 11:42 · from the site",
        "🕐 delivery date not given",
        "🌷 no items given",
        "🚚 Delivery free of charge",
        "📍 address not given",
        "🙎 recipient not given",
    ]


def test_status_change_text_shows_user_time_and_source() -> None:
    text = texts.status_change(facts(event=status_event()), NAMES)

    lines = telegram_html.read(text).replace(NBSP, " ").split("\n")
    assert lines[:2] == [
        "🔄 Order № 122225 · 9 000 ₸ · not paid, method unknown",
        "Принят → Доставляется · Данияр, 11:42 · from the CRM",
    ]
    assert "💌 С днём рождения, мама!" in lines


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"actor": None, "source": Source.SITE}, "· 11:42 · from the site"),
        ({"actor": None, "source": Source.API}, "· 11:42 · through the API"),
        ({"source": Source.TELEGRAM}, "· Данияр, 11:42 · from Telegram"),
        ({"actor": User(username="d.k")}, "· d.k, 11:42 · from the CRM"),
        ({"happened_at": NOON - timedelta(days=1)}, "Данияр, 24 August, 11:42"),
        ({"reason": Reason.SITE_DECIDES}, "❗ The status was changed on the site too; the site's status stays"),
        ({"details": {"comment": "клиент <просил>"}}, "💬 клиент <просил>"),
    ],
)
def test_status_change_text_shows_the_details_of_the_event(changes: dict[str, Any], expected: str) -> None:
    text = texts.status_change(facts(event=status_event(**changes)), NAMES)

    assert expected in telegram_html.read(text)


def test_status_without_a_name_is_shown_by_its_code() -> None:
    text = texts.status_change(facts(event=status_event("bitrix_ZZ", "delivering")), NAMES)

    assert "<b>bitrix_ZZ → Доставляется</b>" in text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "9 000 ₸ · not paid, method unknown"),
        ({"payment_method": PaymentMethod.CASH}, "9 000 ₸ · not paid (cash)"),
        ({"payment_status": PaymentStatus.PAID}, "9 000 ₸ · paid"),
        ({"paid_amount": Decimal(9000)}, "9 000 ₸ · paid"),
        ({"paid_amount": Decimal(6000)}, "9 000 ₸ · to be paid: 3 000 ₸"),
        ({"payment_status": PaymentStatus.REFUNDED, "paid_amount": Decimal(9000)}, "9 000 ₸ · refunded"),
        ({"currency": "<U>"}, "9 000 <U> · not paid, method unknown"),
    ],
)
def test_first_line_shows_total_and_payment_status(changes: dict[str, Any], expected: str) -> None:
    text = telegram_html.read(texts.new_order(facts(order(**changes)))).replace(NBSP, " ")

    assert text.split("\n")[0] == f"🆕 Order № 122225 · {expected}"


@pytest.mark.parametrize(
    ("changes", "present", "absent"),
    [
        ({"is_pickup": True}, "🏬 Pickup · Алматы · CVETYKZ", "🚚"),
        ({"is_pickup": True, "delivery_address": ""}, "🏬 Pickup", "📍"),
        ({"delivery_address": "  "}, "📍 address not given", "ул."),
        ({"is_anonymous": True}, "surprise, do not call · anonymous, do not name the sender", "⚠️"),
        ({"recipient_name": ""}, "🙎 +7 701 123-45-67", "Мария"),
        ({"recipient_phone": "не знаю"}, "🙎 Мария, unreadable: “не знаю”", "+7 701"),
        ({"customer": None}, "🙎 Мария", "👤"),
        ({"customer": Customer()}, "👤 customer without a name", "None"),
        ({"discount_amount": Decimal(500)}, f"🏷 Discount 500{NBSP}₸", "None"),
        ({"delivery_slot": None}, "🕐 Today, Mon 25 August\n", "15:00"),
        ({"delivery_slot": DeliverySlot(name="к <обеду>")}, "August, к <обеду>", "None"),
        ({"is_stub": True}, "⚠️ The site has sent only the status", "None"),
        ({"is_cancelled": True}, "⚠️ Cancelled on the site.", "None"),
        ({"is_deleted_on_site": True}, "⚠️ Deleted on the site.", "None"),
        ({"source": Source.ADMIN}, "from the CRM", "from the site"),
        ({"postcard_text": "один\r\n\r\nдва"}, "💌 один\n\nдва\n", "\r"),
        ({"comment": " \n "}, "💌", "✍️"),
    ],
)
def test_new_order_text_depends_on_the_fields_of_the_order(changes: dict[str, Any], present: str, absent: str) -> None:
    text = telegram_html.read(texts.new_order(facts(order(**changes))))

    assert present in text
    assert absent not in text


def test_discount_that_is_included_in_the_prices_is_marked() -> None:
    line = item(price="7000.00")
    line.product_snapshot["original_price"] = "7500.00"
    text = telegram_html.read(texts.new_order(facts(order(discount_amount=Decimal(500)), items=[line])))
    assert f"🏷 Discount 500{NBSP}₸, already in the prices\n" in text
    assert f"1 pcs × 7{NBSP}000{NBSP}₸" in text


@pytest.mark.parametrize(("count", "expected"), [(0, "👤 Айгерим, +7 777 123-45-67"), (1, "· first order")])
def test_customer_line_shows_whether_it_is_the_first_order(count: int, expected: str) -> None:
    assert expected in texts.new_order(facts(customer_orders=count)).split("\n")[-2][-len(expected) :]


def nasty_facts(text: str, lines: int = 2) -> texts.OrderFacts:
    """Return an order and its status change. All their text fields contain this text."""
    made_up = order(
        order_number=text,
        status=Status(code=text, name=text),
        customer=Customer(name=text, phone=text),
        recipient_name=text,
        recipient_phone=text,
        delivery_address=text,
        delivery_slot=DeliverySlot(name=text),
        city=City(name=text),
        shop=Shop(name=text),
        postcard_text=text,
        comment=text,
        courier_comment=text,
        payment_method=text,
        payment_status=text,
        currency=text[:3],
        source=text,
        is_stub=True,
        is_cancelled=True,
        is_deleted_on_site=True,
        is_anonymous=True,
        discount_amount=Decimal("999999999.99"),
    )
    event = status_event(text, text, actor=User(first_name=text), source=text, reason=text, details={"comment": text})
    return facts(made_up, items=[item(text, "9999999.99", "1.001")] * lines, event=event, customer_orders=1000)


def test_typed_texts_are_escaped() -> None:
    made_up = nasty_facts(NASTY)

    for text in (texts.new_order(made_up), texts.status_change(made_up, {NASTY: NASTY})):
        shown = telegram_html.read(text)
        assert "&lt;b&gt;&amp;&quot;" in text
        assert shown.count(NASTY) >= 12
        assert text.replace("<b>", "", 2).replace("</b>", "", 2).count("<") == 0


@pytest.mark.parametrize("count", [3, 100, 1000])
def test_long_list_of_lines_is_cut_and_the_rest_is_counted(count: int) -> None:
    text = texts.new_order(facts(items=[item(f"Букет {number}") for number in range(count)]))

    shown = telegram_html.read(text)
    listed = sum(line.startswith("🌷") for line in shown.split("\n"))
    assert telegram_html.length(text) <= 4096
    assert "👤 Айгерим" in shown
    if listed < count:
        assert f"…and {count - listed} more items" in shown
        assert listed > 50
    else:
        assert "more" not in shown


def test_long_postcard_is_cut_and_other_fields_are_complete() -> None:
    text = texts.new_order(facts(order(postcard_text="Дорогая мама! 🌹 " * 300)))

    shown = telegram_html.read(text)
    assert 4000 < telegram_html.length(text) <= 4096
    assert "…\n✍️ без лилий, аллергия\n📝 позвонить в ворота\n👤 Айгерим" in shown


@settings(deadline=None)  # the tests do not measure the speed of the machine
@given(text=ANY_TEXT, lines=st.integers(0, 40))
def test_rendered_html_is_valid_and_within_the_limit_for_any_text(text: str, lines: int) -> None:
    made_up = nasty_facts(text, lines)

    for html in (
        texts.new_order(made_up),
        texts.status_change(made_up, {}),
        texts.alert(Alert(text, text, made_up.order)),
    ):
        assert telegram_html.length(html) <= 4096
        telegram_html.read(html)


def test_link_is_in_the_text_when_telegram_refuses_it_as_a_button(settings: Any) -> None:
    made_up = facts()

    settings.PUBLIC_URL = "http://localhost:8001"
    assert f"🔗 http://localhost:8001/crm/orders/order/{made_up.order.pk}/change/" in texts.new_order(made_up)
    settings.PUBLIC_URL = "https://crm.example.kz"
    assert "🔗" not in texts.new_order(made_up)


def test_alert_text_masks_secrets_and_links_to_the_row(settings: Any) -> None:
    settings.PUBLIC_URL = "https://crm.example.kz"
    settings.TELEGRAM_BOT_TOKEN = "123456:made-up-token-of-the-tests"
    about = order()
    alert = Alert("Push № 5 <given up>", "see /bot123456:made-up-token-of-the-tests/x & more", about)

    assert texts.alert(alert).split("\n") == [
        "⚠️ <b>Push № 5 &lt;given up&gt;</b>",
        "see /bot•••/x &amp; more",
        f"🔗 https://crm.example.kz/crm/orders/order/{about.pk}/change/",
    ]
    assert texts.alert(Alert("only this")) == "⚠️ <b>only this</b>"


def test_today_is_the_day_in_almaty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    tomorrow = timezone.localdate() + timedelta(days=1)

    assert "🕐 Tomorrow, " in texts.new_order(facts(order(delivery_date=tomorrow)))


def test_details_of_the_site_are_shown_and_escaped() -> None:
    line_with_size = item()
    line_with_size.product_snapshot["properties"] = [{"NAME": "Size", "CODE": "SIZE", "VALUE": "61 <cm>"}]
    properties = {"apartment": "25", "notes": "<b>&", "empty": ""}
    made = order(metadata={"properties": properties, "labels": {"apartment": "Flat <i>"}})
    text = texts.new_order(texts.OrderFacts(order=made, items=[line_with_size]))
    assert "🌷 Букет Стандарт (Size: 61 &lt;cm&gt;) — 1 pcs" in text
    assert "▫️ Flat &lt;i&gt;: 25\n▫️ Note: &lt;b&gt;&amp;" in text
    assert text.count("▫️") == 2


def test_many_details_are_cut() -> None:
    made = order(metadata={"properties": {f"property{n}": "я" * 500 for n in range(100)}})
    text = texts.new_order(texts.OrderFacts(order=made, items=[item()]))
    assert markup.units(text) <= markup.LIMIT
    assert "more values" in text
