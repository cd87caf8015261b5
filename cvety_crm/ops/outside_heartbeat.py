"""Tell a monitoring service outside the machine, each minute, that the worker works.

The service (such as healthchecks.io) notifies the owner when nothing comes, so it also notices a machine that is off.
"""

import logging
from collections.abc import Sequence

from django.conf import settings

from cvety_crm.http import NoAnswerError, post_json
from cvety_crm.models import Heartbeat

logger = logging.getLogger(__name__)

SECONDS = 5.0
OUTSIDE = "outside"
"""The heartbeat with the time of the last ping that the service has accepted."""


def ping(*, failed: Sequence[str]) -> None:
    """Ping `HEARTBEAT_URL`, or its `/fail` with the names of the jobs that have failed. Never raise.

    A service that does not answer delays the worker's next jobs by `SECONDS` at most.
    """
    if not settings.HEARTBEAT_URL:
        return
    url = settings.HEARTBEAT_URL + ("/fail" if failed else "")
    try:
        answer = post_json(url, {"failed": list(failed)}, timeout=SECONDS)
    except NoAnswerError as error:
        logger.warning("HEARTBEAT_URL does not answer: %s", error)
        return
    if not 200 <= answer.status < 300:
        logger.warning("HEARTBEAT_URL answers %d", answer.status)
        return
    try:
        Heartbeat.beat(OUTSIDE)
    except Exception:
        logger.exception("the time of the ping could not be stored")
