"""The mails that Bitrix sends to the customer after a save (sale/lib/notify.php), and the bridge's rule for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .reference import STATUSES_WITH_MAIL
from .values import Order

# The values of the PHP constant CRM_BRIDGE_LETTERS: allow mails about orders that were not made in the CRM, allow all
# mails except those about orders of the site check, or allow no mails.
MailRule = Literal["site", "all", "none"]

CRM_PREFIX = "crm-"
# Orders of the site check, which creates and deletes them.
CHECK_PREFIX = "crm-check-"


@dataclass(frozen=True)
class Mail:
    """A mail that was sent. `about` is Bitrix's mail event. `to` is an address, which may be a placeholder."""

    order_id: int
    about: str
    to: str


def mails_of(before: Order, after: Order) -> list[Mail]:
    """Return the mails that Bitrix sends after a save. `before` is empty for a new order."""
    changed = {name for name in after if before.get(name) != after[name]}
    about = [] if before else ["SALE_NEW_ORDER"]
    if "STATUS_ID" in changed and after["STATUS_ID"] in STATUSES_WITH_MAIL:
        about.append(f"SALE_STATUS_CHANGED_{after['STATUS_ID']}")
    if "PAYED" in changed and after["PAYED"] == "Y":
        about.append("SALE_ORDER_PAID")
    if "CANCELED" in changed and after["CANCELED"] == "Y":
        about.append("SALE_ORDER_CANCEL")
    if before and "TRACKING_NUMBER" in changed and after["TRACKING_NUMBER"]:
        about.append("SALE_ORDER_TRACKING_NUMBER")
    address = str(after["properties"].get("email") or after["user"].get("EMAIL") or "")
    return [Mail(int(after["ID"]), one, address) for one in about]


def are_sent(rule: MailRule, order: Order, origin: str) -> bool:
    """Return whether Bitrix sends the mails of a save. The bridge turns mails off for its own requests only."""
    if origin != "bridge":
        return True
    if rule == "all":
        return not order["XML_ID"].startswith(CHECK_PREFIX)
    return rule == "site" and not order["XML_ID"].startswith(CRM_PREFIX)
