"""The project's app, which sets up the worker's schedules, row level security and system checks."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class CvetyCrmConfig(AppConfig):
    """The app for everything that the other apps share."""

    name = "cvety_crm"
    verbose_name = _("System")

    def ready(self) -> None:
        """Register the system checks and the steps that run after each `migrate`."""
        from cvety_crm import roles
        from cvety_crm.ops import checks, idle_transactions, row_level_security, schedules
        from cvety_crm.sign_in import signals

        checks.register()
        signals.connect()
        # Row level security has no sender: it also runs after the last app, when every table exists.
        post_migrate.connect(schedules.on_post_migrate, sender=self)
        post_migrate.connect(row_level_security.on_post_migrate)
        post_migrate.connect(idle_transactions.on_post_migrate, sender=self)
        post_migrate.connect(roles.on_post_migrate, sender=self)
