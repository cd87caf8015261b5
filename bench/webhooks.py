"""The webhooks of the benchmark, from a made-up day of the shop. The same seed always creates the same webhooks.

The sandbox creates the webhooks, because their versions, dates and structure must be as on the site. Every order has
three items. As in a shop, some products and customers occur often and others are new.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bitrix_bridge.sandbox.reference import PRODUCTS
from bitrix_bridge.sandbox.sample_texts import COMMENTS
from bitrix_bridge.sandbox.shop import address, order_request
from bitrix_bridge.sandbox.site import Event, Site

LINES = 3
CREATES_FOR_ONE_UPDATE = 4
RARE_PRODUCTS = 500
"""The number of products that are not in the catalogue. The CRM has not received them before."""
START = 1_766_000_000.0
"""The start of the made-up day in Unix seconds."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """The body of a request, the id of its order, and the action that the response must contain."""

    order_id: int
    expected_action: str
    body: bytes


class Day:
    """The webhooks of a shop, sorted as the site sends them. No order id occurs in two calls of `take`."""

    def __init__(self, seed: int = 1) -> None:
        self._source = random.Random(seed)
        self._now = START
        self._site = Site(clock=self._tick)
        self._events: list[Event] = []
        self._site.subscribe(self._events.append)

    def take(self, count: int) -> list[Webhook]:
        """Return the next `count` webhooks. After four new orders, one order that this call has created is changed."""
        webhooks: list[Webhook] = []
        unchanged: list[int] = []
        while len(webhooks) < count:
            if len(webhooks) % (CREATES_FOR_ONE_UPDATE + 1) < CREATES_FOR_ONE_UPDATE:
                order = self._site.create_order(self._request()).order
                unchanged.append(int(order["ID"]))
                action = "created"
            else:
                self._change(unchanged.pop(self._source.randrange(len(unchanged))))
                action = "updated"
            webhooks.append(_webhook(self._events.pop(), action))
        return webhooks

    def _tick(self) -> float:
        self._now += 0.5
        return self._now

    def _request(self) -> dict[str, Any]:
        request = order_request(self._source)
        rare = self._source.randrange(RARE_PRODUCTS)
        bought = [(product.id, product.name, product.price) for product in self._source.sample(PRODUCTS, LINES)]
        if self._source.random() < 0.2:
            bought[-1] = (800_000 + rare, f"Букет на заказ № {rare}", 10_000 + 50 * rare)
        request["items"] = [
            {
                "bitrix_product_id": product_id,
                "quantity": self._source.choice((1, 1, 1, 2)),
                "price": float(price),
                "product_snapshot": {"name": name, "currency": "KZT"},
            }
            for product_id, name, price in bought
        ]
        return request

    def _change(self, order_id: int) -> None:
        what = self._source.random()
        if what < 0.4:
            self._site.update_order(order_id, {"STATUS_ID": self._source.choice(("AP", "PD"))})
        elif what < 0.6:
            self._site.update_order(order_id, {"PAYED": "Y"})
        elif what < 0.8:
            self._site.update_order(order_id, properties={"addressRecipient": f"{address(self._source)}, подъезд 2"})
        else:
            comment = self._source.choice([text for text in COMMENTS if text])
            self._site.update_order(order_id, {"USER_DESCRIPTION": f"{comment}. Спасибо!"})


def _webhook(event: Event, action: str) -> Webhook:
    document = {"event": event.name, "event_id": event.event_id, "data": event.data}
    return Webhook(int(event.data["ID"]), action, json.dumps(document).encode())


def distribute(webhooks: Sequence[Webhook], connections: int) -> list[list[Webhook]]:
    """Return the webhooks of each connection. All webhooks of one order use the same connection, one after another."""
    shares: list[list[Webhook]] = [[] for _ in range(connections)]
    share_of: dict[int, list[Webhook]] = {}
    for webhook in webhooks:
        share_of.setdefault(webhook.order_id, shares[len(share_of) % connections]).append(webhook)
    return shares
