"""The command `manage.py sanity_check`, which lists rows that contradict each other. The exit status is 0 or 1."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext

from cvety_crm.ops.health import Level
from cvety_crm.ops.sanity import Contradiction, run_checks
from cvety_crm.ops.sanity import summary as broken_rules
from cvety_crm.ops.status import MARKS


class Command(BaseCommand):
    """The command that runs all sanity checks. It only reads."""

    help = (
        "Look for rows that contradict each other, and say how each is fixed. Nothing is changed. "
        "Exit status 0: there are none; 1: there are some."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--json", action="store_true", help="print one JSON object for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the result of each check. Exit with 1 if a rule is broken."""
        results = run_checks()
        broken = [one for one in results if one.number]
        if options["json"]:
            checks = [asdict(one) for one in results]
            self.stdout.write(json.dumps({"is_clean": not broken, "checks": checks}, ensure_ascii=False, indent=1))
        else:
            self._print(results, broken)
        self.stdout.flush()
        sys.exit(int(bool(broken)))

    def _print(self, results: list[Contradiction], broken: list[Contradiction]) -> None:
        for one in results:
            if one.number:
                self.stdout.write(f"{MARKS[Level.RED]} {one.title}: {one.figure}", self.style.ERROR)
                self.stdout.write(f"  → {one.fix}")
            else:
                self.stdout.write(f"{MARKS[Level.GREEN]} {one.title}: 0", self.style.SUCCESS)
        self.stdout.write(broken_rules(broken) if broken else gettext("No data contradict each other."))
