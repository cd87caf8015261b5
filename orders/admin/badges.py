"""Badges and marks that show the state of an order.

Each badge and each coloured mark has a sign and a word, because colour alone is not accessible.
"""

from django.contrib.auth.models import AnonymousUser
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext

from orders.models import Order, Stage, Status, SyncState
from orders.presentation.unknown import unknown_names
from orders.rules.visibility import shown_text

PROBLEM_LENGTH = 40  # the largest number of characters of a problem in a mark
SIGNS: dict[str, str] = {
    Stage.NEW: "●",
    Stage.ACCEPTED: "✓",
    Stage.MAKING: "✿",
    Stage.WAITING: "⏳",
    Stage.READY: "▣",
    Stage.DELIVERING: "➤",
    Stage.DONE: "✔",
    Stage.PROBLEM: "!",
    Stage.CANCELLED: "×",
}
SYNC_SIGNS: dict[str, str] = {
    SyncState.SYNCED: "✓",
    SyncState.PENDING: "⏳",
    SyncState.FAILED: "!",
    SyncState.CONFLICT: "≠",
}


def stage_class(stage: str) -> str:
    """Return the CSS class of a stage. An unknown stage gets the class of the stage "problem"."""
    return f"crm-stage-{stage if stage in SIGNS else Stage.PROBLEM}"


def status_badge(status: Status) -> SafeString:
    """Return the badge of a status, in the colours of the stage."""
    sign = SIGNS.get(status.stage, "!")
    return _badge(stage_class(status.stage), sign, status.name)


def sync_badge(order: Order, words: str = "") -> SafeString:
    """Return the badge of the order's sync state. If `words` is given, it replaces the label of the sync state."""
    sign = SYNC_SIGNS.get(order.sync_state, "!")
    return _badge(f"crm-sync-{order.sync_state}", sign, words or str(order.get_sync_state_display()))


def order_marks(order: Order, *, has_problem_shown: bool = False) -> SafeString:
    """Return the marks that staff must see in addition to the status. Most orders have no marks.

    `has_problem_shown` means that the page shows the problem in full beside the marks. `order.seen_by` is the user who
    reads the marks. If it is not set, all phones in the problem are masked.
    """
    marks = []
    if order.problem and not has_problem_shown:
        reader = getattr(order, "seen_by", None) or AnonymousUser()
        reason = Truncator(shown_text(reader, order.problem)).chars(PROBLEM_LENGTH)
        marks.append(("danger", "!", gettext("problem: %(reason)s") % {"reason": reason}))
    if not order.is_stub and (names := unknown_names(order)):
        marks.append(("warn", "?", gettext("ask: %(what)s") % {"what": ", ".join(names)}))
    if order.is_stub:
        marks.append(("warn", "…", gettext("not complete yet")))
    if order.status.needs_attention:
        marks.append(("warn", "?", gettext("unknown status")))
    if order.is_deleted_on_site:
        marks.append(("danger", "×", gettext("deleted on the site")))
    if order.is_archived_on_site:
        marks.append(("plain", "▤", gettext("in the site's archive")))
    if order.is_cancelled:
        marks.append(("danger", "×", gettext("cancelled on the site")))
    # A list has a line for each mark, and cuts a longer one.
    return format_html_join(
        " ",
        '<span class="crm-mark crm-mark-{}" title="{}"><span aria-hidden="true">{}</span> {}</span>',
        ((css, words, sign, words) for css, sign, words in marks),
    )


def delivery_marks(order: Order) -> SafeString:
    """Return the marks for the handover: a pickup, an anonymous order, an order that is a surprise."""
    marks = []
    if order.is_pickup:
        marks.append((gettext("pickup"),))
    if order.is_anonymous:
        marks.append((gettext("anonymous"),))
    if order.is_surprise:
        marks.append((gettext("surprise, don't call"),))
    return format_html_join(" ", '<span class="crm-mark">{}</span>', marks)


def _badge(css: str, sign: str, word: str) -> SafeString:
    return format_html('<span class="crm-badge {}"><span aria-hidden="true">{}</span> {}</span>', css, sign, word)
