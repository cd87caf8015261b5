"""Functions that store the site's names of statuses and question a status whose name does not fit its stage.

The site may use a code for a different step than the CRM. A questioned status therefore keeps its name, and its stage
is "problem" until a user decides (`orders.services.status_decisions`): its orders stay on the pages of open orders, and
staff can't choose it. A question ends by itself if the site gives its status a name that fits.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from cvety_crm.alerts import Alert, raise_alert
from orders.models import SiteStatus, Stage, Status
from orders.rules.status_names import is_agreed
from orders.sync.snapshot import ReferenceRow


@dataclass(frozen=True, slots=True)
class StatusQuestion:
    """A code of the site whose name there does not fit the stage of the status that has the code in the CRM."""

    bitrix_code: str
    site_name: str
    status: Status

    @property
    def text(self) -> str:
        """Return the text of the question for staff."""
        return gettext("%(code)s: “%(theirs)s” on the site, “%(ours)s” here (stage “%(stage)s”)") % {
            "code": self.bitrix_code,
            "theirs": self.site_name,
            "ours": self.status.name,
            "stage": Stage(self.status.intended_stage).label,
        }


def lock_statuses(*, may_delete: bool = False) -> list[Status]:
    """Return all statuses, locked until the end of the transaction. `may_delete` also blocks new orders in them."""
    return list(Status.objects.select_for_update(no_key=not may_delete))


@transaction.atomic
def note_site_statuses(*, rows: Iterable[ReferenceRow]) -> list[StatusQuestion]:
    """Store the names of the site's statuses that have no stored name yet, and return all questions.

    This is for names from a copy of the site's database, which are older than stored names. No alert is raised.
    """
    statuses = lock_statuses()
    known = set(SiteStatus.objects.values_list("code", flat=True))
    store_names(row for row in rows if row.key not in known)
    return review_statuses(statuses, has_alerts=False)


def store_names(rows: Iterable[ReferenceRow]) -> None:
    """Store the site's present names and sort values of these statuses."""
    SiteStatus.objects.bulk_create(
        [SiteStatus(code=row.key, name=row.fields["name"], sort=row.fields.get("sort", 1000)) for row in rows],
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["name", "sort", "updated_at"],
    )


def review_statuses(statuses: Iterable[Status], *, has_alerts: bool = True) -> list[StatusQuestion]:
    """Question each status with an unfitting name on the site, end the other questions, and return all questions.

    `statuses` are locked rows (`lock_statuses`). A row that changes is saved. For each new question an alert is raised
    if `has_alerts`.
    """
    names = {row.code: row for row in SiteStatus.objects.all()}
    found = []
    for status in statuses:
        questions = questions_about(status, names)
        is_new = bool(questions) and not status.is_questioned
        if is_new:
            _save(status, questioned_stage=status.stage, stage=Stage.PROBLEM, needs_attention=True)
        elif status.is_questioned and not questions:
            _save(status, questioned_stage="", stage=status.questioned_stage, needs_attention=False)
        if is_new and has_alerts:
            _alert(questions)
        found += questions
    return found


def questions_about(status: Status, names: Mapping[str, SiteStatus]) -> list[StatusQuestion]:
    """Return a question for each code of the status whose name on the site does not fit its stage.

    `names` contains the site's statuses by their codes. A status that was received from the site and has no stage yet
    has no questions.
    """
    if status.needs_attention and not status.is_questioned:
        return []
    return [
        StatusQuestion(code, names[code].name, status)
        for code in status.bitrix_codes
        if code in names and not is_agreed(names[code], status)
    ]


def _save(status: Status, **values: Any) -> None:
    for name, value in values.items():
        setattr(status, name, value)
    status.save(update_fields=[*values, "updated_at"])


def _alert(questions: list[StatusQuestion]) -> None:
    raise_alert(
        Alert(
            title=gettext("The site gives a status a name that does not fit its stage here"),
            text="; ".join(question.text for question in questions),
            about=questions[0].status,
        )
    )
