"""The runs of the import."""

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from bitrix_bridge.history import report
from bitrix_bridge.models import ImportRun
from cvety_crm.long_runs.engine import RunEngine, State


class ImportEngine(RunEngine[ImportRun]):
    """One import at a time. One whose process is gone counts as stopped: a person decides whether to resume it."""

    model = ImportRun
    already_running_text = _("An import is running already: wait for its end, or stop it.")
    lease = timedelta(minutes=5)
    """Longer than a batch can take, the delays of a lost connection to the copy included."""

    def may_resume(self, run: ImportRun) -> bool:
        """Return whether it was cut, or some of its orders have failed."""
        return super().may_resume(run) or (run.state == State.DONE and run.failed > 0)

    def resume_columns(self, run: ImportRun) -> dict[str, Any]:
        """Have a run that is done, or whose retry was cut, repeat its failed orders from the first."""
        return {"is_retry": True, "after_id": 0} if run.is_retry or run.state == State.DONE else {}

    def on_cut(self, run: ImportRun) -> None:
        """Save the reasons found so far. A batch under way has lost the run, so that nothing is added to them."""
        ImportRun.objects.filter(pk=run.pk).update(reasons=report.grouped_reasons(run))


imports = ImportEngine()
