"""The model of timeline entries, which must explain how an order reached its present state."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cvety_crm.formatting import short_moment
from cvety_crm.tables import Table
from cvety_crm.users import display_name
from orders.models.order import Order, Source


class EventKind(models.TextChoices):
    """The kind of a timeline entry."""

    CREATED = "created", _("Order created")
    STATUS = "status", _("Status changed")
    CHANGED = "changed", _("Order changed")
    DELETED = "deleted", _("Deleted on the site")
    ARCHIVED = "archived", _("Put into the site's archive")
    SENT = "sent", _("Sent to the site")
    REFUSED = "refused", _("Not accepted by the site")
    CONFLICT = "conflict", _("Both sides changed it")
    NOTED = "noted", _("Something was odd")
    WARNED = "warned", _("The site warns")
    PRINTED = "printed", _("Postcard printed")
    PROBLEM = "problem", _("Problem reported")
    SOLVED = "solved", _("Problem solved")
    TAKEN = "taken", _("Bouquet taken")
    READY = "ready", _("Bouquet ready")
    REMADE = "remade", _("Bouquet to be made again")
    NOTIFIED = "notified", _("Courier notified")
    CUSTOMER = "customer", _("Customer changed")
    PAYMENT = "payment", _("Payment")
    MESSAGE = "message", _("Message sent or copied")
    PHOTO_ADDED = "photo_added", _("Photo added")
    PHOTO_WITHDRAWN = "photo_withdrawn", _("Photo withdrawn")
    PHOTO_LINK = "photo_link", _("Link to the photo for the customer")
    PHOTO_ANSWERED = "photo_answered", _("Customer answered the photo")


class Reason(models.TextChoices):
    """The reason why a rule, and not a user, made a change. The labels are messages for staff."""

    NONE = "", ""
    UNREADABLE = "unreadable", _("Some fields could not be read; they are stored as they were received")
    STUB = "stub", _("The site reported only the status; the rest of the order has been requested")
    OURS_STAYS = "ours_stays", _("Changed here and on the site; ours stays and is sent to the site")
    SITE_DECIDES = "site_decides", _("The status was changed on the site too; the site's status stays")
    SITE_HAS_OTHER = "site_has_other", _("The site already had another status and did not accept ours")
    UNKNOWN_STATUS = "unknown_status", _("A status that the CRM does not know yet")
    STATUS_MOVED = "status_moved", _("The site's status was given to another status of the CRM")
    PAY_SYSTEM = "pay_system", _("The payment method of the site's pay system was chosen")
    GUESSED = (
        "guessed",
        _("Nothing shows which state is newer, and the site can't be asked: what was received last counts"),
    )
    ORDER_GONE = "order_gone", _("The site has no such order")
    STOPPED_BY_HAND = "stopped_by_hand", _("Sending was stopped by hand")
    GAVE_UP = "gave_up", _("The site could not be reached; there will be no more automatic attempts")
    SENT_AGAIN = "sent_again", _("Sent again by hand")
    OTHER_PERSON = "other_person", _("It is another person")
    MERGED = "merged", _("The customers were merged")
    PARTED = "parted", _("The customers were parted again")
    ERASED = "erased", _("The data of the customer was erased")
    SHARED_ACCOUNT = "shared_account", _("Many people order under this account of the site; the contacts decide")
    COMPARED = "compared", _("Comparison with the site: the order was fetched again")
    COMPARED_SENT = "compared_sent", _("Comparison with the site: the site has another value, ours is sent again")
    COMPARED_TAKEN = "compared_taken", _("Comparison with the site: the site's value was taken")
    COMPARED_KEPT = "compared_kept", _("Comparison with the site: our value stays and is sent to the site")
    COMPARED_GONE = "compared_gone", _("Comparison with the site: the site no longer has the order")
    COMPARED_ARCHIVED = "compared_archived", _("Comparison with the site: the order is in its archive")
    COMPARED_BACK = "compared_back", _("Comparison with the site: the site has the order again")


class OrderEvent(Table):
    """One timeline entry: the change, its source, the user who made it, and the reason if a rule made it."""

    order = models.ForeignKey(Order, verbose_name=_("order"), on_delete=models.CASCADE, related_name="events")
    happened_at = models.DateTimeField(_("when"), default=timezone.now, db_default=Now())
    kind = models.CharField(_("what"), max_length=20, choices=EventKind)
    source = models.CharField(_("from"), max_length=20, choices=Source)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("who"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    changes = models.JSONField(_("changes"), default=list, help_text="[{field, old, new}]")
    reason = models.CharField(_("why"), max_length=40, choices=Reason, blank=True, default="")
    details = models.JSONField(_("details"), default=dict, blank=True)
    # These are ids of rows of other apps. `orders` may not import these apps, so the fields are not foreign keys.
    webhook_event_id = models.UUIDField(_("webhook event"), null=True, blank=True)
    push_id = models.UUIDField(_("push"), null=True, blank=True)

    class Meta:
        db_table = "order_events"
        ordering = ["-happened_at", "-created_at"]
        verbose_name = _("timeline entry")
        verbose_name_plural = _("timeline")
        indexes = [
            models.Index(fields=["order", "-happened_at"], name="order_events_timeline"),
            models.Index(fields=["-happened_at", "-created_at"], name="order_events_newest"),
            models.Index(
                fields=["created_at"],
                name="order_events_conflicts",
                condition=Q(kind__in=[EventKind.CONFLICT.value, EventKind.REFUSED.value]),
            ),
            models.Index(
                fields=["order"],
                name="order_events_remakes",
                condition=Q(kind__in=[EventKind.REMADE.value, EventKind.PHOTO_ANSWERED.value]),
            ),
            # The report of late orders reads the last problem of each, which most orders do not have.
            models.Index(
                fields=["order", "-happened_at", "-created_at"],
                name="order_events_problems",
                condition=Q(kind=EventKind.PROBLEM.value),
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()

    @property
    def who(self) -> str:
        """Return the name of the actor, or an empty string. `select_related("actor")` saves a query."""
        return display_name(self.actor)

    @property
    def who_and_when(self) -> str:
        """Return the actor and the time, such as `Daniyar, 11:42`, with the date if it is not today.

        If the entry has no actor, its source is shown instead.
        """
        return f"{self.who or self.get_source_display()}, {short_moment(self.happened_at)}"
