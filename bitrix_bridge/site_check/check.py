"""Run the whole site check: test the preconditions, run the steps, delete the test order, and wait for the webhooks."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from django.utils.translation import gettext, pgettext

from bitrix_bridge.site_check import webhook_arrival
from bitrix_bridge.site_check.calls import NoReplyError, NotOwnOrderError, SiteBridge
from bitrix_bridge.site_check.cleanup import Leftover, remove
from bitrix_bridge.site_check.comparison import Difference, Kind
from bitrix_bridge.site_check.readiness import bridge_version, is_recent
from bitrix_bridge.site_check.step_runner import Mark, OrderUnknownError, Result, StepRunner
from bitrix_bridge.site_client.bridge_client import BridgeClient
from cvety_crm.outbox import DeliveryError, MisconfiguredError, PermanentDeliveryError

logger = logging.getLogger(__name__)

AS_EXPECTED, DIFFERENCES, NOT_DONE = 0, 1, 2
"""The exit statuses of the command."""


class UnusableSiteError(Exception):
    """The site can't be checked. The message contains the reason and what must be installed."""


@dataclass(slots=True)
class Outcome:
    """The result of a site check.

    `problem` is the reason if the check ended early. `leftover` is an order left on the site.
    """

    version: str
    xml_id: str = ""
    results: list[Result] = field(default_factory=list)
    problem: str = ""
    leftover: Leftover | None = None

    @property
    def exit_status(self) -> int:
        """Return `NOT_DONE` if the check ended early or an order is left on the site; otherwise compare the steps."""
        if self.problem or self.leftover:
            return NOT_DONE
        return AS_EXPECTED if all(one.mark is Mark.AS_EXPECTED for one in self.results) else DIFFERENCES

    def count(self, mark: Mark) -> int:
        """Return how many steps ended with this mark."""
        return sum(one.mark is mark for one in self.results)


def require_bridge() -> str:
    """Return the bridge's version. Raise `UnusableSiteError` if the site has no bridge or its version is too old."""
    try:
        answer = BridgeClient().ping()
    except MisconfiguredError as failure:
        raise UnusableSiteError(failure.message) from failure
    except PermanentDeliveryError as failure:
        # The site's earlier endpoint treats a ping as an order without items (see `BridgeClient.knows_all_actions`).
        message = gettext("The site's endpoint can only create orders: install the bridge (bitrix_bridge/php).")
        raise UnusableSiteError(message) from failure
    except DeliveryError as failure:
        raise UnusableSiteError(failure.message) from failure
    version = bridge_version(answer)
    if not is_recent(version):
        message = gettext(
            "The bridge on the site is version %(version)s, and the check needs 1.2 or newer: replace both files there "
            "with those in bitrix_bridge/php, as its README says."
        )
        raise UnusableSiteError(message % {"version": version or "?"})
    return version


def run_check(
    bridge: SiteBridge,
    outcome: Outcome,
    *,
    on_result: Callable[[Result], None] = lambda _result: None,
    stop_if_requested: Callable[[], None] = lambda: None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Run all steps and store the results in `outcome`. In every case, try to delete the test order."""
    runner = StepRunner(bridge, on_result=on_result, stop_if_requested=stop_if_requested, results=outcome.results)
    outcome.xml_id = runner.site.xml_id
    try:
        try:
            runner.run()
        finally:
            outcome.leftover = _clean_up(runner, bridge, sleep)
        _webhooks(runner, bridge, on_result, stop_if_requested, sleep)
    except KeyboardInterrupt:
        outcome.problem = gettext("The check was stopped.")
    except NoReplyError as error:
        outcome.problem = gettext("The site does not answer: %(why)s.") % {"why": error}
    except NotOwnOrderError:
        outcome.problem = gettext("The site returned another order instead of the one that the check created.")
    except OrderUnknownError as error:
        outcome.problem = gettext("The site created an order but does not return it: %(why)s") % {"why": error}
    except Exception as error:
        logger.exception("the check of the site failed")
        outcome.problem = gettext("An error in the CRM itself: %(error)s") % {"error": type(error).__name__}


def _clean_up(runner: StepRunner, bridge: SiteBridge, sleep: Callable[[float], None]) -> Leftover | None:
    if runner.is_created is False or runner.is_deleted:
        return None
    order_id, xml_id = runner.site.order_id, runner.site.xml_id
    try:
        return remove(bridge, xml_id, order_id, may_appear=runner.is_created is None, sleep=sleep)
    except KeyboardInterrupt:
        return Leftover(xml_id, order_id if order_id in bridge.own else None, gettext("the check was stopped"))
    except Exception as error:
        logger.exception("the order of the check could not be removed")
        return Leftover(xml_id, order_id if order_id in bridge.own else None, type(error).__name__)


def _webhooks(
    runner: StepRunner,
    bridge: SiteBridge,
    on_result: Callable[[Result], None],
    stop_if_requested: Callable[[], None],
    sleep: Callable[[float], None],
) -> None:
    """Check whether the site's webhooks about the order have arrived in this CRM."""
    result = Result("webhooks", pgettext("site check", "Webhooks"), Mark.NOT_DONE)
    runner.results.append(result)
    calls_before = len(bridge.calls)
    try:
        if runner.site.order_id is None:
            result.reason = gettext("there was no order")
        elif any(one.name == "webhook_installed" for one in runner.results[0].differences):
            result.reason = gettext("the site sends no webhooks: see the first step")
        else:
            _wait(runner, bridge, result, runner.site.order_id, stop_if_requested, sleep)
    finally:
        result.calls = bridge.calls[calls_before:]
        on_result(result)


def _wait(
    runner: StepRunner,
    bridge: SiteBridge,
    result: Result,
    order_id: int,
    stop_if_requested: Callable[[], None],
    sleep: Callable[[float], None],
) -> None:
    xml_id = runner.site.xml_id
    arrival = webhook_arrival.wait_for_events(order_id, xml_id, stop_if_requested=stop_if_requested, sleep=sleep)
    result.milliseconds = round(arrival.seconds * 1000)
    if arrival.events is None:
        result.reason = gettext("the database of the CRM can't be read")
        return
    result.succeeded = bool(arrival.events)
    events = ", ".join(f"{name} × {number}" for name, number in Counter(arrival.events).items())
    if arrival.is_complete:
        result.mark, result.note = Mark.AS_EXPECTED, events
        return
    last_error = str(bridge.send({"action": "ping"}).data.get("last_error") or "")
    kind = Kind.NO_LAST_WEBHOOK if arrival.events else Kind.NO_WEBHOOK
    result.mark = Mark.DIFFERENT
    result.differences = [Difference(kind, "webhooks", events, int(webhook_arrival.WAIT_SECONDS), last_error)]
