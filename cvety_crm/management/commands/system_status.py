"""The command `manage.py system_status`, which prints one line for each health probe. The exit status is 0, 1 or 2."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from cvety_crm.ops.health import Level, run_probes
from cvety_crm.ops.status import MARKS, headline


class Command(BaseCommand):
    """The command that prints the health report. Each level has its own mark, so colours are not necessary."""

    help = "Check the health of every part of the system. Exit status: 0 no problems, 1 warnings, 2 problems."
    requires_system_checks = []  # The probes must report a database that is not available.

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the overall status and one line for each probe. Exit with the number of the worst level."""
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
