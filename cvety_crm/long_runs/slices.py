"""Work on a run in slices, each a task of django-q, so that the worker can run other tasks in between."""

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Generic
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils.translation import gettext
from django_q.tasks import async_task

from cvety_crm.long_runs.engine import LeaseLostError, R, RunEngine

logger = logging.getLogger(__name__)

IsOverTime = Callable[[], bool]


class SliceTask(Generic[R]):
    """The task that works on the runs of one engine.

    `work` works on a claimed run until it has ended or `is_over_time` returns true. It returns None if the run has
    ended, otherwise the delay before the next slice.
    """

    def __init__(
        self,
        engine: RunEngine[R],
        work: Callable[[R, IsOverTime], timedelta | None],
        *,
        path: str,
        seconds: float,
        final_errors: tuple[type[Exception], ...] = (),
        timeout: int | None = None,
    ) -> None:
        """Create the task. `path` is the dotted path of `run` for django-q.

        Errors of the types in `final_errors` end the run as failed, with their message. `timeout` is the number of
        seconds after which the worker ends the task, if it is not the usual one.
        """
        self.engine = engine
        self.seconds = seconds
        self._work = work
        self._path = path
        self._final_errors = final_errors
        self._options = {} if timeout is None else {"timeout": timeout}

    def run(self, run_id: str) -> None:
        """Work on a run for `seconds`, then queue the next slice. Never raise."""
        try:
            run = self.engine.claim(UUID(run_id))
            if run is not None:
                self._work_on(run)
        except LeaseLostError:
            return
        except Exception:
            # The database does not answer. After the lease expires, a worker picks the run up or ends it as abandoned.
            logger.exception("a slice of %s failed, and that could not be saved", self._path)

    def schedule(self, run: R) -> None:
        """Queue a slice after the current transaction is committed."""
        run_id = str(run.pk)
        transaction.on_commit(lambda: async_task(self._path, run_id, **self._options), robust=True)

    def pick_up(self) -> bool:
        """Queue a slice of each active run that has no lease. Return whether there is such a run.

        The worker calls this method each minute.
        """
        waiting = self.engine.waiting()
        for run in waiting:
            self.schedule(run)
        return bool(waiting)

    def _work_on(self, run: R) -> None:
        until = time.monotonic() + self.seconds
        try:
            delay = self._work(run, lambda: time.monotonic() >= until)
        except LeaseLostError:
            raise
        except self._final_errors as error:
            self._fail(run, str(error))
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            logger.exception("a slice of %s failed", self._path)
            self._fail(run, gettext("An error in the CRM itself: %(error)s") % {"error": type(error).__name__})
        else:
            if delay is None:
                return
            self.engine.release(run, delay=delay)
            if not delay:
                self.schedule(run)

    def _fail(self, run: R, why: str) -> None:
        if not connection.is_usable():
            connection.close()
        self.engine.fail(run, why)
