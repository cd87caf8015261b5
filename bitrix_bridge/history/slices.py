"""The import in the worker, slice by slice. The buttons of its page start it."""

from datetime import timedelta

from django.db import OperationalError
from django.utils.translation import gettext

from bitrix_bridge.history import walk
from bitrix_bridge.history.runs import imports
from bitrix_bridge.history.source import Source, SourceError
from bitrix_bridge.models import ImportRun
from cvety_crm.long_runs.slices import IsOverTime, SliceTask

SLICE_SECONDS = 50.0
"""How long one task works, so that it ends before django-q's limit and others have their turn."""


def _work(run: ImportRun, is_over_time: IsOverTime) -> timedelta | None:
    """Work on a run; a slice starts where the one before has ended, so a retry ends however many orders fail again."""
    with Source.configured() as source:
        if warning := source.warning():
            raise SourceError(f"{warning} {gettext('Use one with SELECT only.')}")
        return None if walk.work(run, source, is_over_time=is_over_time) else timedelta(0)


slice_task = SliceTask(
    imports,
    _work,
    path="bitrix_bridge.history.slices.work_slice",
    seconds=SLICE_SECONDS,
    final_errors=(SourceError, OperationalError),
)
work_slice = slice_task.run
pick_up = slice_task.pick_up
