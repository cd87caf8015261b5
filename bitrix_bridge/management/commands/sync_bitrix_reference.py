"""`manage.py sync_bitrix_reference` reads statuses, cities, shops, delivery slots and pay systems from the site."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext

from bitrix_bridge.reference import refresh
from cvety_crm.outbox import DeliveryError


class Command(BaseCommand):
    """Apply the site's reference data. Values that staff have edited are not overwritten."""

    help = "Read statuses, cities, shops, delivery slots and pay systems from the site. What staff have edited stays."

    def handle(self, *args: Any, **options: Any) -> None:
        """Read and apply the reference data, and print what changed."""
        try:
            outcome = refresh()
        except DeliveryError as failure:
            raise CommandError(failure.message) from failure
        for model, changes in outcome.items():
            counts = gettext("created %(created)s, updated %(updated)s, kept %(kept)s, unchanged %(unchanged)s") % {
                "created": len(changes.created),
                "updated": len(changes.updated),
                "kept": len(changes.kept),
                "unchanged": changes.unchanged,
            }
            self.stdout.write(f"{model._meta.verbose_name_plural}: {counts}")
            for title, names in (
                (gettext("created"), changes.created),
                (gettext("updated"), changes.updated),
                (gettext("kept as staff named it"), changes.kept),
            ):
                if names:
                    self.stdout.write(f"  {title}: {', '.join(names)}")
            if changes.questions:
                title = gettext("names that do not fit the stage; decide on the page of the site's statuses")
                self.stdout.write(self.style.WARNING(f"  {title}:"))
                for question in changes.questions:
                    self.stdout.write(self.style.WARNING(f"    {question.text}"))
