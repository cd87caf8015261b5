"""`manage.py reconcile_bitrix`: compare the orders of both sides, and with `--repair` make them agree."""

import re
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandError
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext

from bitrix_bridge.models import Reconciliation
from bitrix_bridge.reconciliation import runs
from bitrix_bridge.reconciliation.progress import progress
from bitrix_bridge.reconciliation.runs import AlreadyRunning, Lost, State
from bitrix_bridge.reconciliation.slices import work
from cvety_crm.command_arguments import read_moment
from cvety_crm.long_command import LongCommand
from cvety_crm.model_fields import field_label


class Command(LongCommand):
    """Compare to the end in this process."""

    help = (
        "Compare the orders of the CRM and of the site: status, sum, paid, cancelled, version, and orders that one "
        "side lacks. Exit status 0: both agree, or everything was repaired; 1: something is left; 130: stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--since",
            type=_since,
            metavar="WHEN",
            help="only what the site has saved since then: 2026-11-24, 2026-11-24T18:00, 12h, 3d. Orders that the site "
            "lacks are then not looked for: its list does not name them",
        )
        parser.add_argument("--repair", action="store_true", help="make both sides agree, by the rules of webhooks")
        parser.add_argument(
            "--resume", action="store_true", help="go on with the last run, if it has failed or was stopped"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, show progress, say what was found."""
        run = self._resumed() if options["resume"] else self._started(options["since"], options["repair"])
        self.watch_signals()
        self._began_at, self._began_with = time.monotonic(), run.compared
        claimed = runs.claim(run.pk)
        if claimed is None:
            raise CommandError(gettext("Somebody else is at work on it."))
        try:
            self._work(claimed)
        except KeyboardInterrupt:
            connection.close()  # it may be in the middle of a statement
            runs.stop(claimed)
            self.end_line()
            self.stderr.write(gettext("Stopped. Go on with it: manage.py reconcile_bitrix --resume"))
            sys.exit(130)
        except Lost:
            self.end_line()
            raise CommandError(gettext("It was stopped, or taken over, by somebody else.")) from None
        run.refresh_from_db()
        self.end_line()
        self._summary(run)

    def _started(self, since: datetime | None, is_repair: bool) -> Reconciliation:
        try:
            return runs.start(origin=runs.Origin.COMMAND, is_repair=is_repair, since=since)
        except AlreadyRunning as running:
            raise CommandError(str(running)) from running

    def _resumed(self) -> Reconciliation:
        runs.fail_abandoned()
        run = Reconciliation.objects.order_by("-started_at").first()
        try:
            if run is None or not runs.resume(run, origin=runs.Origin.COMMAND):
                raise CommandError(gettext("The last comparison has not failed and was not stopped."))
        except AlreadyRunning as running:
            raise CommandError(str(running)) from running
        return run

    def _work(self, run: Reconciliation) -> None:
        while (pause := work(run, on_progress=self._progress)) is not None:
            self.end_line()
            words = {"seconds": int(pause.total_seconds())}
            self.stderr.write(gettext("The site does not answer; trying again in %(seconds)d s.") % words)
            until = time.monotonic() + pause.total_seconds()
            while (left := until - time.monotonic()) > 0:
                self.stop_if_told()
                time.sleep(min(left, 0.5))

    # --- what it says

    def _progress(self, run: Reconciliation) -> None:
        self.stop_if_told()
        now = time.monotonic()
        far = progress(run, compared_before=self._began_with, seconds=now - self._began_at)
        text = gettext("%(compared)d of %(expected)d, differences: %(differences)d, %(rate)d a second")
        line = text % {
            "compared": far.compared,
            "expected": far.expected,
            "differences": run.differences,
            "rate": far.rate,
        }
        if far.left:
            line += ", " + gettext("%(time)s left") % {"time": far.left}
        self.show_progress(line, far.percent)

    def _summary(self, run: Reconciliation) -> None:
        if run.state == State.FAILED:
            advice = gettext("Go on with it: manage.py reconcile_bitrix --resume")
            raise CommandError(f"{run.error}\n{advice}")
        for name in (
            "compared",
            "agreed",
            "on_their_way",
            "differences",
            "missing_here",
            "missing_there",
            "repaired",
            "need_person",
        ):
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
    """Read a moment, or how long ago; a time without an offset is the shop's."""
    if match := re.fullmatch(r"(\d{1,4})([hd])", text.strip()):
        number = int(match[1])
        return timezone.now() - (timedelta(hours=number) if match[2] == "h" else timedelta(days=number))
    found = read_moment(text)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is neither a date nor a time, such as 2026-11-24T18:00, nor 12h or 3d")
    return found[0]
