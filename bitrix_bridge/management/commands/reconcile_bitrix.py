"""`manage.py reconcile_bitrix` compares the orders of both sides. With `--repair`, it also repairs the differences."""

import re
import sys
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bitrix_bridge.models import Reconciliation
from bitrix_bridge.reconciliation import runs
from bitrix_bridge.reconciliation.runs import Origin, comparisons
from bitrix_bridge.reconciliation.slices import work
from cvety_crm.command_arguments import read_moment
from cvety_crm.long_runs.command import LongRunCommand
from cvety_crm.long_runs.engine import AlreadyRunningError, State
from cvety_crm.long_runs.progress import Progress
from cvety_crm.model_fields import field_label

SUMMARY = (
    "compared",
    "agreed",
    "on_their_way",
    "differences",
    "missing_here",
    "missing_there",
    "repaired",
    "need_person",
)


class Command(LongRunCommand):
    """Run a comparison in this process until it is complete."""

    help = (
        "Compare the orders of the CRM and of the site: status, sum, paid, cancelled, version, and orders that one "
        "side lacks. Exit status 0: both agree, or everything was repaired; 1: something is left; 130: stopped."
    )
    engine = comparisons
    lease_lost_text = _("The comparison was stopped or resumed by another process.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--since",
            type=_since,
            metavar="WHEN",
            help="only orders that the site has saved since then: 2026-11-24, 2026-11-24T18:00, 12h, 3d. Such a run "
            "does not find orders that the site lacks, because they are not in its list",
        )
        parser.add_argument("--repair", action="store_true", help="make both sides agree, by the rules of webhooks")
        parser.add_argument("--resume", action="store_true", help="resume the last run if it has failed or was stopped")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare orders, show the progress and print the result. Exit with the status 1 if differences are left."""
        try:
            run = self._resumed() if options["resume"] else self._started(options["since"], options["repair"])
        except AlreadyRunningError as running:
            raise CommandError(str(running)) from running
        with self.holding(run):
            while (delay := work(run, on_progress=self.after_step)) is not None:
                self.end_line()
                seconds = {"seconds": int(delay.total_seconds())}
                self.stderr.write(gettext("The site does not answer; trying again in %(seconds)d s.") % seconds)
                self.wait(delay)
        run.refresh_from_db()
        self._summary(run)

    def _started(self, since: datetime | None, is_repair: bool) -> Reconciliation:
        return runs.start(origin=Origin.COMMAND, is_repair=is_repair, since=since, is_claimed=True)

    def _resumed(self) -> Reconciliation:
        run = comparisons.last()
        if run is None or not comparisons.resume(run, is_claimed=True, origin=Origin.COMMAND):
            raise CommandError(gettext("The last comparison has not failed and was not stopped."))
        return run

    # --- output

    def progress_text(self, run: Reconciliation, far: Progress) -> str:
        """Return the progress, the number of differences, and the rate."""
        text = gettext("%(compared)d of %(expected)d, differences: %(differences)d, %(rate)d a second")
        return text % {
            "compared": far.done,
            "expected": far.expected,
            "differences": run.differences,
            "rate": far.rate,
        }

    def _summary(self, run: Reconciliation) -> None:
        if run.state == State.FAILED:
            raise self.resumable_error(run.error)
        for name in SUMMARY:
            self.stdout.write(f"{field_label(Reconciliation, name)}: {getattr(run, name)}")
        if left := runs.open_differences(run):
            self.stdout.write(
                self.style.WARNING(
                    gettext("Left to decide, in the admin under “Comparison”: %(count)d") % {"count": left}
                )
            )
            sys.exit(1)
        self.stdout.write(self.style.SUCCESS(gettext("Both sides agree.")))


def _since(text: str) -> datetime:
    """Return the datetime for a date, a time or an age such as 12h.

    A time without an offset is in the shop's time zone.
    """
    if match := re.fullmatch(r"(\d{1,4})([hd])", text.strip()):
        number = int(match[1])
        return timezone.now() - (timedelta(hours=number) if match[2] == "h" else timedelta(days=number))
    found = read_moment(text)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is neither a date nor a time, such as 2026-11-24T18:00, nor 12h or 3d")
    return found[0]
