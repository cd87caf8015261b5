"""`manage.py import_bitrix_orders` imports orders from the copy of the site's database."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bitrix_bridge.history import importing, report, showing
from bitrix_bridge.history.reading import Selection, count_orders
from bitrix_bridge.history.runs import imports
from bitrix_bridge.history.source import Source, SourceError
from bitrix_bridge.models import ImportRun
from bitrix_bridge.payloads.amounts import BIGINT
from cvety_crm.command_arguments import read_moment
from cvety_crm.long_runs.command import DATABASE_ERRORS, STOPPED, LongRunCommand
from cvety_crm.long_runs.engine import AlreadyRunningError, State
from cvety_crm.long_runs.progress import Progress

MOST_AT_ONCE = 1000


class Command(LongRunCommand):
    """Run an import in this process until it is complete."""

    help = (
        "Import orders, customers and products from the MySQL copy of Bitrix that BITRIX_MYSQL_URL names, over a "
        "read-only session. Exit status 0: no order has failed; 1: some have, or it could not run; 130: stopped."
    )
    engine = imports
    lease_lost_text = _("The import was stopped or resumed by another process.")
    failing_errors = (*DATABASE_ERRORS, SourceError)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--count", type=_positive, metavar="N", help="import at most N orders")
        parser.add_argument("--start-id", type=_site_id, metavar="ID", help="start at the order with this site id")
        parser.add_argument("--order", type=_site_id, metavar="ID", help="import only the order with this site id")
        parser.add_argument("--since", type=_since, metavar="WHEN", help="placed since: 2025-08-11, 2025-08-11T18:00")
        parser.add_argument("--until", type=_until, metavar="WHEN", help="placed before; a date includes its whole day")
        parser.add_argument(
            "--batch-size",
            type=_batch_size,
            default=importing.BATCH,
            metavar="N",
            help="orders in one transaction (default: %(default)s)",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="import everything, roll it back, and report what would happen"
        )
        parser.add_argument(
            "--show",
            type=_positive,
            metavar="ID",
            help="print the rows of one order, what would be stored, and the reasons; nothing is stored",
        )
        parser.add_argument(
            "--resume",
            action="store_true",
            help="resume the last run with its options; if it is finished, repeat its failed orders",
        )
        parser.add_argument("--report", type=Path, metavar="FILE", help="write a line for each order into a CSV file")
        parser.add_argument(
            "--allow-writable-account",
            action="store_true",
            help="use the copy although the account may write; the session is still read-only",
        )
        parser.add_argument(
            "--no-input", "--noinput", action="store_false", dest="interactive", help="do not ask before the start"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import orders, show the progress and print the result. Exit with the status 1 if orders have failed."""
        selection = _selection(options)
        if options["resume"] and (options["dry_run"] or selection != Selection()):
            raise CommandError(gettext("A resumed run has its options already: leave the others out."))
        if options["show"] and (
            selection != Selection() or any(options[name] for name in ("dry_run", "resume", "report"))
        ):
            raise CommandError(gettext("--show shows one order and imports nothing: leave the other options out."))
        if options["report"]:
            # If the file can't be written, fail before hours of work and not after them.
            self._write_report(options["report"], lambda _file: None, mode="a")
        try:
            with Source.configured() as source:
                self._check_account(source, is_allowed=options["allow_writable_account"])
                if selection.order_ids and not count_orders(source, selection):
                    raise CommandError(gettext("The copy has no order %(id)d.") % {"id": selection.order_ids[0]})
                if options["show"]:
                    self._show(source, options["show"])
                elif options["dry_run"]:
                    self._dry_run(source, selection, options)
                else:
                    self._import(source, selection, options)
        except (SourceError, AlreadyRunningError) as error:
            raise CommandError(str(error)) from error
        except DATABASE_ERRORS as error:
            raise CommandError(gettext("The CRM's database: %(error)s") % {"error": error}) from error

    def _check_account(self, source: Source, *, is_allowed: bool) -> None:
        warning = source.warning()
        if warning and not is_allowed:
            advice = gettext("Use one with SELECT only, or pass --allow-writable-account.")
            raise CommandError(f"{warning} {advice}")
        if warning:
            self.stderr.write(self.style.WARNING(warning))

    def _show(self, source: Source, bitrix_order_id: int) -> None:
        parts = showing.shown_order(source, bitrix_order_id)
        if not parts:
            raise CommandError(gettext("The copy has no order %(id)d.") % {"id": bitrix_order_id})
        for title, lines in parts:
            self.stdout.write(self.style.MIGRATE_HEADING(title))
            for line in lines or [gettext("nothing")]:
                self.stdout.write(f"  {line}")
        self.stdout.write(gettext("Nothing was changed."))

    # --- dry runs and imports

    def _dry_run(self, source: Source, selection: Selection, options: dict[str, Any]) -> None:
        try:
            with importing.rolled_back(), self.watching():
                run = importing.start(source, selection, batch_size=options["batch_size"])
                self._work(run, source, options, is_dry=True)
        except KeyboardInterrupt:
            self.stderr.write(gettext("Stopped. Nothing was changed: it was a dry run."))
            sys.exit(STOPPED)
        self.stdout.write(gettext("Nothing was changed: it was a dry run."))
        self._exit(run)

    def _import(self, source: Source, selection: Selection, options: dict[str, Any]) -> None:
        if options["resume"]:
            run = self._resumed(source)
        else:
            self._confirm(source, selection, options)
            run = importing.start(source, selection, batch_size=options["batch_size"])
        with self.holding(run):
            self._work(run, source, options, is_dry=False)
        self._exit(run)

    def _work(self, run: ImportRun, source: Source, options: dict[str, Any], *, is_dry: bool) -> None:
        importing.work(run, source, on_progress=self.after_step)
        self.end_line()
        self._print_result(run, is_dry=is_dry)
        if options["report"]:
            self._write_report(options["report"], lambda file: report.write_table(run, file, is_dry=is_dry))
            self.stdout.write(gettext("Order by order: %(file)s") % {"file": options["report"]})

    def _write_report(self, path: Path, write: Callable[[Any], object], *, mode: str = "w") -> None:
        try:
            with path.open(mode, encoding="utf-8-sig", newline="") as file:
                write(file)
        except OSError as error:
            message = gettext("The report can't be written: %(error)s") % {"error": error}
            raise CommandError(message) from error

    def _resumed(self, source: Source) -> ImportRun:
        run = imports.last()
        if run is not None and run.state == State.RUNNING:
            raise AlreadyRunningError(str(imports.already_running_text))
        if run is not None and run.source != str(source.where)[:255]:
            warning = gettext("The run was started with another copy: %(copy)s.") % {"copy": run.source}
            self.stderr.write(self.style.WARNING(warning))
        if run is None or not imports.resume(run, is_claimed=True):
            raise CommandError(gettext("There is nothing to resume: the last run is done, and no order has failed."))
        return run

    def _confirm(self, source: Source, selection: Selection, options: dict[str, Any]) -> None:
        if not options["interactive"]:
            return
        if not sys.stdin.isatty():
            raise CommandError(gettext("Use --no-input: there is no terminal to ask in."))
        question = gettext("Import %(orders)s from %(source)s? [y/N] ") % {
            "orders": report.number_of_orders(count_orders(source, selection)),
            "source": source.where,
        }
        try:
            answer = input(question)
        except (EOFError, KeyboardInterrupt):
            self.stdout.write("")
            answer = ""
        if answer.strip().casefold() not in ("y", "yes", "д", "да"):
            raise CommandError(gettext("Nothing was done."))

    # --- output

    def progress_text(self, run: ImportRun, far: Progress) -> str:
        """Return the progress, the number of failed orders, and the rate."""
        if far.percent is None:
            text = gettext("Failed orders are repeated, left: %(left)s") % {"left": far.remaining}
            failed = gettext("not imported: %(number)s") % {"number": run.failed}
            return f"{text} · {failed}"
        return gettext("%(done)d of %(expected)d, failed: %(failed)d, %(rate).1f a second") % {
            "done": far.done,
            "expected": far.expected,
            "failed": run.failed,
            "rate": far.rate,
        }

    def _print_result(self, run: ImportRun, *, is_dry: bool) -> None:
        for line in report.lines(run.reasons, is_dry=is_dry):
            few = ", ".join(str(key) for key in line.examples) + ("…" if line.orders > len(line.examples) else "")
            self.stdout.write(f"{report.number_of_orders(line.orders)}: {line.text} — {line.outcome} ({few})")
            if line.advice:
                self.stdout.write(f"    → {line.advice}")
        for words, number in report.counts(run):
            self.stdout.write(f"{words}: {number}")
        style = self.style.WARNING if run.failed else self.style.SUCCESS
        self.stdout.write(style(report.result_line(run, is_dry=is_dry)))

    def _exit(self, run: ImportRun) -> None:
        if run.failed:
            sys.exit(1)


def _selection(options: dict[str, Any]) -> Selection:
    return Selection(
        first_id=options["start_id"] or 0,
        count=options["count"],
        order_ids=(options["order"],) if options["order"] else (),
        since=options["since"],
        until=options["until"],
    )


def _whole_number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
        return int(text)

    return read


_positive = _whole_number(1, 2**31 - 1)
_site_id = _whole_number(1, BIGINT)
_batch_size = _whole_number(1, MOST_AT_ONCE)


def _since(text: str) -> datetime:
    return _moment(text, timedelta(0))


def _until(text: str) -> datetime:
    return _moment(text, timedelta(days=1))


def _moment(text: str, after_midnight: timedelta) -> datetime:
    """Return a datetime. For a date without a time, return its midnight plus `after_midnight`."""
    found = read_moment(text)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is neither a date nor a time, such as 2025-08-11 or 2025-08-11T18:00")
    moment, is_day = found
    return moment + after_midnight if is_day else moment
