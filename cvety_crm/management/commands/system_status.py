"""`manage.py system_status`: is everything well? One line a probe; the exit status is 0, 1 or 2."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from cvety_crm.ops.health import Level, run_probes
from cvety_crm.ops.status import MARKS, headline


class Command(BaseCommand):
    """Ask every part of the system. Colours are for terminals alone; the marks differ without them."""

    help = "Ask every part of the system whether it is well. Exit status: 0 all is well, 1 remarks, 2 problems."
    requires_system_checks = []  # a database that is away is for the probes to report

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the overall status and one line a probe, then leave with the worst level."""
        report = run_probes(settings.HEALTH_PROBES)
        colours = {Level.GREEN: self.style.SUCCESS, Level.YELLOW: self.style.WARNING, Level.RED: self.style.ERROR}
        self.stdout.write(headline(report.level), colours[report.level])
        width = max((len(finding.title) for finding in report.findings), default=0)
        for finding in report.findings:
            line = f"{MARKS[finding.level]} {finding.title:<{width}}  {finding.figure}"
            self.stdout.write(line, colours[finding.level])
            if finding.hint:
                self.stdout.write(f"  {'':<{width}}  → {finding.hint}")
        self.stdout.flush()
        sys.exit(int(report.level))
