"""The admin pages of long runs: a list, a page with live progress, and buttons that start, stop and resume a run."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.formats import localize
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from cvety_crm.admin_site.base import ReadOnlyModelAdmin, badge, moment
from cvety_crm.admin_site.outbox import find_row
from cvety_crm.long_runs.engine import AlreadyRunningError, RunEngine
from cvety_crm.long_runs.model import LongRun
from cvety_crm.long_runs.progress import Progress, progress
from cvety_crm.long_runs.slices import SliceTask
from cvety_crm.users import display_name, staff_user

State = LongRun.State
BADGES = {
    State.RUNNING: ("pending", "⏳"),
    State.DONE: ("delivered", "✓"),
    State.FAILED: ("failed", "!"),
    State.STOPPED: ("cancelled", "×"),
}
Fact = tuple[str, str]


class LongRunAdmin(ReadOnlyModelAdmin):
    """The base admin of long runs.

    A subclass sets the messages and the task, and extends `cvety_crm/long_runs/run.html` for its page.
    """

    list_display_links = ("started_column",)
    change_form_outer_before_template = "cvety_crm/long_runs/run.html"
    ordering = ("-started_at", "-id")

    slice_task: SliceTask[Any]
    can_be_started = False
    """Whether the page has a button that starts a run. If this is true, the subclass overrides `start_run`."""
    started_text: str | Promise = ""
    stopped_text: str | Promise
    not_running_text: str | Promise
    progress_label: str | Promise = _("Progress")
    progress_format: str | Promise = _("%(percent)s %%: %(done)s of %(expected)s")
    retry_text: str | Promise = _("There is no answer; it is tried again.")

    @property
    def engine(self) -> RunEngine[Any]:
        """Return the engine of these runs."""
        return self.slice_task.engine

    # --- hooks

    def may_control(self, request: HttpRequest) -> bool:
        """Return whether the user may start, stop and resume runs."""
        opts = self.opts
        return bool(request.user.has_perm(f"{opts.app_label}.change_{opts.model_name}"))

    def may_control_run(self, request: HttpRequest, run: Any) -> bool:
        """Return whether the user may stop and resume this run."""
        return self.may_control(request)

    def find_run(self, request: HttpRequest, key: str) -> Any | None:
        """Return the run with this primary key, or None if there is none that the user may see."""
        return find_row(self.model, key)

    def start_run(self, request: HttpRequest) -> LongRun:
        """Start the run that the form describes, without a lease.

        Raise `AlreadyRunningError` if another run is active.
        """
        raise NotImplementedError

    def resume_columns(self, request: HttpRequest) -> dict[str, Any]:
        """Return the columns to set when the user resumes a run."""
        return {}

    def resume_label(self, run: Any) -> str:
        """Return the label of the button that resumes the run, or an empty string if nothing is left to do."""
        return gettext("Resume") if self.engine.may_resume(run) else ""

    def obstacle(self) -> str:
        """Return the reason why no run can be resumed at present, or an empty string if there is no such reason."""
        return ""

    def resumed_text(self, run: Any) -> str:
        """Return the message that is shown after a run was resumed."""
        raise NotImplementedError

    def not_resumed_text(self, run: Any) -> str:
        """Return the message that is shown if nothing is left to do, or if the run is active already."""
        raise NotImplementedError

    def progress_notes(self, run: Any) -> Iterator[str]:
        """Yield additional messages for the progress line."""
        yield from ()

    def unmeasured_text(self, far: Progress) -> str:
        """Return the progress of a pass whose length is not known in advance, as a message."""
        return gettext("left: %(left)s") % {"left": localize(far.remaining)}

    def facts(self, run: Any) -> Iterator[Fact]:
        """Yield labels and values that describe the run."""
        if run.resumed_by is not None:
            yield gettext("Resumed by"), display_name(run.resumed_by)

    def page_context(self, request: HttpRequest, run: Any) -> dict[str, Any]:
        """Return `title` and the context for the blocks of the subclass's template."""
        raise NotImplementedError

    # --- pages

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return no fieldsets: the page is rendered by `change_form_outer_before_template`, without a form."""
        return ()

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs of the buttons and of the progress that the page fetches, then Django's own URLs."""
        wrap = self.admin_site.admin_view
        urls = [
            path("<uuid:key>/stop/", wrap(require_POST(self.stop)), name=self._name("stop")),
            path("<uuid:key>/resume/", wrap(require_POST(self.resume)), name=self._name("resume")),
            path("<uuid:key>/progress/", wrap(require_safe(self.progress)), name=self._name("progress")),
        ]
        if self.can_be_started:
            urls.append(path("start/", wrap(require_POST(self.start)), name=self._name("start")))
        return [*urls, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show a run."""
        run = self.find_run(request, object_id)
        context: dict[str, Any] = {}
        if run is not None and self.has_view_permission(request):
            context = {**self._run_context(request, run), **self.page_context(request, run)}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    def progress(self, request: HttpRequest, key: Any) -> HttpResponse:
        """Return the progress of a run. After the end of the run, make the browser reload the page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = self._find(request, key)
        if run.state != State.RUNNING:
            return HttpResponse(headers={"HX-Refresh": "true"})
        return render(request, "cvety_crm/long_runs/progress.html", self._progress_context(run))

    # --- buttons

    def start(self, request: HttpRequest) -> HttpResponse:
        """Start a run and queue its first slice."""
        self._check(request)
        try:
            with transaction.atomic():
                run = self.start_run(request)
                self.slice_task.schedule(run)
        except AlreadyRunningError as running:
            messages.warning(request, str(running))
            return HttpResponseRedirect(reverse(f"admin:{self._name('changelist')}"))
        messages.success(request, str(self.started_text))
        return self._redirect_to(run)

    def stop(self, request: HttpRequest, key: Any) -> HttpResponse:
        """Stop a run."""
        run = self._controlled(request, key)
        if self.engine.stop(run):
            messages.success(request, str(self.stopped_text))
        else:
            messages.info(request, str(self.not_running_text))
        return self._redirect_to(run)

    def resume(self, request: HttpRequest, key: Any) -> HttpResponse:
        """Resume a run and queue its next slice."""
        run = self._controlled(request, key)
        if obstacle := self.obstacle():
            messages.error(request, obstacle)
            return self._redirect_to(run)
        try:
            with transaction.atomic():
                is_resumed = self.engine.resume(
                    run,
                    is_claimed=False,
                    by=staff_user(request),
                    **self.resume_columns(request),
                )
                if is_resumed:
                    self.slice_task.schedule(run)
        except AlreadyRunningError as running:
            messages.warning(request, str(running))
            return self._redirect_to(run)
        if is_resumed:
            messages.success(request, self.resumed_text(run))
        else:
            messages.info(request, self.not_resumed_text(run))
        return self._redirect_to(run)

    # --- columns

    @admin.display(description=_("started"), ordering="started_at")
    def started_column(self, run: Any) -> str:
        """Return the time at which the run was started."""
        return moment(run.started_at)

    @admin.display(description=_("state"), ordering="state")
    def state_column(self, run: Any) -> SafeString:
        """Return the state and the progress of the run as a badge."""
        return state_badge(run)

    # --- helpers

    def _name(self, action: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{action}"

    def _url(self, action: str, run: LongRun) -> str:
        return reverse(f"admin:{self._name(action)}", args=[run.pk])

    def _redirect_to(self, run: LongRun) -> HttpResponse:
        return HttpResponseRedirect(self._url("change", run))

    def _check(self, request: HttpRequest) -> None:
        if not self.may_control(request):
            raise PermissionDenied

    def _controlled(self, request: HttpRequest, key: Any) -> Any:
        self._check(request)
        run = self._find(request, key)
        if not self.may_control_run(request, run):
            raise PermissionDenied
        return run

    def _find(self, request: HttpRequest, key: Any) -> Any:
        run = self.find_run(request, str(key))
        if run is None:
            raise Http404
        return run

    def _run_context(self, request: HttpRequest, run: LongRun) -> dict[str, Any]:
        is_running = run.state == State.RUNNING
        return {
            "badge": state_badge(run),
            "is_running": is_running,
            "may_control": self.may_control_run(request, run),
            "resume_label": self.resume_label(run),
            "obstacle": self.obstacle(),
            "facts": list(self.facts(run)),
            "stop_url": self._url("stop", run),
            "resume_url": self._url("resume", run),
            **(self._progress_context(run) if is_running else {"run": run}),
        }

    def _progress_context(self, run: LongRun) -> dict[str, Any]:
        far = progress(run)
        return {
            "run": run,
            "progress": far,
            "progress_line": self._progress_line(run, far),
            "progress_label": self.progress_label,
            "progress_url": self._url("progress", run),
            "retry_text": self.retry_text,
        }

    def _progress_line(self, run: LongRun, far: Progress) -> str:
        if far.percent is None:
            text = self.unmeasured_text(far)
        else:
            values = {"percent": far.percent, "done": localize(far.done), "expected": localize(far.expected)}
            text = str(self.progress_format) % values
        parts = [text, *self.progress_notes(run)]
        if far.time_left:
            parts.append(gettext("%(time)s left") % {"time": far.time_left})
        return " · ".join(parts)


def state_badge(run: LongRun) -> SafeString:
    """Return the state and the progress of a run as a badge. No query is needed, so a list can show it in each row."""
    css, sign = BADGES[State(run.state)]
    text = str(run.get_state_display())
    if run.state == State.RUNNING and run.is_measured:
        text += f" {progress(run).percent}\N{NO-BREAK SPACE}%"
    return badge(css, sign, text)
