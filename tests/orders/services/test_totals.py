"""Tests of the sum, the discount and the items of an order, which the services compute after changes by staff."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bitrix_bridge.models import Push
from orders import services
from orders.models import Order, OrderItem, Product
from orders.rules.discounts import discount_of, goods_of, list_sum
from orders.rules.payment import payment_of
from orders.services import NewItem, NotAllowedError
from orders.services.items import as_snapshot
from orders.sync.snapshot import ItemSnapshot
from tests.samples import order_data

pytestmark = pytest.mark.django_db


def free_text(name, price, quantity=1, **snapshot):
    return ItemSnapshot(
        bitrix_basket_id=None,
        bitrix_product_id=None,
        quantity=Decimal(quantity),
        price=Decimal(price),
        product_snapshot={"name": name, "currency": "KZT", **snapshot},
    )


def basket(*prices, base=None, quantity="1.0000"):
    return [
        {
            "ID": str(501 + n),
            "PRODUCT_ID": str(696613 + n),
            "NAME": f"Букет {n}",
            "PRICE": str(price),
            "QUANTITY": quantity,
            "CURRENCY": "KZT",
            **({"BASE_PRICE": str(base)} if base is not None else {}),
        }
        for n, price in enumerate(prices)
    ]


@pytest.fixture
def arrived(post_webhook):
    def arrived(**data):
        post_webhook("order.create", order_data(**data))
        return Order.objects.get()

    return arrived


@pytest.fixture
def edit(manager):
    def edit(order, items=None, **changes):
        services.edit_order(order_id=order.pk, changes=changes, items=items, actor=manager)
        order.refresh_from_db()
        return order

    return edit


def line_prices(order):
    return [(item.quantity, item.price) for item in order.items.all()]


def is_sum_of_parts(order):
    items = list(order.items.all())
    assert all(item.total == item.quantity * item.price for item in items)
    return order.total_amount == goods_of(items) + order.delivery_fee and order.discount_amount == discount_of(items)


class TestEditing:
    def test_discount_lowers_price_and_is_pushed_with_items(self, arrived, edit):
        order = edit(arrived(), discount_amount=Decimal(1500))
        assert (order.total_amount, order.discount_amount) == (7500, 1500)
        assert line_prices(order) == [(1, 6000)]
        assert order.items.get().product_snapshot["original_price"] == "7500.00"
        event = order.events.first()
        assert {change["field"] for change in event.changes} == {"items", "total_amount", "discount_amount"}
        assert set(Push.objects.get().fields) >= {"items", "total_amount"}

    def test_new_discount_counts_from_list_prices_and_zero_restores_them(self, arrived, edit):
        order = arrived()
        edit(order, discount_amount=Decimal(1500))
        edit(order, discount_amount=2000)
        assert (order.total_amount, order.discount_amount, line_prices(order)) == (7000, 2000, [(1, 5500)])
        edit(order, discount_amount=Decimal(0))
        assert (order.total_amount, order.discount_amount, line_prices(order)) == (9000, 0, [(1, 7500)])

    def test_same_discount_again_changes_nothing(self, arrived, edit):
        order = edit(arrived(), discount_amount=Decimal(1500))
        edit(order, discount_amount=Decimal(1500))
        assert order.events.filter(kind="changed").count() == 1

    def test_lower_sum_becomes_a_discount(self, arrived, edit):
        order = edit(arrived(), total_amount=Decimal(8000))
        assert (order.total_amount, order.discount_amount, line_prices(order)) == (8000, 1000, [(1, 6500)])

    def test_higher_sum_raises_prices_without_discount(self, arrived, edit):
        order = edit(arrived(basket=basket(4500, 3000)), total_amount=Decimal(10500))
        assert (order.total_amount, order.discount_amount, line_prices(order)) == (
            10500,
            0,
            [(1, 5400), (1, 3600)],
        )

    def test_sum_equal_to_delivery_fee_makes_goods_free(self, arrived, edit):
        order = edit(arrived(), total_amount=Decimal(1500))
        assert (order.discount_amount, line_prices(order)) == (7500, [(1, 0)])

    def test_edited_price_keeps_list_price(self, arrived, edit):
        order = arrived(basket=basket(7500, base=7500))
        line = as_snapshot(order.items.get())
        edit(order, items=[ItemSnapshot(**{**fields_of(line), "price": Decimal(7000)})])
        assert (order.total_amount, order.discount_amount) == (8500, 500)
        edit(order, items=[ItemSnapshot(**{**fields_of(line), "price": Decimal(8000)})])
        assert (order.total_amount, order.discount_amount) == (9500, 0)
        assert order.items.get().product_snapshot["original_price"] == "7500.00"

    def test_added_line_keeps_discount_of_other_lines(self, arrived, edit):
        order = edit(arrived(), discount_amount=Decimal(1500))
        lines = [as_snapshot(item) for item in order.items.all()]
        edit(order, items=[*lines, free_text("Ваза", 3000)])
        assert (order.total_amount, order.discount_amount, line_prices(order)) == (
            10500,
            1500,
            [(1, 6000), (1, 3000)],
        )

    def test_discount_is_spread_over_lines_edited_together_with_it(self, arrived, edit):
        order = edit(arrived(), items=[free_text("Ваза", 3000), free_text("Букет", 7000)], discount_amount=Decimal(100))
        assert (order.total_amount, order.discount_amount, line_prices(order)) == (
            11400,
            100,
            [(1, 2970), (1, 6930)],
        )

    def test_changed_delivery_fee_changes_sum_but_not_discount(self, arrived, edit):
        order = edit(arrived(), discount_amount=Decimal(1500))
        edit(order, delivery_fee=Decimal(2000))
        assert (order.total_amount, order.discount_amount) == (8000, 1500)
        assert is_sum_of_parts(order)

    def test_discount_of_three_pieces_splits_line_to_stay_exact(self, arrived, edit):
        order = arrived(basket=basket(5000, quantity="3.0000"), PRICE="16500.0000")
        first = order.items.get()
        edit(order, discount_amount=Decimal(1000))
        lines = list(order.items.all())
        assert line_prices(order) == [(2, 4667), (1, 4666)]
        assert [line.bitrix_basket_id for line in lines] == [501, None]
        assert {line.product_id for line in lines} == {first.product_id}
        assert lines[0].pk == first.pk
        assert lines[1].product_snapshot == lines[0].product_snapshot
        assert order.total_amount == 15500
        assert is_sum_of_parts(order)

    def test_discount_above_sum_of_goods_is_refused(self, arrived, edit):
        order = arrived()
        with pytest.raises(NotAllowedError) as refused:
            edit(order, discount_amount=Decimal(7501))
        assert "7\xa0501\xa0₸" in str(refused.value)
        assert "7\xa0500\xa0₸" in str(refused.value)
        assert refused.value.field == "discount_amount"
        assert (Order.objects.get().total_amount, Push.objects.count()) == (9000, 0)

    def test_sum_below_delivery_fee_is_refused(self, arrived, edit):
        with pytest.raises(NotAllowedError) as refused:
            edit(arrived(), total_amount=Decimal(1499))
        assert "1\xa0499\xa0₸" in str(refused.value)
        assert "1\xa0500\xa0₸" in str(refused.value)
        assert refused.value.field == "total_amount"

    def test_contradicting_sum_and_discount_are_refused(self, arrived, edit):
        order = arrived()
        with pytest.raises(NotAllowedError, match="8\xa0500"):
            edit(order, total_amount=Decimal(8000), discount_amount=Decimal(500))
        edit(order, total_amount=Decimal(8500), discount_amount=Decimal(500))
        assert is_sum_of_parts(order)

    def test_sum_too_large_for_column_is_refused(self, arrived, edit):
        order = arrived()
        with pytest.raises(NotAllowedError):
            edit(order, items=[free_text("Букет", 99_999_999, 999)])


class TestOrderOfSiteWithOtherSum:
    @pytest.fixture
    def order(self, arrived):
        return arrived(PRICE="7000.0000", DISCOUNT_VALUE="2000.0000")

    def test_sum_of_site_stays_after_edit_of_other_fields(self, order, edit):
        edit(order, comment="перезвонить", recipient_name="Анна")
        assert (order.total_amount, order.discount_amount, line_prices(order)) == (7000, 2000, [(1, 7500)])

    def test_difference_to_parts_stays_after_change_of_fee(self, order, edit):
        edit(order, delivery_fee=Decimal(2000))
        assert (order.total_amount, order.discount_amount, line_prices(order)) == (7500, 2000, [(1, 7500)])
        edit(order, delivery_fee=Decimal(0), total_amount=Decimal(5500))
        assert (order.total_amount, order.discount_amount, line_prices(order)) == (5500, 2000, [(1, 5500)])

    @pytest.mark.parametrize("changes", [{"total_amount": 6000}, {"discount_amount": 1000}, {"discount_amount": 0}])
    def test_sum_is_computed_after_change_of_sum_or_discount(self, order, edit, changes):
        edit(order, **{name: Decimal(value) for name, value in changes.items()})
        assert is_sum_of_parts(order)
        assert all(getattr(order, name) == value for name, value in changes.items())

    def test_sum_is_computed_after_change_of_lines(self, order, edit):
        edit(order, items=[free_text("Букет", 7500), free_text("Ваза", 500)])
        assert (order.total_amount, order.discount_amount) == (9500, 0)

    def test_sum_of_order_without_lines_is_stored_unchecked(self, arrived, edit):
        order = arrived(basket=...)
        edit(order, total_amount=Decimal(8000))
        edit(order, delivery_fee=Decimal(2000))
        assert order.total_amount == 8500
        with pytest.raises(NotAllowedError):
            edit(order, discount_amount=Decimal(1))


class TestCreating:
    @pytest.fixture
    def create(self, manager):
        def create(*items, **fields):
            order = services.create_order(items=items, fields=fields, actor=manager)
            assert is_sum_of_parts(Order.objects.get(pk=order.pk))
            return order

        return create

    def test_create_order_spreads_discount_over_pieces(self, create):
        product = Product.objects.create(name="Букет", price=5000, bitrix_product_id=5)
        item = NewItem(product=product, quantity=Decimal(3))
        order = create(item, delivery_fee=Decimal(1500), discount_amount=Decimal(1000))
        assert (order.total_amount, order.discount_amount, line_prices(order)) == (
            15500,
            1000,
            [(2, 4667), (1, 4666)],
        )
        assert {item.product for item in order.items.all()} == {product}
        assert {item.product_snapshot["original_price"] for item in order.items.all()} == {"5000.00"}

    def test_create_order_with_lower_sum_has_discount(self, create):
        order = create(NewItem(name="Букет", price=Decimal(5000)), delivery_fee=Decimal(1500), total_amount=6000)
        assert (order.discount_amount, line_prices(order)) == (500, [(1, 4500)])

    def test_create_order_with_higher_sum_raises_prices(self, create):
        order = create(NewItem(name="Букет", price=Decimal(5000)), total_amount=Decimal(6000))
        assert (order.discount_amount, line_prices(order)) == (0, [(1, 6000)])
        assert order.items.get().product_snapshot["original_price"] == "5000.00"

    def test_price_below_catalogue_counts_as_discount_and_is_added_to_another(self, create):
        product = Product.objects.create(name="Букет", price=5000, bitrix_product_id=5)
        item = NewItem(product=product, price=Decimal(4500))
        assert create(item).discount_amount == 500
        order = create(item, discount_amount=Decimal(500), delivery_fee=Decimal(1000))
        assert (order.total_amount, order.discount_amount, line_prices(order)) == (5000, 1000, [(1, 4000)])

    def test_paid_order_is_paid_in_full_by_default(self, create):
        order = create(NewItem(name="Букет", price=Decimal(5000)), payment_status="paid", discount_amount=Decimal(500))
        assert (order.paid_amount, payment_of(order).due) == (4500, 0)

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"discount_amount": 5001}, "discount_amount"),
            ({"discount_amount": 5001, "delivery_fee": 1500}, "discount_amount"),
            ({"total_amount": 1499, "delivery_fee": 1500}, "total_amount"),
            ({"total_amount": 4000, "discount_amount": 500}, "total_amount"),
        ],
    )
    def test_create_order_refuses_impossible_sums_and_writes_nothing(self, create, fields, field):
        with pytest.raises(NotAllowedError) as refused:
            create(NewItem(name="Букет", price=Decimal(5000)), **fields)
        assert refused.value.field == field
        assert not Order.objects.exists()
        assert not OrderItem.objects.exists()


class TestPriceChangedBySite:
    def test_list_price_of_site_is_stored_with_price(self, arrived, post_webhook):
        order = arrived(basket=basket(7500, base=7500))
        for version, (price, base, discount) in enumerate([(7000, 7500, 500), (8000, 9000, 1000), (9000, 9000, 0)], 2):
            post_webhook(
                "order.update",
                order_data(
                    basket=basket(price, base=base),
                    PRICE=str(price + 1500),
                    VERSION=str(version),
                    DATE_UPDATE=f"2025-08-24 12:0{version}:01",
                ),
            )
            order.refresh_from_db()
            assert (order.total_amount, order.discount_amount) == (price + 1500, discount)
            assert is_sum_of_parts(order)
            assert list_sum(order.items.all()) == base

    def test_stub_of_product_has_list_price(self, arrived):
        arrived(basket=basket(6000, base=7500), PRICE="7500.0000")
        assert Product.objects.get().price == 7500

    def test_update_without_list_price_keeps_ours(self, arrived, edit, post_webhook):
        order = edit(arrived(), discount_amount=Decimal(1500))
        post_webhook(
            "order.update",
            order_data(
                basket=basket(6000), PRICE="7500.0000", COMMENTS="x", VERSION="2", DATE_UPDATE="2025-08-24 12:02:01"
            ),
        )
        assert list_sum(order.items.all()) == 7500


def fields_of(line):
    return {name: getattr(line, name) for name in ItemSnapshot.__dataclass_fields__}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "discount_amount": st.integers(0, 12000).map(Decimal),
                "total_amount": st.integers(0, 30000).map(Decimal),
                "delivery_fee": st.sampled_from([Decimal(0), Decimal(1500), Decimal("2000.50")]),
                "items": st.lists(
                    st.builds(
                        free_text,
                        st.sampled_from("ab"),
                        st.integers(1, 5000),
                        st.integers(1, 5),
                        original_price=st.just("4000"),
                    ),
                    min_size=1,
                    max_size=3,
                ),
            },
        ),
        max_size=6,
    )
)  # fmt: skip
def test_sum_equals_parts_after_any_edits(manager, edits):
    item = NewItem(name="Букет", price=Decimal(5000), quantity=Decimal(2))
    order = services.create_order(items=[item], fields={}, actor=manager)
    for changes in edits:
        items = changes.get("items")
        try:
            services.edit_order(
                order_id=order.pk,
                changes={name: value for name, value in changes.items() if name != "items"},
                items=items,
                actor=manager,
            )
        except NotAllowedError:
            continue
        order.refresh_from_db()
        assert is_sum_of_parts(order)
        for name in ("discount_amount", "total_amount", "delivery_fee"):
            if name in changes and not (name == "discount_amount" and "total_amount" in changes):
                assert getattr(order, name) == changes[name]
