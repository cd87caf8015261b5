"""Going on with a run in the worker: a slice at a time, each a task of its queue. The buttons of its page begin it."""

import logging
import time
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext
from django_q.tasks import async_task

from bitrix_bridge.history import runs, walk
from bitrix_bridge.history.source import Source, SourceError
from bitrix_bridge.models import ImportRun

logger = logging.getLogger(__name__)

SLICE_SECONDS = 50.0
"""How long one task works, so that it ends before django-q's limit and others have their turn."""


def go_on(run_id: str) -> None:
    """The task: work on a run for a while, then queue the next slice. Never raises.

    Every slice begins where the one before has ended, a retry too, so a run ends however many of its orders fail again.
    """
    try:
        run = ImportRun.objects.filter(pk=UUID(run_id)).first()
        if run is None or not runs.claim(run):
            return
        try:
            if not _work(run):
                runs.release(run)
                nudge(run)
        except runs.Lost:
            return
        except (SourceError, OperationalError) as trouble:
            if not connection.is_usable():
                connection.close()
            runs.give_up(run, trouble)
        except Exception as error:
            logger.exception("a slice of the import failed")
            message = gettext("An error in the CRM itself: %(error)s") % {"error": type(error).__name__}
            runs.give_up(run, RuntimeError(message))
    except Exception:
        # The database is away: the lease runs out, and the run counts as stopped.
        logger.exception("a slice of the import failed, and it could not be noted")


def _work(run: ImportRun) -> bool:
    until = time.monotonic() + SLICE_SECONDS
    with Source.configured() as source:
        if warning := source.warning():
            raise SourceError(f"{warning} " + gettext("Use one with SELECT only."))
        return walk.work(run, source, is_over_time=lambda: time.monotonic() >= until)


def nudge(run: ImportRun) -> None:
    """Have a worker go on with the run as soon as the current transaction has committed."""
    key = str(run.pk)
    transaction.on_commit(lambda: async_task("bitrix_bridge.history.tasks.go_on", key), robust=True)


def take_up() -> bool:
    """Go on with a run that nobody holds, its task being late or lost; return whether there is one. Runs each minute.

    One whose process has died counts as stopped: whether it is to go on is for a person to say.
    """
    runs.stop_abandoned()
    run = ImportRun.objects.filter(state=runs.State.RUNNING, worker=None).first()
    if run is None:
        return False
    nudge(run)
    return True
