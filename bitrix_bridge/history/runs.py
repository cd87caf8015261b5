"""The rules for runs of the import."""

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from bitrix_bridge.history import report
from bitrix_bridge.models import ImportRun
from cvety_crm.long_runs.engine import RunEngine, State


class ImportEngine(RunEngine[ImportRun]):
    """The engine of imports. Only one import runs at a time.

    A run whose process has ended is stopped. Staff decide whether to resume the run.
    """

    model = ImportRun
    already_running_text = _("An import is running already: wait for its end, or stop it.")
    lease = timedelta(minutes=5)
    """The lease is longer than a batch can take, including the delays before new connections to the database copy."""

    def may_resume(self, run: ImportRun) -> bool:
        """Return whether the run was interrupted or some of its orders failed."""
        return super().may_resume(run) or (run.state == State.DONE and run.failed > 0)

    def resume_columns(self, run: ImportRun) -> dict[str, Any]:
        """Return the columns to change, so that a finished run or an interrupted retry imports failed orders again."""
        return {"is_retry": True, "after_id": 0} if run.is_retry or run.state == State.DONE else {}

    def on_cut(self, run: ImportRun) -> None:
        """Save the reasons found until now. A batch in progress can't add reasons later, because the lease is lost."""
        ImportRun.objects.filter(pk=run.pk).update(reasons=report.grouped_reasons(run))


imports = ImportEngine()
