"""The site's own app: the worker's clock, row level security, checks."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class CvetyCrmConfig(AppConfig):
    """What belongs to no room of its own."""

    name = "cvety_crm"
    verbose_name = _("System")

    def ready(self) -> None:
        """Register the checks, and what follows each `migrate`."""
        from cvety_crm import roles
        from cvety_crm.ops import checks, row_level_security, schedules

        checks.register()
        # Without a sender: after the last app, when every table is there.
        post_migrate.connect(schedules.on_post_migrate, sender=self)
        post_migrate.connect(row_level_security.on_post_migrate)
        post_migrate.connect(roles.on_post_migrate, sender=self)
