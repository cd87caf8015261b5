"""Test that both sides agree once all events are delivered, after any changes and any failures.

The timeline must explain every value. A state machine of Hypothesis generates the histories: 200 in a normal run, and
20,000 with `--hypothesis-profile=deep`.
"""

import logging
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from bitrix_bridge.sandbox import Sandbox, faults
from bitrix_bridge.site_client.bridge_client import BridgeClient
from cvety_crm.users import User
from orders import services
from orders.models import Order, Product
from orders.sync.snapshot import ItemSnapshot
from tests.bitrix_bridge.two_systems.world import World

EXAMPLES = {"deep": settings().max_examples, "fast": 3}.get(settings.get_current_profile_name(), 100)

MAX_ORDERS = 3
MAX_OPENED = 3
STATUSES = ("new", "accepted", "processing", "delivering", "completed", "declined")
CODES = ("N", "AP", "P", "PD", "CO", "DE")
ADDRESSES = ("Абая 150", "Достык 5", "Сатпаева 1")
PRODUCTS = {696613: 7500, 696614: 9500}
SITE_CHANGES: dict[str, list[Any]] = {
    "addressRecipient": list(ADDRESSES),
    "postcardText": ["", "С днём рождения!", "Құттықтаймын! 🌷"],
    "when": ["18", "20", "14:00-16:00"],
    "data": ["2026-03-08", "2026-03-09", ""],
    "phoneRecipient": ["+77011234567", "8 701 123 45 67", "как обычно"],
}
LATE_CHANGES: dict[str, list[Any]] = {
    **SITE_CHANGES,
    "STATUS_ID": list(CODES),
    "PAYED": ["Y", "Y", "N"],
    "COMMENTS": ["", "домофон 7"],
}
IN_STOCK: dict[str, Any] = {"is_traced": False, "is_active": True}
STOCKS: dict[str, dict[str, Any]] = {
    "not counted": {},
    "out of stock": {"is_traced": True, "quantity": 0},
    "one left": {"is_traced": True, "quantity": 1},
    "inactive": {"is_active": False},
}
STAFF_CHANGES: dict[str, list[Any]] = {
    "delivery_address": list(ADDRESSES),
    "postcard_text": ["", "С днём рождения!", "Құттықтаймын! 🌷"],
    "delivery_slot": ["18", "20", None],
    "comment": ["", "без лилий", "позвонить"],
    "courier_comment": ["", "домофон 7"],
    "is_surprise": [True, False],
    "delivery_fee": [Decimal(0), Decimal(1500), Decimal(2000)],
    "payment_status": ["pending", "paid", "refunded"],
    "discount_amount": [Decimal(0), Decimal(700), Decimal(1001)],
    "total_amount": [Decimal(8000), Decimal(12000)],
}
FAULTS = {
    "answer lost": faults.answer_lost,
    "503": lambda: faults.status(503),
    "429": lambda: faults.status(429, retry_after=1),
    "html": faults.html,
    "garbage": faults.garbage,
    "refused": lambda: faults.status(422),
}

which = st.integers(0, 11)
"""An index of a list of any length. The index is reduced modulo the length."""


class TwoSides(RuleBasedStateMachine):
    """Random edits on both sides, and every kind of failure between them."""

    sandbox: Sandbox
    world_class: type[World] = World

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.world = self.world_class(self.sandbox, User.objects.create_superuser("manager"))
        self.world.change_pressure(is_high=False)
        self.products = [
            Product.objects.create(name=f"Букет {key}", price=price, bitrix_product_id=key)
            for key, price in PRODUCTS.items()
        ]

    def teardown(self) -> None:
        try:
            self.world.settle()
            self.world.reconcile(until_it_agrees=True)
            self.world.settle()
            self.world.check()
        finally:
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)

    @initialize()
    def begin(self) -> None:
        """Create one order that both sides have."""
        self.order_on_the_site()
        self.webhook_arrives(0)

    # --- the site

    @precondition(lambda self: len(self.world.site.all_orders()) < MAX_ORDERS)
    @rule()
    def order_on_the_site(self) -> None:
        request = {
            "items": [{"bitrix_product_id": 696613, "quantity": 1, "price": 7500}],
            "delivery_fee": 1500,
            "payment_method_id": 1,
            "properties": {"name": "Айгерим", "phone": "+77771234567", "when": "18", "city": "2"},
        }
        self.world.on_site(lambda: self.world.site.create_order(request))

    @rule(pick=which, change=st.sampled_from(sorted(SITE_CHANGES)), value=which)
    def site_changes_a_property(self, pick: int, change: str, value: int) -> None:
        values = SITE_CHANGES[change]
        self._on_site(pick, properties={change: values[value % len(values)]})

    @rule(pick=which, code=st.sampled_from(CODES))
    def site_changes_the_status(self, pick: int, code: str) -> None:
        self._on_site(pick, fields={"STATUS_ID": code})

    @rule(pick=which, quantity=st.integers(1, 2), product=st.sampled_from(sorted(PRODUCTS)))
    def site_changes_the_basket(self, pick: int, quantity: int, product: int) -> None:
        items = [{"bitrix_product_id": product, "quantity": quantity, "price": PRODUCTS[product]}]
        self._on_site(pick, items=items)

    @rule(pick=which, flag=st.sampled_from("YYN"))
    def site_marks_as_paid(self, pick: int, flag: str) -> None:
        self._on_site(pick, fields={"PAYED": flag})

    @rule(pick=which)
    def site_sends_the_bare_status(self, pick: int) -> None:
        """Send only the status, without a version, as the shop's legacy sender does."""
        if orders := self.world.site.all_orders():
            order = orders[pick % len(orders)]
            self.world.site.announce("order.status.change", {name: order[name] for name in ("ID", "STATUS_ID")})

    @rule(pick=which)
    def site_deletes_an_order(self, pick: int) -> None:
        key = self._key(pick)
        if key is not None and len(self.world.site.all_orders()) > 1:
            self.world.on_site(lambda: self.world.site.delete_order(key))

    @precondition(lambda self: len(self.world.opened) < MAX_OPENED)
    @rule(pick=which)
    def site_opens_an_order(self, pick: int) -> None:
        """Load an order in a process that saves it later and does not see what others save before that."""
        if (key := self._key(pick)) is not None:
            self.world.opened.append(self.world.site.open_order(key))

    @precondition(lambda self: self.world.opened)
    @rule(pick=which, change=st.sampled_from(sorted(LATE_CHANGES)), value=which, keeps_open=st.booleans())
    def site_saves_what_it_opened(self, pick: int, change: str, value: int, keeps_open: bool) -> None:
        opened = self.world.opened
        held = opened[pick % len(opened)] if keeps_open else opened.pop(pick % len(opened))
        values = LATE_CHANGES[change]
        chosen = {change: values[value % len(values)]}
        parts: dict[str, Any] = {"properties": chosen} if change in SITE_CHANGES else {"fields": chosen}
        self.world.on_site(lambda: self.world.site.save_opened(held, **parts))

    @rule(pick=which, change=st.sampled_from(sorted(SITE_CHANGES)), value=which)
    def site_changes_a_property_silently(self, pick: int, change: str, value: int) -> None:
        values = SITE_CHANGES[change]
        if (key := self._key(pick)) is not None:
            self.world.change_silently(key, change, values[value % len(values)])

    @rule(pick=which)
    def site_recalculates(self, pick: int) -> None:
        if (key := self._key(pick)) is not None:
            self.world.site.recalculate(key)

    @rule(pick=which, flag=st.sampled_from("YN"))
    def site_ships(self, pick: int, flag: str) -> None:
        if (key := self._key(pick)) is not None:
            self.world.on_site(lambda: self.world.site.ship_order(key, flag))

    @rule(product=st.sampled_from(sorted(PRODUCTS)), state=st.sampled_from(sorted(STOCKS)))
    def site_changes_its_stock(self, product: int, state: str) -> None:
        self.world.site.set_stock(product, **(IN_STOCK | STOCKS[state]))

    @rule(pick=which)
    def site_archives_an_order(self, pick: int) -> None:
        key = self._key(pick)
        if key is not None and len(self.world.site.all_orders()) > 1:
            self.world.archive(key)

    def _key(self, pick: int) -> int | None:
        orders = self.world.site.all_orders()
        return int(orders[pick % len(orders)]["ID"]) if orders else None

    def _on_site(self, pick: int, **change: Any) -> None:
        if (key := self._key(pick)) is not None:
            self.world.on_site(lambda: self.world.site.update_order(key, **change))

    # --- staff

    @precondition(lambda self: Order.objects.count() < MAX_ORDERS)
    @rule(address=st.sampled_from(ADDRESSES))
    def order_by_phone(self, address: str) -> None:
        self.world.create(
            items=[services.NewItem(product=self.products[0])],
            fields={"delivery_address": address, "delivery_fee": Decimal(1500)},
        )

    @rule(pick=which, status=st.sampled_from(STATUSES))
    def staff_change_the_status(self, pick: int, status: str) -> None:
        self._by_staff(pick, services.change_status, status=status)

    @rule(pick=which, fact=st.sampled_from(("take_order", "mark_ready", "remake_order")))
    def staff_make_the_bouquet(self, pick: int, fact: str) -> None:
        """Record a fact of the making, which sets a status if the site has one for it."""
        self._by_staff(pick, getattr(services, fact))

    @rule(pick=which)
    def staff_undo_a_status(self, pick: int) -> None:
        order = self.world.order(pick)
        if order is not None:
            self.world.undo_status(order)

    @rule()
    def end_hold_period(self) -> None:
        self.world.end_hold_period()

    @rule(pick=which, change=st.sampled_from(sorted(STAFF_CHANGES)), value=which)
    def staff_edit(self, pick: int, change: str, value: int) -> None:
        values = STAFF_CHANGES[change]
        self._by_staff(pick, services.edit_order, changes={change: values[value % len(values)]})

    @rule(pick=which, status=st.sampled_from(STATUSES), change=st.sampled_from(sorted(STAFF_CHANGES)), value=which)
    def staff_change_status_and_field(self, pick: int, status: str, change: str, value: int) -> None:
        """Change a status without a hold period, and a field.

        Both changes are in one push, and in one save if the site accepts them together.
        """
        self.staff_change_the_status(pick, status)
        self.staff_edit(pick, change, value)
        self.world.end_hold_period()

    @rule(pick=which, quantity=st.integers(1, 2), product=st.sampled_from(sorted(PRODUCTS)))
    def staff_edit_items(self, pick: int, quantity: int, product: int) -> None:
        order = self.world.order(pick)
        if order is None:
            return
        first = order.items.order_by("position").first()
        line = ItemSnapshot(
            bitrix_basket_id=first.bitrix_basket_id if first and first.bitrix_product_id == product else None,
            bitrix_product_id=product,
            quantity=Decimal(quantity),
            price=Decimal(PRODUCTS[product]),
            product_snapshot={"name": f"Букет {product}"},
        )
        self._by_staff(pick, services.edit_order, changes={}, items=[line])

    @rule(pick=which, insists=st.booleans())
    def staff_decide_a_conflict(self, pick: int, insists: bool) -> None:
        order = self.world.order(pick)
        wanted = services.conflicting_change(order) if order else None
        if wanted and insists:
            self._by_staff(pick, services.change_status, status=wanted)
        elif wanted:
            self._by_staff(pick, services.accept_site_state)

    def _by_staff(self, pick: int, service: Any, **arguments: Any) -> None:
        order = self.world.order(pick)
        if order is not None:
            self.world.act(order, lambda: service(order_id=order.pk, actor=self.world.staff, **arguments))

    # --- between the sides

    @precondition(lambda self: self.world.webhooks)
    @rule(pick=which)
    def webhook_arrives(self, pick: int) -> None:
        """Deliver one of the pending webhooks."""
        self.world.arrive(self.world.webhooks.pop(pick % len(self.world.webhooks)))

    @precondition(lambda self: self.world.webhooks)
    @rule()
    def webhooks_arrive_in_order(self) -> None:
        while self.world.webhooks:
            self.world.arrive(self.world.webhooks.pop(0))

    @precondition(lambda self: self.world.webhooks)
    @rule(pick=which)
    def webhook_arrives_and_will_again(self, pick: int) -> None:
        self.world.arrive(self.world.webhooks[pick % len(self.world.webhooks)])

    @precondition(lambda self: self.world.webhooks)
    @rule(pick=which)
    def webhook_is_lost(self, pick: int) -> None:
        self.world.webhooks.pop(pick % len(self.world.webhooks))

    @rule(is_high=st.booleans())
    def pressure_changes(self, is_high: bool) -> None:
        """Let the next events be stored first, or processed at once."""
        self.world.change_pressure(is_high=is_high)

    @rule(most=st.integers(1, 3))
    def queued_events_are_processed(self, most: int) -> None:
        self.world.process_queue(most)

    @rule()
    def worker_works(self) -> None:
        self.world.work()

    @rule(fault=st.sampled_from(sorted(FAULTS)))
    def worker_meets_a_fault(self, fault: str) -> None:
        self.world.work(fault=FAULTS[fault]())

    @rule(killed_at=st.integers(0, 14))
    def worker_is_killed(self, killed_at: int) -> None:
        self.world.work(killed_at=killed_at)

    @rule()
    def a_minute_passes(self) -> None:
        self.world.minute()

    @rule()
    def reconciliation(self) -> None:
        self.world.reconcile()


@pytest.fixture
def shared_site(settings: Any) -> Iterator[Sandbox]:
    """Yield the sandbox that all examples share. Each example has its own orders."""
    with Sandbox(api_token=settings.BITRIX_API_TOKEN) as sandbox:
        settings.BITRIX_API_URL, settings.WEBHOOK_RATE = sandbox.bridge_url, ""
        settings.STATUS_HOLD_SECONDS, settings.WEBHOOK_TIME_BUDGET = 10, -1
        BridgeClient().knows_all_actions()
        logging.disable(logging.CRITICAL)  # the failures are intended, so they are not logged
        yield sandbox
        logging.disable(logging.NOTSET)


@pytest.mark.timeout(0)
def test_both_sides_agree_after_any_history(db: None, shared_site: Sandbox) -> None:
    TwoSides.sandbox = shared_site
    run_histories(TwoSides, EXAMPLES)


def run_histories(machine: type[TwoSides], examples: int) -> None:
    """Run the state machine with this number of random histories."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
            print_blob=True,
            report_multiple_bugs=False,
        ),
    )
