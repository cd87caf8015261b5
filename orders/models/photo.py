"""The models of photos of the bouquet and of the customer's approval."""

import secrets
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cvety_crm.tables import Table


def photo_path(photo: Any, filename: str) -> str:
    """Return the path of a new picture: the current month and a random name. The `filename` from Django is not used."""
    return f"orders/{timezone.localdate():%Y/%m}/{secrets.token_urlsafe(24)}.jpg"


class OrderPhoto(Table):
    """A photo of the bouquet, encoded by `orders.photos.pictures`. A withdrawn photo has a row but no files."""

    order = models.ForeignKey("orders.Order", verbose_name=_("order"), on_delete=models.CASCADE, related_name="photos")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("author"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    image = models.FileField(_("picture"), upload_to=photo_path, blank=True)
    thumbnail = models.FileField(_("small picture"), upload_to=photo_path, blank=True, default="", db_default="")
    width = models.PositiveSmallIntegerField(_("width"), default=0, db_default=0)
    height = models.PositiveSmallIntegerField(_("height"), default=0, db_default=0)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True, editable=False)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("withdrawn by"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    class Meta:
        db_table = "order_photos"
        ordering = ["-created_at"]
        verbose_name = _("photo")
        verbose_name_plural = _("photos")

    def __str__(self) -> str:
        return str(_("Photo of the bouquet"))

    @property
    def is_withdrawn(self) -> bool:
        """Return whether the photo is withdrawn. No page shows a withdrawn photo."""
        return self.withdrawn_at is not None


class PhotoAnswer(models.TextChoices):
    """The customer's answer to the photos."""

    NONE = "", ""
    LIKED = "liked", _("the customer likes it")
    REDO = "redo", _("the customer asks for another bouquet")


class PhotoApproval(Table):
    """The customer's link to the photos of an order, and the customer's last answer. The timeline contains all answers.

    The link is computed from the primary key and the nonce (`orders.photos.links`), so it can be shown again at any
    time. A new nonce makes the old link invalid. A link can't be computed without `SECRET_KEY`.
    """

    order = models.OneToOneField(
        "orders.Order", verbose_name=_("order"), on_delete=models.CASCADE, related_name="photo_approval"
    )
    nonce = models.CharField(max_length=32, blank=True, default="", db_default="", editable=False)
    """Empty if the link is revoked."""
    expires_at = models.DateTimeField(_("works until"))
    answer = models.CharField(
        _("answer"), max_length=10, choices=PhotoAnswer, blank=True, default=PhotoAnswer.NONE, db_default=""
    )
    comment = models.TextField(_("comment"), blank=True, default="", db_default="")
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    answers = models.PositiveSmallIntegerField(_("answers"), default=0, db_default=0)
    """The number of answers that the customer has given with this link."""

    class Meta:
        db_table = "order_photo_approvals"
        verbose_name = _("approval of the photo")
        verbose_name_plural = _("approvals of photos")
        default_permissions = ()
        indexes = [
            models.Index(fields=["expires_at"], name="photo_approvals_waiting", condition=Q(answer="") & ~Q(nonce=""))
        ]

    def __str__(self) -> str:
        return str(self.get_answer_display() or _("no answer yet"))

    @property
    def is_open(self) -> bool:
        """Return whether the link works now."""
        return bool(self.nonce) and self.expires_at > timezone.now()
