"""The app of orders, customers and products."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    """The configuration of the app `orders`."""

    name = "orders"
    verbose_name = _("Shop")
