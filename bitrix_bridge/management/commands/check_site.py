"""`manage.py check_site` sends a test order through the bridge of the real site and reports the differences."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import CommandError
from django.utils.translation import gettext

from bitrix_bridge.site_check import cleanup, report
from bitrix_bridge.site_check.calls import NoReplyError, SiteBridge
from bitrix_bridge.site_check.check import NOT_DONE, Outcome, UnusableSiteError, require_bridge, run_check
from bitrix_bridge.site_check.step_runner import Mark, Result
from bitrix_bridge.site_check.steps import ORDER_TEXT
from cvety_crm.long_runs.command import StoppableCommand
from cvety_crm.masking import mask


class Command(StoppableCommand):
    """Describe the site check, ask for confirmation, run the check, delete the test order and report the result."""

    help = (
        "Check the bridge on the site (BITRIX_API_URL) with one order that it makes there, changes and deletes again. "
        "Exit status 0: everything as expected, 1: something differs, 2: the check could not be done."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options `--yes` and `--report`."""
        parser.add_argument("--yes", action="store_true", help="do not ask before it starts")
        parser.add_argument(
            "--report", metavar="FILE", type=Path, help="also write the report to a file that can be sent to others"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Check the site, and exit with the status of the result (see `help`)."""
        bridge = SiteBridge()
        if not bridge.url:
            raise CommandError(gettext("BITRIX_API_URL is not set: there is nowhere to send to."), returncode=NOT_DONE)
        self._asks = not options["yes"]
        try:
            self._print_plan(bridge)
            if not self._confirm(gettext("Start the check?")):
                self._exit_not_done(gettext("Nothing was done."))
            outcome = Outcome(require_bridge())
            file = options["report"]
            if file is not None:
                file.write_text("", encoding="utf-8")  # fail before the check if the file can't be written
            self._offer_leftovers(bridge)
        except UnusableSiteError as error:
            raise CommandError(str(error), returncode=NOT_DONE) from error
        except OSError as error:
            message = gettext("The report can't be written: %(error)s") % {"error": error.strerror or error}
            raise CommandError(message, returncode=NOT_DONE) from error
        except KeyboardInterrupt:
            self._exit_not_done("\n" + gettext("Stopped before the check began."))
        self.watch_signals()
        run_check(bridge, outcome, on_result=self._show, stop_if_requested=self.raise_if_stopped)
        for line in report.closing_lines(outcome):
            self.stdout.write(line)
        if file is not None:
            file.write_text(report.file_text(outcome), encoding="utf-8")
            self.stdout.write(gettext("The report is in %(file)s, and can be sent to others.") % {"file": file})
        if outcome.exit_status:
            sys.exit(outcome.exit_status)

    def _print_plan(self, bridge: SiteBridge) -> None:
        lines = (
            gettext("The check sends its requests to %(host)s (BITRIX_API_URL).") % {"host": bridge.host},
            gettext(
                "It creates one order there, “%(name)s”, of 100 ₸ and 50 ₸ for the delivery, without a customer, a "
                "phone or a product of the catalogue. It reads the order, changes it, marks it as paid and as not paid,"
                " changes its status, cancels it, and in the end deletes it, even if something fails."
            )
            % {"name": ORDER_TEXT},
            gettext(
                "The bridge stops Bitrix from sending mails about such an order. All else that the site does with every"
                " order (SMS, a cash register, handlers of its own) may happen with this one too: switch off what must "
                "not happen."
            ),
            gettext("No other order and nothing in the CRM is changed. One order number of the site is used."),
        )
        for line in lines:
            self.stdout.write(line)
        self.stdout.write("")

    def _confirm(self, question: str) -> bool:
        if not self._asks:
            return True
        self.stdout.write(f"{question} [y/N] ", ending="")
        self.stdout.flush()
        try:
            return input().strip().lower() in ("y", "yes", "д", "да")
        except EOFError:
            self.stdout.write("")
            return False

    def _exit_not_done(self, text: str) -> NoReturn:
        self.stdout.write(text)
        sys.exit(NOT_DONE)

    def _offer_leftovers(self, bridge: SiteBridge) -> None:
        """Delete the orders that earlier checks have left on the site, if the user confirms it."""
        try:
            left = cleanup.leftovers(bridge)
        except (NoReplyError, cleanup.ListRefusedError) as error:
            text = gettext("It is unknown whether an earlier check has left an order: %(why)s")
            self.stdout.write(mask(text % {"why": error}))
            return
        if not left:
            return
        text = gettext("Orders that earlier checks have left on the site, by ID: %(ids)s.")
        self.stdout.write(text % {"ids": ", ".join(str(one.order_id) for one in left)})
        if not self._confirm(gettext("Delete them?")):
            return
        for one in left:
            still = cleanup.remove(bridge, one.xml_id, one.order_id)
            lines = report.leftover_lines(still) if still else [gettext("Deleted: %(id)d") % {"id": one.order_id}]
            for line in lines:
                self.stdout.write(line)

    def _show(self, result: Result) -> None:
        styles = {Mark.AS_EXPECTED: self.style.SUCCESS, Mark.DIFFERENT: self.style.WARNING}
        self.stdout.write(styles.get(result.mark, self.style.NOTICE)(report.step_line(result)))
