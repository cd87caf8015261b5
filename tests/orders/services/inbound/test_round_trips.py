"""Tests of the number of statements of one webhook."""

import pytest

from orders.models import Customer, Order
from tests.orders.services.inbound.test_apply import lines, queries_of
from tests.samples import next_version, order_data

pytestmark = pytest.mark.django_db


class TestRoundTrips:
    """The statements of one webhook. The savepoint and its release stand for BEGIN and COMMIT."""

    @pytest.fixture(autouse=True)
    def _messages(self, settings):
        settings.TELEGRAM_NOTIFICATIONS_ENABLED = True
        settings.TELEGRAM_BOT_TOKEN, settings.TELEGRAM_CHAT_ID = "123:made-up-token", "-100"

    def other_order(self, number):
        data = order_data(ID=number, ACCOUNT_NUMBER=f"{number}", USER_ID=number, basket=lines(3))
        data["user"] = {**data["user"], "ID": number}
        return data | {"properties": {**data["properties"], "phone": f"+7 701 555 {number % 10000:04}"}}

    def test_new_order_with_known_references_takes_at_most_8(self, post_webhook):
        post_webhook("order.create", order_data(basket=lines(3)))
        captured = queries_of(post_webhook, "order.create", self.other_order(5001))
        assert len(captured) <= 8, [query["sql"][:120] for query in captured]
        assert Order.objects.count() == 2

    def test_new_order_of_a_known_customer_takes_at_most_8(self, post_webhook):
        post_webhook("order.create", order_data(basket=lines(3)))
        captured = queries_of(post_webhook, "order.create", order_data(ID=6, ACCOUNT_NUMBER="6", basket=lines(3)))
        assert len(captured) <= 8, [query["sql"][:120] for query in captured]
        assert Customer.objects.count() == 1

    @pytest.mark.parametrize(
        "changes",
        [
            {"STATUS_ID": "AP"},
            {"COMMENTS": "домофон 7"},
            {"basket": lines(3, QUANTITY=5)},
            {"basket": lines(4)},
            {"properties": {"addressRecipient": "Сатпаева 1", "when": "18"}},
        ],
        ids=["status", "comment", "quantities", "new line", "address"],
    )
    def test_update_takes_at_most_8(self, post_webhook, changes):
        data = self.other_order(5001)
        post_webhook("order.create", data)
        post_webhook("order.create", self.other_order(5002) | {"basket": lines(4), "STATUS_ID": "AP"})
        if "properties" in changes:
            changes = {"properties": {**data["properties"], **changes["properties"]}}
        captured = queries_of(post_webhook, "order.update", next_version(data, **changes))
        assert len(captured) <= 8, [query["sql"][:120] for query in captured]

    def test_update_of_all_fields_with_unknown_references_takes_at_most_12(self, post_webhook):
        data = order_data(basket=lines(3))
        post_webhook("order.create", data)
        properties = {"recipientName": "Другая", "when": "15:00-17:00", "city": "3", "addressRecipient": "Сатпаева 1"}
        newer = next_version(data, STATUS_ID="AP", basket=lines(2, QUANTITY=5), properties=properties, PRICE=1)
        captured = queries_of(post_webhook, "order.update", newer)
        assert len(captured) <= 12, [query["sql"][:120] for query in captured]

    def test_update_of_an_order_that_the_crm_lacks_takes_at_most_12(self, post_webhook):
        captured = queries_of(post_webhook, "order.update", self.other_order(5001))
        assert len(captured) <= 12, [query["sql"][:120] for query in captured]
