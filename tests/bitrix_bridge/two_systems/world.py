"""Both systems in one process: the CRM with its real database, and the sandbox over real HTTP.

The test delivers the webhooks, and workers can be killed between any two steps.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from unittest.mock import patch
from uuid import UUID

from django.conf import settings
from django.test import Client
from django.utils import timezone

from bitrix_bridge.inbound import inbox, queue_processing
from bitrix_bridge.inbound.event_names import WHOLE_ORDER
from bitrix_bridge.models import Push, WebhookEvent
from bitrix_bridge.outbound.queueing import queue_missed
from bitrix_bridge.payloads import read_order
from bitrix_bridge.reconciliation import runs
from bitrix_bridge.reconciliation.runs import comparisons
from bitrix_bridge.reconciliation.slices import work
from bitrix_bridge.sandbox import Sandbox, faults
from bitrix_bridge.sandbox.bridge import Bridge
from bitrix_bridge.sandbox.errors import SiteError
from bitrix_bridge.sandbox.order_draft import Draft
from bitrix_bridge.sandbox.site import CRM_ORIGINS, Event, Site
from bitrix_bridge.sandbox.values import rounded
from bitrix_bridge.site_client import bridge_client as bridge_client
from cvety_crm.outbox import LIVE, State, deliver_one, engine
from cvety_crm.users import User
from orders import services
from orders.models import Order, OrderEvent, Source, Status
from orders.sync.agreement import Agreement
from orders.sync.fields import FIELDS, ITEMS, PUSHED, as_sent, comparable, comparable_items, empty_value, order_values
from tests.fixtures import WEBHOOK_PATH, WEBHOOK_TOKEN

KILL_POINTS = (
    "note_sending",
    "start_request",
    "record_created_on_site",
    "record_accepted",
    "record_late_response",
    "record_site_status",
    "reassess_sync_state",
)
"""The services before and after which a worker may be killed."""
MAX_ROUNDS = 30
"""The number of exchanges after which the two sides must agree."""


class WorkerKilledError(BaseException):
    """The error that ends a killed worker. No exception handler of the CRM runs."""


class World:
    """The two systems of one example.

    `actions` and `writes` are counts by order and field, and `site_actions` are counts by order.
    """

    def __init__(self, sandbox: Sandbox, staff: User) -> None:
        self._http = Client()
        self._sandbox, self.staff = sandbox, staff
        self.site = Site()
        self.site.define_property("when", variants=["18", "20"])  # any other value marks the order as problematic
        sandbox.faults.clear()
        sandbox.server.site, sandbox.server.bridge = self.site, Bridge(self.site, lambda: 0)
        self.site.subscribe(self._record_event)
        self.webhooks: list[Event] = []
        self.opened: list[Draft] = []
        self.archived: set[int] = set()
        self.writes: Counter[tuple[str, str]] = Counter()
        self.actions: Counter[tuple[str, str]] = Counter()
        self.site_actions: Counter[str] = Counter()
        self.at_first: dict[str, dict[str, Any]] = {}
        self.wanted: dict[tuple[int, str], Any] = {}
        self.marks: dict[str, list[str]] = {}
        self._there: dict[str, dict[str, Any]] = {}

    def _record_event(self, event: Event) -> None:
        self.webhooks.append(event)
        key = str(event.data["ID"])
        if event.name not in WHOLE_ORDER:
            self.site_actions[key] += 1
            return
        marks = self.marks.setdefault(key, [""])
        if event.data["REASON_MARKED"] != marks[-1]:
            marks.append(event.data["REASON_MARKED"])
        before, self._there[key] = self._there.get(key), site_values(event.data)
        if before is None:
            # This also counts for an order made by staff, because the site adds its own values.
            self.site_actions[key] += 1
            return
        changed = {name for name, value in self._there[key].items() if before.get(name, empty_value(name)) != value}
        if event.origin not in CRM_ORIGINS:
            self.site_actions[key] += 1
            self._drop_wanted(int(key), changed)
            return
        if changed & {ITEMS, "delivery_fee"}:
            changed -= DERIVED_FIELDS
        self.writes.update((key, name) for name in changed)

    def _drop_wanted(self, key: int, names: set[str]) -> None:
        """Record that staff have later changed these fields on the site, so the site need not keep the CRM's values."""
        for name in names:
            self.wanted.pop((key, name), None)

    # --- staff of the site

    def on_site(self, action: Callable[[], Any]) -> None:
        """Run an action of staff on the site. An action that Bitrix refuses does not count."""
        with suppress(SiteError):
            action()

    def change_silently(self, key: int, code: str, value: str) -> None:
        """Change a property with the old API, which sends no event and changes neither the version nor the date."""
        self.site.set_property_silently(key, code, value)
        before, self._there[str(key)] = self._there[str(key)], site_values(self.site.order(key))
        self.site_actions[str(key)] += 1
        self._drop_wanted(key, {name for name, one in self._there[str(key)].items() if before.get(name) != one})

    def archive(self, key: int) -> None:
        """Move an order to the site's archive."""
        self.site.archive_order(key)
        self.archived.add(key)

    # --- webhooks

    def arrive(self, event: Event) -> str:
        """Post an event to the webhook URL, and return the action of the CRM."""
        response = self._http.post(
            WEBHOOK_PATH,
            data={"event": event.name, "event_id": event.event_id, "data": event.data},
            content_type="application/json",
            headers={"Authorization": f"Bearer {WEBHOOK_TOKEN}"},
        )
        assert response.status_code == 200, response.content
        self._note_new_orders()
        action: str = response.json()["action"]
        if action == "stored":
            row = WebhookEvent.objects.get(pk=response.json()["event_id"])
            assert row.state == "queued", WebhookEvent.objects.exclude(error="").values_list("error", flat=True)
        return action

    def change_pressure(self, *, is_high: bool) -> None:
        """Let the next events be stored first, or be processed at once if no event of their object is queued."""
        settings.WEBHOOK_TIME_BUDGET = 0 if is_high else -1

    def process_queue(self, most: int | None = None) -> None:
        """Process the queued events in their order, or the first of them."""
        while most != 0 and (done := queue_processing.process_oldest_queued(most or queue_processing.BATCH)):
            self._note_new_orders()
            most = None if most is None else most - done

    def _note_new_orders(self) -> None:
        # The orders are sorted by their ids on the site. Their times are those of the enclosing transaction, and their
        # primary keys are random.
        for order in Order.objects.exclude(pk__in=self.at_first).order_by("bitrix_order_id"):
            unknown = dict.fromkeys(order.unknown_values)  # the timeline shows an unknown value as None
            self.at_first[str(order.pk)] = order_values(order, [*FIELDS, ITEMS]) | unknown

    def order(self, pick: int) -> Order | None:
        """Return one of the CRM's orders, or None if there are no orders.

        The orders are sorted by the time at which the test first saw them.
        """
        keys = list(self.at_first)
        return Order.objects.get(pk=keys[pick % len(keys)]) if keys else None

    # --- staff

    def act(self, order: Order, service: Callable[[], Any]) -> None:
        """Run a service as staff. An action that changes nothing or that is refused does not count."""
        known = set(order.events.values_list("pk", flat=True))
        try:
            service()
        except services.NotAllowedError:
            return
        for event in order.events.exclude(pk__in=known):
            self.actions.update((str(order.pk), change["field"]) for change in event.changes)
            self._note_wanted(order, event)

    def _note_wanted(self, order: Order, event: OrderEvent) -> None:
        """Record the changes by staff, except a change back to the site's value, which is not sent."""
        order.refresh_from_db()
        if order.bitrix_order_id is None:
            return
        unsent = Agreement.from_json(order.bitrix_state).unsent(order_values(order, PUSHED))
        for change in event.changes:
            key = order.bitrix_order_id, change["field"]
            self.wanted.pop(key, None)
            if change["field"] in unsent:
                self.wanted[key] = change["new"]

    def create(self, **arguments: Any) -> Order:
        """Create an order by phone as staff."""
        order = services.create_order(actor=self.staff, **arguments)
        self._note_new_orders()
        return order

    # --- the worker

    def work(self, *, killed_at: int | None = None, fault: faults.Fault | None = None) -> None:
        """Deliver every push once, even if it is not due.

        `killed_at` is the number of steps before the worker is killed.
        """
        expire_leases()
        live = dict(Push.objects.filter(state__in=LIVE).values_list("order_id", "pk"))
        keys = [live[order] for order in map(UUID, self.at_first) if order in live]
        if fault is not None:
            self._sandbox.faults.give(fault)
        try:
            with steps(killed_at):
                for key in keys:
                    deliver_one(Push, key)
        except WorkerKilledError:
            pass
        finally:
            self._sandbox.faults.clear()

    def minute(self) -> None:
        """Run the jobs of each minute, except delivery, and the task of the queued events."""
        self.process_queue()
        queue_missed()
        WebhookEvent.objects.filter(state="waiting").update(retry_at=timezone.now())
        inbox.retry_due()

    def end_hold_period(self) -> None:
        """End the hold period of every status."""
        Order.objects.exclude(status_held_until=None).update(status_held_until=timezone.now() - timedelta(seconds=60))

    def undo_status(self, order: Order) -> None:
        """Undo, as staff, a status that was not sent yet."""
        event = services.undoable_change(order)
        if event is not None:
            services.undo_status(order_id=order.pk, event_id=event.pk, actor=self.staff)
            if any(change["field"] == "status" for change in event.changes):
                self.actions[str(order.pk), "status"] -= 1

    def reconcile(self, *, until_it_agrees: bool = False) -> None:
        """Compare both sides, and repair the differences."""
        run = runs.start(origin=runs.Origin.COMMAND, is_repair=True)
        claimed = comparisons.claim(run.pk)
        assert claimed is not None
        while work(claimed) is not None:
            pass
        self._note_new_orders()
        run.refresh_from_db()
        if until_it_agrees:
            assert run.state == "done", run.error

    # --- settling

    def settle(self) -> None:
        """Deliver all entries, and retry failed pushes as staff, until nothing is pending."""
        self.change_pressure(is_high=False)
        self.end_hold_period()
        for data in self.site.all_orders():
            # The site refuses some changes of shipped orders. It accepts them after the orders are marked as not
            # shipped.
            self.on_site(partial(self.site.ship_order, int(data["ID"]), "N"))
        for _round in range(MAX_ROUNDS):
            self.minute()
            for push in self._given_up():
                if push.retry(by=self.staff):
                    services.reassess_sync_state(order_id=push.order_id)
            self.work()
            while self.webhooks:
                self.arrive(self.webhooks.pop(0))
            if not Push.objects.filter(state__in=LIVE).exists() and not self._given_up():
                return
        raise AssertionError(f"the two sides do not settle: {list(Push.objects.values())}")

    def _given_up(self) -> list[Push]:
        """Return the failed pushes of orders that can still be changed on the site."""
        # If the deletion of an order was not reported, only a comparison finds that the order is gone.
        gone = Order.objects.exclude(bitrix_order_id=None).exclude(
            bitrix_order_id__in=[int(data["ID"]) for data in self.site.all_orders()]
        )
        failed = Push.objects.filter(state=State.FAILED)
        return list(failed.exclude(order__in=gone).exclude(order__bitrix_order_id__in=self.archived))

    def check(self) -> None:
        """Check that all values on both sides agree, and that the timeline explains them."""
        archived = Order.objects.filter(bitrix_order_id__in=self.archived)
        assert not archived.filter(is_deleted_on_site=True).exists(), "an archived order is not deleted"
        there = {int(order["ID"]): order for order in self.site.all_orders()}
        orders = Order.objects.filter(is_deleted_on_site=False).exclude(bitrix_order_id__in=self.archived)
        here = {order.bitrix_order_id: order for order in orders}
        assert set(here) == set(there), "both sides have the same orders"
        assert len(here) == len(orders), "each order exists once"
        codes = {code: status.code for status in Status.objects.all() for code in status.bitrix_codes}
        for key, data in there.items():
            order = here[key]
            theirs = site_values(data)
            theirs["status"] = codes[theirs["status"]]
            ours = {name: as_sent(name, value) for name, value in order_values(order, theirs).items()}
            ours = self.comparable_to_site(order, ours)
            differing = {name: (ours[name], theirs[name]) for name in theirs if ours[name] != theirs[name]}
            assert not differing, f"order {key}, CRM and site: {differing}"
            assert order.sync_state in ("synced", "conflict")
            self._check_explained(order, order_values(order, theirs))
            self._check_writes(order)
            self._check_total(order, data)
            payments = sum((payment.amount for payment in order.payments.all()), Decimal(0))
            assert payments == order.paid_amount, f"order {key}: payments {payments}, paid {order.paid_amount}"
            self._check_kept(key, theirs, order)
            self._check_warnings(order)

    def comparable_to_site(self, order: Order, values: dict[str, Any]) -> dict[str, Any]:
        """Return our values in the form in which the site holds them."""
        return values

    def _check_kept(self, key: int, theirs: Mapping[str, Any], crm_order: Order) -> None:
        """Check that the site has the last values set by staff of the CRM.

        Values that staff have changed on the site later are not checked.
        """
        wanted = {
            name: as_sent(name, value)
            for (order, name), value in self.wanted.items()
            if order == key and name not in DECIDED_BY_SITE
        }
        wanted = self.comparable_to_site(crm_order, wanted)
        lost = {name: (value, theirs[name]) for name, value in wanted.items() if theirs[name] != value}
        assert not lost, f"order {key}: expected and not on the site: {lost}"

    def _check_warnings(self, order: Order) -> None:
        """Check that staff are notified of all money that requests of the CRM have moved, and once of each mark."""
        key = str(order.bitrix_order_id)
        warnings = [
            warning
            for event in order.events.filter(kind="warned").order_by("happened_at", "created_at")
            for warning in event.details["warnings"]
        ]
        notified = sum(Decimal(warning["amount"]) for warning in warnings if warning["code"] == "inner_account")
        booked = sum(
            Decimal(row["AMOUNT"]) * (1 if row["DEBIT"] == "Y" else -1)
            for row in self.site.transactions
            if (row["ORDER_ID"], row["origin"]) == (key, "bridge")
        )
        assert notified == booked, f"order {key}: the site moved {booked} KZT for us, staff were notified of {notified}"
        marked = [warning for warning in warnings if warning["code"] == "marked"]
        assert len(marked) <= len(self.marks[key]) - 1, (
            f"order {key}: staff were notified more often than the mark changed: {marked}"
        )

    def _check_total(self, order: Order, data: Mapping[str, Any]) -> None:
        lines = sum(rounded(Decimal(line["PRICE"]) * Decimal(line["QUANTITY"])) for line in data["basket"])
        assert Decimal(data["PRICE"]) == lines + Decimal(data["PRICE_DELIVERY"]), (
            "the site's total is the sum of its parts"
        )
        ours = sum(rounded(item.price * item.quantity) for item in order.items.all())
        assert order.total_amount == ours + order.delivery_fee, "the CRM's total is the sum of its parts"
        key = int(data["ID"])
        assert self.site.recalculate(key) == self.site.order(key) == data, "the site's recalculation changes nothing"

    def _check_explained(self, order: Order, values: dict[str, Any]) -> None:
        explained = dict(self.at_first[str(order.pk)])
        for event in order.events.order_by("happened_at", "created_at"):
            for change in event.changes:
                name = change["field"]
                if name in explained:
                    assert explained[name] == change["old"], f"{name}: the timeline has a gap before {change}"
                    explained[name] = change["new"]
        unexplained = {
            name: (explained[name], value)
            for name, value in values.items()
            if name not in NOT_IN_TIMELINE and explained[name] != value
        }
        assert not unexplained, f"order {order.bitrix_order_id}, timeline and value: {unexplained}"

    def _check_writes(self, order: Order) -> None:
        key = str(order.bitrix_order_id)
        for name in PUSHED:
            there, here = self.writes[key, name], self.actions[str(order.pk), name]
            assert there <= here, (
                f"order {key}: {name} was written {there} times on the site, changed {here} times in the CRM"
            )
        received = order.events.filter(source=Source.SITE)
        # These changes were made on the site. A write by the CRM may also have changed the sums.
        own = [
            event
            for event in received
            if {change["field"] for change in event.changes} - {*DERIVED_FIELDS, *NOT_IN_TIMELINE}
        ]
        assert len(own) <= self.site_actions[key], f"order {key}: changes in the CRM without a cause on the site: {own}"
        conflicts = received.filter(kind="conflict").count()
        assert conflicts <= self.site_actions[key], f"order {key}: a conflict without a change of the site"


DERIVED_FIELDS = {"total_amount", "discount_amount", "payment_status", "paid_amount"}
"""The fields that the site computes from the items and the delivery fee."""
DECIDED_BY_SITE = DERIVED_FIELDS | {"status"}
"""The fields that the site decides after staff have changed them.

The site computes sums and payments, and its status is kept if both sides have changed the status.
"""
NOT_IN_TIMELINE = ("order_number", "bitrix_user_id")
"""The fields that the site sets in its response to the request that creates an order.

The timeline records this response separately.
"""


def site_values(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the site's values of an order in the form in which they are compared. The status is the site's code."""
    snapshot = read_order(data, pay_systems=settings.BITRIX_PAY_SYSTEMS)
    values = {name: comparable(value) for name, value in snapshot.fields.items()}
    return values | {ITEMS: comparable_items(snapshot.items or ())}


def expire_leases() -> None:
    """Expire the leases of killed workers, and end all retry delays."""
    now = timezone.now()
    Push.objects.filter(state__in=LIVE).update(due_at=now)
    Push.objects.filter(state=State.SENDING).update(lease_until=now)


@contextmanager
def steps(left: int | None) -> Iterator[None]:
    """Kill the worker after a number of steps.

    There is one step before and one after each call to the site and each transaction.
    """
    if left is None:
        yield
        return
    taken = 0

    def guarded(call: Callable[..., Any]) -> Callable[..., Any]:
        def step() -> None:
            nonlocal taken
            taken += 1
            if taken > left:
                raise WorkerKilledError

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            step()
            result = call(*args, **kwargs)
            step()
            return result

        return wrapped

    patches = [patch.object(services, name, guarded(getattr(services, name))) for name in KILL_POINTS]
    patches.append(patch.object(bridge_client, "post_json", guarded(bridge_client.post_json)))
    patches.append(patch.object(engine, "_record", guarded(engine._record)))
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in patches:
            one.stop()
