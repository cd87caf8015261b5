"""The sanity check of long runs: a run that is active, but that no process works on and none will pick up."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from django.apps import apps
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext

from cvety_crm.long_runs.model import LongRun
from cvety_crm.ops.sanity import SanityCheck

IDLE = timedelta(hours=1)


def run_checks() -> Sequence[SanityCheck]:
    """Return a check for each kind of long run."""
    return [
        SanityCheck(
            f"{model._meta.db_table}.idle",
            gettext("%(kind)s: active, but nothing has worked on it for an hour")
            % {"kind": capfirst(model._meta.verbose_name_plural)},
            gettext("The worker picks up such runs each minute. Is it running? If it is, open the run and stop it."),
            partial(_idle, model),
        )
        for model in apps.get_models()
        if issubclass(model, LongRun)
    ]


def _idle(model: type[LongRun]) -> QuerySet[LongRun]:
    before = timezone.now() - IDLE
    is_free = Q(lease_until=None) | Q(lease_until__lt=before)
    return model._default_manager.filter(is_free, state=LongRun.State.RUNNING, updated_at__lt=before)
