"""The app of orders, customers and products."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    """The configuration of the app `orders`."""

    name = "orders"
    verbose_name = _("Shop")

    def ready(self) -> None:
        """Register the step that inserts the first message templates, and the deliverer of reports."""
        from orders.report_sending import delivery
        from orders.services import message_templates

        delivery.register()
        post_migrate.connect(message_templates.on_post_migrate, sender=self)
