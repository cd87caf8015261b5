"""The removal of searches for an erased customer from what staff have saved: views of the list, and exports."""

from collections.abc import Collection
from urllib.parse import parse_qsl, urlencode

from django.utils import timezone

from orders.models import ExportRun, SavedView


def forget_searches(traces: Collection[str]) -> None:
    """Remove the searches that contain one of these phones (the last ten digits) or e-mail addresses."""
    for view in SavedView.objects.filter(query__contains="q="):
        query = _without(view.query, traces)
        if query != view.query:
            SavedView.objects.filter(pk=view.pk).update(query=query, updated_at=timezone.now())
    for run in ExportRun.objects.filter(parameters__contains="q="):
        parameters = _without(run.parameters, traces)
        if parameters != run.parameters:
            facts = [fact for fact in run.facts if not any(_has(str(part), traces) for part in fact)]
            ExportRun.objects.filter(pk=run.pk).update(parameters=parameters, facts=facts, updated_at=timezone.now())


def _without(query: str, traces: Collection[str]) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if not _has(value, traces)]
    return query if kept == pairs else urlencode(kept)


def _has(text: str, traces: Collection[str]) -> bool:
    folded, digits = text.casefold(), "".join(filter(str.isdigit, text))
    return any(trace in folded or (trace.isdigit() and trace in digits) for trace in traces)
