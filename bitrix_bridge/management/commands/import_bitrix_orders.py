"""`manage.py import_bitrix_orders`: bring the history over from a MySQL copy of Bitrix."""

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import InterfaceError, OperationalError, connection
from django.utils.translation import gettext

from bitrix_bridge.history import report, runs, walk
from bitrix_bridge.history.progress import progress
from bitrix_bridge.history.reading import Selection, count_orders
from bitrix_bridge.history.source import Source, SourceError
from bitrix_bridge.models import ImportRun
from cvety_crm.command_arguments import read_moment
from cvety_crm.long_command import LongCommand
from cvety_crm.ops.health import duration

MOST_AT_ONCE = 1000


class Command(LongCommand):
    """Run to the end in this process."""

    help = (
        "Import orders, customers and products from the MySQL copy of Bitrix that BITRIX_MYSQL_URL names, over a "
        "read-only session. Exit status 0: no order has failed; 1: some have, or it could not run; 130: stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--count", type=_positive, metavar="N", help="at most so many orders")
        parser.add_argument("--start-id", type=_positive, metavar="ID", help="from this order of the site on")
        parser.add_argument("--order", type=_positive, metavar="ID", help="this order of the site only")
        parser.add_argument("--since", type=_since, metavar="WHEN", help="placed since: 2025-08-11, 2025-08-11T18:00")
        parser.add_argument("--until", type=_until, metavar="WHEN", help="placed until then; of a date, its whole day")
        parser.add_argument(
            "--batch-size",
            type=_batch_size,
            default=walk.BATCH,
            metavar="N",
            help="orders of one transaction (default: %(default)s)",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="go the whole way, roll everything back, and say what would happen"
        )
        parser.add_argument(
            "--resume",
            action="store_true",
            help="go on with the last run, with its options; of one that is through, repeat the failed orders",
        )
        parser.add_argument("--report", type=Path, metavar="FILE", help="write a line for each order into a CSV file")
        parser.add_argument(
            "--allow-writable-account",
            action="store_true",
            help="use the copy though the account may write; the session is read-only all the same",
        )
        parser.add_argument(
            "--no-input", "--noinput", action="store_false", dest="interactive", help="do not ask before beginning"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run, show progress, say what has come over."""
        selection = _selection(options)
        if options["resume"] and (options["dry_run"] or selection != Selection()):
            raise CommandError(gettext("A run that is gone on with has its options already: leave the others out."))
        if options["report"]:
            self._write_report(options["report"], lambda _file: None, mode="a")  # before hours of work, not after
        try:
            with Source.configured() as source:
                self._check_account(source, is_allowed=options["allow_writable_account"])
                if selection.order_ids and not count_orders(source, selection):
                    raise CommandError(gettext("The copy has no order %(id)d.") % {"id": selection.order_ids[0]})
                if options["dry_run"]:
                    self._try(source, selection, options)
                else:
                    self._import(source, selection, options)
        except (SourceError, runs.AlreadyRunningError) as trouble:
            raise CommandError(str(trouble)) from trouble
        except runs.Lost:
            self.end_line()
            raise CommandError(gettext("The import was stopped, or taken over, by somebody else.")) from None
        except (OperationalError, InterfaceError) as trouble:
            self.end_line()
            raise CommandError(gettext("The CRM's database: %(error)s") % {"error": trouble}) from trouble

    def _check_account(self, source: Source, *, is_allowed: bool) -> None:
        warning = source.warning()
        if warning and not is_allowed:
            advice = gettext("Use one with SELECT only, or say --allow-writable-account.")
            raise CommandError(f"{warning} {advice}")
        if warning:
            self.stderr.write(self.style.WARNING(warning))

    # --- the two kinds of runs

    def _try(self, source: Source, selection: Selection, options: dict[str, Any]) -> None:
        try:
            with walk.rolled_back():
                run = walk.begin(source, selection, batch_size=options["batch_size"])
                self._go(run, source, options, is_dry=True)
        except KeyboardInterrupt:
            self.end_line()
            self.stderr.write(gettext("Stopped. Nothing was changed: it was a dry run."))
            sys.exit(130)
        self.stdout.write(gettext("Nothing was changed: it was a dry run."))
        self._exit(run)

    def _import(self, source: Source, selection: Selection, options: dict[str, Any]) -> None:
        if options["resume"]:
            run = self._resumed(source)
        else:
            self._ask(source, selection, options)
            run = walk.begin(source, selection, batch_size=options["batch_size"])
        try:
            self._go(run, source, options, is_dry=False)
        except KeyboardInterrupt:
            connection.close()  # it may be in the middle of a statement
            runs.stop(run)
            self.end_line()
            self.stderr.write(gettext("Stopped. Go on with it: manage.py import_bitrix_orders --resume"))
            sys.exit(130)
        except (SourceError, OperationalError, InterfaceError) as trouble:
            self.end_line()
            connection.close()
            with suppress(OperationalError, InterfaceError):  # still away: this process is seen to be gone
                runs.give_up(run, trouble)
            advice = gettext("Go on with it: manage.py import_bitrix_orders --resume")
            raise CommandError(f"{trouble}\n{advice}") from trouble
        self._exit(run)

    def _go(self, run: ImportRun, source: Source, options: dict[str, Any], *, is_dry: bool) -> None:
        self.watch_signals()
        self._began_at, self._began_with = time.monotonic(), run.gone_through
        walk.work(run, source, on_progress=self._progress)
        self.end_line()
        self._say(run, is_dry=is_dry)
        if options["report"]:
            self._write_report(options["report"], lambda file: report.write_table(run, file, is_dry=is_dry))
            self.stdout.write(gettext("Order by order: %(file)s") % {"file": options["report"]})

    def _write_report(self, path: Path, write: Callable[[Any], object], *, mode: str = "w") -> None:
        try:
            with path.open(mode, encoding="utf-8-sig", newline="") as file:
                write(file)
        except OSError as trouble:
            message = gettext("The report can't be written: %(error)s") % {"error": trouble}
            raise CommandError(message) from trouble

    def _resumed(self, source: Source) -> ImportRun:
        run = runs.last()
        if run is not None and run.state == ImportRun.State.RUNNING:
            raise runs.AlreadyRunningError
        if run is not None and run.source != str(source.where)[:255]:
            words = gettext("The run was begun with another copy: %(copy)s.") % {"copy": run.source}
            self.stderr.write(self.style.WARNING(words))
        if run is None or not runs.resume(run):
            raise CommandError(gettext("There is nothing to go on with: the last run is through, and none has failed."))
        return run

    def _ask(self, source: Source, selection: Selection, options: dict[str, Any]) -> None:
        if not options["interactive"]:
            return
        if not sys.stdin.isatty():
            raise CommandError(gettext("Say --no-input: there is nobody to ask whether to begin."))
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

    # --- what it says

    def _progress(self, run: ImportRun) -> None:
        self.stop_if_requested()
        far = progress(run)
        if far.percent is None:
            text = gettext("Failed orders are repeated, left: %(left)s") % {"left": far.left}
            failed = gettext("not come over: %(number)s") % {"number": run.failed}
            self.show_progress(f"{text} · {failed}", 0)
            return
        rate = (far.done - self._began_with) / max(time.monotonic() - self._began_at, 0.001)
        line = gettext("%(done)d of %(expected)d, failed: %(failed)d, %(rate).1f a second") % {
            "done": far.done,
            "expected": far.expected,
            "failed": run.failed,
            "rate": rate,
        }
        if rate > 0 and far.left:
            line += ", " + gettext("%(time)s left") % {"time": duration(far.left / rate)}
        self.show_progress(line, far.percent)

    def _say(self, run: ImportRun, *, is_dry: bool) -> None:
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
_batch_size = _whole_number(1, MOST_AT_ONCE)


def _since(text: str) -> datetime:
    return _moment(text, timedelta(0))


def _until(text: str) -> datetime:
    return _moment(text, timedelta(days=1))


def _moment(text: str, of_day: timedelta) -> datetime:
    """Read a moment, or a date and how far into it."""
    found = read_moment(text)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is neither a date nor a time, such as 2025-08-11 or 2025-08-11T18:00")
    moment, is_day = found
    return moment + of_day if is_day else moment
