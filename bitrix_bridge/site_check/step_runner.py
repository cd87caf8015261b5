"""Run the steps: send the same request to the site and to the sandbox, and compare the order on both sides."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext

from bitrix_bridge.payloads.identity import CHECK_XML_ID_PREFIX
from bitrix_bridge.site_check import sandbox_in_memory, side_state
from bitrix_bridge.site_check.calls import Call, NotOwnOrderError, Reply, Request, SiteBridge
from bitrix_bridge.site_check.comparison import (
    Difference,
    Kind,
    compare_orders,
    compare_replies,
    refused_parts,
)
from bitrix_bridge.site_check.readiness import check_ping, check_reference
from bitrix_bridge.site_check.sandbox_in_memory import SandboxInMemory
from bitrix_bridge.site_check.side_state import Side, whole_number
from bitrix_bridge.site_check.steps import STEPS, Step


class Mark(StrEnum):
    """The mark of a step in the report."""

    AS_EXPECTED = "✓"
    DIFFERENT = "≠"
    NOT_DONE = "–"


@dataclass(slots=True)
class Result:
    """The result of a step. `reason` is why the step was not done. `calls` are the requests of the step to the site."""

    key: str
    title: str
    mark: Mark = Mark.AS_EXPECTED
    milliseconds: int = 0
    reason: str = ""
    note: str = ""
    """Additional information on a step that ended as expected."""
    succeeded: bool = False
    """Whether the site executed the request, with or without differences."""
    differences: list[Difference] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    expected: Mapping[str, Any] | None = None
    """The sandbox's response, if the site's response differs from it."""


class OrderUnknownError(Exception):
    """The site created an order but does not return it, so nothing can be compared. The message may be shown."""


@dataclass(slots=True)
class StepRunner:
    """One run of all steps.

    `on_result` is called with each result. `stop_if_requested` is called before each step and may raise an exception.
    `is_created` is False if no order of this check can be on the site, and None if this is unknown. `is_deleted` is
    True after the deletion of the order.
    """

    bridge: SiteBridge
    on_result: Callable[[Result], None] = lambda _result: None
    stop_if_requested: Callable[[], None] = lambda: None
    results: list[Result] = field(default_factory=list)
    is_created: bool | None = False
    is_deleted: bool = False
    site: Side = field(init=False)
    _expected: Side = field(init=False)
    _sandbox: SandboxInMemory = field(init=False)
    _reported: set[tuple[str, str, str]] = field(init=False)

    def __post_init__(self) -> None:
        xml_id = f"{CHECK_XML_ID_PREFIX}{uuid4()}"
        day = (timezone.localdate() + timedelta(days=1)).isoformat()
        self.site = Side(xml_id, day, delivery=settings.BITRIX_DELIVERY_ID)
        self._expected = Side(xml_id, day, delivery=sandbox_in_memory.DELIVERY)
        self._expected.equivalents = {
            "DELIVERY_ID": {str(sandbox_in_memory.DELIVERY): str(settings.BITRIX_DELIVERY_ID)}
        }
        self._sandbox = SandboxInMemory()
        self._reported = set()

    @property
    def sides(self) -> tuple[Side, Side]:
        """Return the site and the sandbox."""
        return self.site, self._expected

    def run(self) -> None:
        """Run every step that is possible.

        Raise `NoReplyError` if the site does not answer, `NotOwnOrderError` if the site returns a different order,
        `OrderUnknownError` if the site does not return the order that it created, and any exception of
        `stop_if_requested`. The order is then not deleted.
        """
        for step in STEPS:
            self.stop_if_requested()
            result = Result(step.key, str(step.title))
            calls_before = len(self.bridge.calls)
            self.results.append(result)
            try:
                if reason := self._skip_reason(step):
                    result.mark, result.reason = Mark.NOT_DONE, reason
                else:
                    self._do(step, result)
            except BaseException:
                result.mark, result.reason = Mark.NOT_DONE, result.reason or gettext("interrupted")
                raise
            finally:
                result.calls = self.bridge.calls[calls_before:]
                self.on_result(result)

    def _skip_reason(self, step: Step) -> str:
        done = {result.key: result for result in self.results[:-1]}
        for key in step.needs:
            if not done[key].succeeded:
                return gettext("“%(step)s” was not done") % {"step": done[key].title}
        return step.skip_reason(self.site)

    def _do(self, step: Step, result: Result) -> None:
        request = step.request(self.site)
        if step.key == "create":
            self.is_created = None
        reply = self.bridge.send(request)
        result.milliseconds, result.succeeded = reply.milliseconds, reply.refusal is None
        sent = step.request(self._expected)
        expected = self._sandbox.send(sent)
        self._store_ids(step, reply, expected)
        found = list(self._differences(step, reply, expected))
        self._undo_refused(sent, reply, expected)
        if step.reads and self.site.order_id is not None:
            found += self._read()
        result.differences = found
        if found:
            result.mark, result.expected = Mark.DIFFERENT, expected.data

    def _store_ids(self, step: Step, reply: Reply, expected: Reply) -> None:
        """Store the values of the responses that later requests need."""
        if step.key == "reference":
            self._choose(reply.data)
        if step.key == "create":
            # After a refusal with an HTTP status of 4xx, no order exists. After any other refusal, an order may exist.
            self.is_created = reply.refusal is None or not 400 <= reply.status < 500
            self.site.order_id = whole_number(reply.data.get("order_id")) if reply.refusal is None else None
            if self.site.order_id is None and reply.refusal is None:
                raise OrderUnknownError(gettext("The site created the order but returned no id."))
            self._expected.order_id = whole_number(expected.data.get("order_id"))
        if step.key == "delete" and reply.refusal is None:
            self.is_deleted = True

    def _choose(self, reference: Mapping[str, Any]) -> None:
        system = side_state.choose_pay_system(reference)
        self.site.pay_system = system
        if system is not None:
            self._expected.pay_system = sandbox_in_memory.PAY_SYSTEM
            self._expected.equivalents = {
                **self._expected.equivalents,
                "PAY_SYSTEM_ID": {str(sandbox_in_memory.PAY_SYSTEM): str(system)},
            }
        for side in self.sides:
            side.status = side_state.choose_status(reference)
            side.choices = side_state.choose_reference_values(reference)

    def _differences(self, step: Step, reply: Reply, expected: Reply) -> Iterator[Difference]:
        yield from compare_replies(reply, expected, self.sides)
        if reply.refusal is not None:
            return
        if step.key == "ping":
            yield from check_ping(reply.data, timezone.now())
        elif step.key == "reference":
            yield from check_reference(reply.data, expected.data)
        elif "order" in expected.data:
            yield from self._order_differences(reply.data.get("order"), expected.data["order"])

    def _undo_refused(self, sent: Request, reply: Reply, expected: Reply) -> None:
        """Undo in the sandbox what the site refused, so that later steps do not report it again."""
        if expected.refusal is not None:
            return
        if reply.refusal is not None:
            self._sandbox.undo()
            return
        more = refused_parts(reply.data).keys() - refused_parts(expected.data).keys()
        if more:
            self._sandbox.undo()
            self._sandbox.send(_without(sent, more))

    def _read(self) -> Iterator[Difference]:
        """Read the order on both sides, check that it belongs to this site check, and compare both sides."""
        reply = self.bridge.send({"action": "order.get", "order_id": self.site.order_id})
        expected = self._sandbox.send({"action": "order.get", "order_id": self._expected.order_id})
        if reply.refusal is not None:
            if self.site.order_id not in self.bridge.own:
                raise OrderUnknownError(reply.refusal.message or reply.refusal.code)
            yield from compare_replies(reply, expected, self.sides)
            return
        yield from self._order_differences(reply.data.get("order"), expected.data["order"])

    def _order_differences(self, order: Any, expected: Mapping[str, Any]) -> Iterator[Difference]:
        theirs: Mapping[str, Any] = order if isinstance(order, Mapping) else {}
        order_id = self.site.order_id
        # Later steps change this order, so it must be the order that the check created.
        if order_id is None or (whole_number(theirs.get("ID")), theirs.get("XML_ID")) != (order_id, self.site.xml_id):
            raise NotOwnOrderError(str(order_id))
        self.bridge.record_own(order_id, self.site.xml_id)
        if self.site.codes is None:
            properties = theirs.get("properties")
            codes = frozenset(properties if isinstance(properties, Mapping) else ())
            self.site.codes = self._expected.codes = codes
            yield from (Difference(Kind.NO_PROPERTY, code) for code in side_state.missing_codes(codes))
        for one in compare_orders(theirs, expected, self.sides):
            key = (one.name, str(one.site), str(one.expected))
            # A column whose value is unchanged was already reported when it first differed.
            if one.kind in (Kind.VERSION, Kind.CHECKSUM) or key not in self._reported:
                yield one
            self._reported.add(key)
        self.site.order, self._expected.order = copy.deepcopy(theirs), expected


def _without(request: Request, parts: set[str]) -> Request:
    """Return the request without the refused parts, such as `items`, `fields.PRICE` or `properties.when`."""
    left = copy.deepcopy(request)
    for part in parts:
        first, _, name = part.partition(".")
        if name and isinstance(left.get(first), dict):
            left[first].pop(name, None)
        elif not name:
            left.pop(first, None)
    return left
