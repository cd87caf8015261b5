"""Run an import in the worker, in slices. Users start it with the buttons of the import's page."""

from datetime import timedelta

from django.db import OperationalError
from django.utils.translation import gettext

from bitrix_bridge.history import importing
from bitrix_bridge.history.runs import imports
from bitrix_bridge.history.source import Source, SourceError
from bitrix_bridge.models import ImportRun
from cvety_crm.long_runs.slices import IsOverTime, SliceTask

SLICE_SECONDS = 50.0
"""The time limit of one task. It is shorter than django-q's timeout, and other tasks can run between two slices."""


def _work(run: ImportRun, is_over_time: IsOverTime) -> timedelta | None:
    """Work on a run from the position at which the last slice ended, so that a retry ends even if orders fail again."""
    with Source.configured() as source:
        if warning := source.warning():
            advice = gettext("Use one with SELECT only.")
            raise SourceError(f"{warning} {advice}")
        return None if importing.work(run, source, is_over_time=is_over_time) else timedelta(0)


slice_task = SliceTask(
    imports,
    _work,
    path="bitrix_bridge.history.slices.work_slice",
    seconds=SLICE_SECONDS,
    final_errors=(SourceError, OperationalError),
)
work_slice = slice_task.run
pick_up = slice_task.pick_up
