"""Tests that a hostile text of a customer or of staff stays a text: on every page, in Telegram, on paper and in files.

The text closes attributes, elements and scripts, and then opens an element that must not be found anywhere.
"""

from html.parser import HTMLParser

import pytest
from django.urls import reverse

from notifications.models import TelegramMessage
from notifications.rendering import render
from orders import services
from orders.models import City, Courier, Customer, CustomerCall, Order, OrderNote, SavedView, Shop, Status
from tests.notifications import telegram_html
from tests.orders.paper.pdf import pdf_text
from tests.roles import browser_of, everything_but
from tests.safety.addresses import every_address, keys_of_samples
from tests.samples import order_data

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
"""Every page is rendered twice."""

EVIL = "\"'></textarea></script></style></title>--><evil-tag onload=evil()>{{7*191}}$end"
TYPED = dict.fromkeys(("USER_DESCRIPTION", "COMMENTS", "ACCOUNT_NUMBER", "TRACKING_NUMBER", "REASON_CANCELED"), EVIL)
PROPERTIES = dict.fromkeys(
    (
        "nameRecipient",
        "addressRecipient",
        "postcardText",
        "phoneRecipient",
        "data",
        "when",
        "name",
        "phone",
        "email",
        "own",
    ),
    EVIL,
)


class _Tags(HTMLParser):
    """The names of the elements and the attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.found |= {tag, *(name for name, _ in attrs)}


def is_injected(html):
    tags = _Tags()
    tags.feed(html)
    return bool({"evil-tag", "onload"} & tags.found) or "1337$end" in html


@pytest.fixture
def order(post_webhook, manager):
    data = order_data(
        **TYPED, properties=PROPERTIES, user={"ID": "1079", "NAME": EVIL, "PERSONAL_PHONE": EVIL, "EMAIL": EVIL},
        basket=[{"ID": "1", "PRODUCT_ID": "5", "NAME": EVIL, "PRICE": "9000", "QUANTITY": "1", "NOTES": EVIL}],
    )  # fmt: skip
    assert post_webhook("order.create", data).status_code == 200
    post_webhook("product.update", {"ID": "5", "NAME": EVIL, "CODE": EVIL})
    order = Order.objects.get()
    for model in (City, Shop, Status):
        model.objects.update(name=EVIL[:80])
    courier = Courier.objects.create(name=EVIL[:80], phone="+77011234567", telegram=EVIL[:60])
    services.assign_courier(order_id=order.pk, courier=courier, actor=manager)
    services.report_problem(order_id=order.pk, reason=EVIL, actor=manager)
    services.change_status(order_id=order.pk, status="accepted", actor=manager, comment=EVIL)
    OrderNote.objects.create(order=order, author=manager, text=EVIL)
    CustomerCall.objects.create(customer=order.customer, reason="away", note=EVIL, caller=manager)
    Customer.objects.update(note=EVIL)
    SavedView.objects.create(owner=manager, name=EVIL[:60], query="preset=all", columns=["number"])
    manager.first_name = EVIL[:100]
    manager.save()
    order.refresh_from_db()
    return order


@pytest.mark.parametrize("who", ["superuser", "without phones"])
def test_hostile_text_opens_no_element_on_any_page(order, manager, who):
    browser = browser_of(manager if who == "superuser" else everything_but("view_phones"))
    rows, seen = keys_of_samples(), 0
    for address in every_address():
        if address.name in ("admin:logout", "schema"):
            continue
        for path in (address.path(rows), f"{address.path(rows)}?q=%3Cevil-tag%20onload%3De%3E&preset=all"):
            answer = browser.get(path)
            if answer.streaming or not answer.headers.get("Content-Type", "").startswith("text/html"):
                continue
            html = answer.content.decode()
            seen += "evil-tag" in html
            assert not is_injected(html), path
    assert seen > 30


def test_hostile_text_is_a_text_in_telegram(order):
    kinds = TelegramMessage.Kind
    event = order.events.get(kind="status")
    for kind, about in ((kinds.NEW_ORDER, None), (kinds.STATUS, event)):
        message = TelegramMessage.objects.create(kind=kind, chat_id="-1", order=order, event=about)
        html = render(message).text
        assert "evil-tag" in telegram_html.read(html)  # which refuses any other element
        assert not is_injected(html)


def test_hostile_text_is_printed_as_a_text(order, manager):
    browser = browser_of(manager)
    for paper in ("work_order:a5", "route_sheet:a4", "postcard:a6"):
        answer = browser.post(reverse("admin:orders_order_print"), {"paper": paper, "order": str(order.pk)})
        assert answer.status_code == 200
        assert "evil-tag" in pdf_text(b"".join(answer) if answer.streaming else answer.content)


def test_injected_element_is_noticed():
    assert is_injected(f"<p title='{EVIL}'>")
    assert is_injected(f"<p>{EVIL}</p>")
    assert not is_injected("<p>&lt;evil-tag onload=evil()&gt;</p>")
