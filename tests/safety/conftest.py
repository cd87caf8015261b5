"""Fixtures of the tests that attack the CRM: rows of every model, and pages without their HTML."""

import logging
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.template import Template
from django.utils import timezone

from cvety_crm.users import User
from orders import services
from orders.models import Courier, CustomerCall, Order, PhotoApproval, SavedView
from orders.photos.links import new_nonce, photo_token
from tests.admin_pages import make_samples
from tests.safety.addresses import keys_of_samples


@pytest.fixture
def rows(post_webhook: Any, manager: User) -> dict[str, Any]:
    """Create a row of every model with admin pages, and others that have URLs.

    Return their primary keys by the labels of the models, and the token of a customer's link as `token`.
    """
    make_samples(post_webhook, manager)
    Order.objects.update(courier=Courier.objects.get(), delivery_date=timezone.localdate(), status="delivering")
    order = Order.objects.get()
    expires = timezone.now() + timedelta(days=1)
    others = (
        order.items.get(),
        services.add_payment(order_id=order.pk, amount=Decimal(1000), method="cash", actor=manager),
        CustomerCall.objects.create(customer=order.customer, reason="away", caller=manager),
        SavedView.objects.create(owner=None, name="Общий", query="preset=all", columns=["number"]),
    )
    approval = PhotoApproval.objects.create(order=order, nonce=new_nonce(), expires_at=expires)
    keys = {row._meta.label_lower: row.pk for row in others}
    return {**keys_of_samples(), **keys, "token": photo_token(approval)}


@pytest.fixture
def no_html(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer every page without rendering its templates, and do not log refusals: both take most of the time."""
    monkeypatch.setattr(Template, "render", lambda *_args: "")
    monkeypatch.setattr(logging.getLogger("django.request"), "disabled", True)
