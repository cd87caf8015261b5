"""Delete the order of this site check from the site, and the orders that earlier checks have left."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext

from bitrix_bridge.payloads import is_check_order
from bitrix_bridge.site_check.calls import NoReplyError, NotOwnOrderError, Refusal, Reply, SiteBridge
from bitrix_bridge.site_check.side_state import rows, whole_number

RETRY_DELAYS = (1.0, 3.0)
"""The seconds before the second attempt and before the third attempt."""
LEFTOVER_DAYS = 60
PAGE = 500
MAX_PAGES = 200


@dataclass(frozen=True, slots=True)
class Leftover:
    """An order that a check has left on the site. `order_id` is None if only the XML_ID is known."""

    xml_id: str
    order_id: int | None = None
    why: str = ""
    """The reason why the order could not be deleted."""


class ListRefusedError(Exception):
    """The site refused to list its orders. The message may be shown."""


def remove(
    bridge: SiteBridge,
    xml_id: str,
    order_id: int | None = None,
    *,
    may_appear: bool = False,
    sleep: Callable[[float], None] = time.sleep,
) -> Leftover | None:
    """Delete the order of a check. Return the order if it may still be on the site, or None if it is deleted.

    The order is searched for by its XML_ID unless its id is known to belong to a check. The deletion is attempted three
    times. `may_appear` is True if the request to create the order got no response, so that the site may still create
    it.
    """
    why = ""
    for delay in (*RETRY_DELAYS, None):
        try:
            if order_id not in bridge.own:
                order_id = _find(bridge, xml_id)
            if order_id is not None:
                refusal = bridge.send({"action": "order.delete", "order_id": order_id}).refusal
                if refusal is None or refusal.code == "order_not_found":
                    return None
                why = describe_refusal(refusal)
            elif may_appear:
                why = gettext("the order does not exist, but its creation was not answered and may still be running")
            else:
                return None
        except NoReplyError as error:
            why = str(error)
        except _RefusedError as error:
            why = str(error)
        except NotOwnOrderError:
            return Leftover(xml_id, None, gettext("the site returned another order for this XML_ID"))
        if delay is not None:
            sleep(delay)
    return Leftover(xml_id, order_id, why)


class _RefusedError(Exception):
    pass


def _find(bridge: SiteBridge, xml_id: str) -> int | None:
    reply = bridge.send({"action": "order.get", "xml_id": xml_id})
    if reply.refusal is not None:
        if reply.refusal.code == "order_not_found":
            return None
        raise _RefusedError(describe_refusal(reply.refusal))
    order = reply.data.get("order")
    found = order if isinstance(order, dict) else {}
    order_id = whole_number(found.get("ID"))
    if order_id is None or found.get("XML_ID") != xml_id:
        raise NotOwnOrderError(xml_id)
    bridge.record_own(order_id, xml_id)
    return order_id


def describe_refusal(refusal: Refusal) -> str:
    return f"{refusal.code or f'HTTP {refusal.status}'}: {refusal.message}".rstrip(": ")


def leftovers(bridge: SiteBridge, *, stop_if_requested: Callable[[], None] = lambda: None) -> list[Leftover]:
    """Return the orders that checks of the last `LEFTOVER_DAYS` days have left, and record that they may be deleted.

    Raise `NoReplyError` if the site does not answer, and `ListRefusedError` if it refuses to list its orders.
    """
    since = (timezone.now() - timedelta(days=LEFTOVER_DAYS)).isoformat(timespec="seconds")
    found: list[Leftover] = []
    after_id = 0
    for _ in range(MAX_PAGES):
        stop_if_requested()
        request = {"action": "order.list", "since": since, "after_id": after_id, "limit": PAGE}
        # The response is not in the report, because the list contains orders of customers.
        reply = bridge.send(request, is_reported=False)
        if reply.refusal is not None:
            raise ListRefusedError(describe_refusal(reply.refusal))
        found += _own_of(bridge, reply)
        following = whole_number(reply.data.get("next_after_id")) or 0
        if following <= after_id:
            break
        after_id = following
    return found


def _own_of(bridge: SiteBridge, reply: Reply) -> list[Leftover]:
    found = []
    for row in rows(reply.data.get("orders")):
        order_id, xml_id = whole_number(row.get("order_id")), row.get("xml_id")
        if order_id is not None and is_check_order(xml_id):
            bridge.record_own(order_id, xml_id)
            found.append(Leftover(str(xml_id), order_id))
    return found
