"""The domain: orders, customers, products."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    """What an order is and who may change it."""

    name = "orders"
    verbose_name = _("Shop")
