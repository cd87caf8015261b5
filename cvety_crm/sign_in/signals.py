"""What happens when a password changes and when a user signs out, wherever in the code that is."""

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.db.models.signals import post_save
from django.http import HttpRequest

from cvety_crm.models import Session, User
from cvety_crm.sign_in import log


def connect() -> None:
    """Register the receivers."""
    post_save.connect(_end_sessions, sender=User, dispatch_uid="cvety_crm.sign_in.password")
    user_logged_out.connect(_record_sign_out, dispatch_uid="cvety_crm.sign_in.signed_out")


def _end_sessions(instance: User, *, created: bool, **_kwargs: Any) -> None:
    """End the sessions of a user whose password changes or who is no longer active.

    Django would refuse them, but they would stay in the list of devices. The session in which users change their own
    password gets a new key afterwards, and stays.
    """
    # `set_password` sets the attribute, and `save` clears it after this signal.
    is_changed = getattr(instance, "_password", None) is not None
    if not created and (is_changed or not instance.is_active):
        Session.objects.filter(user=instance).delete()


def _record_sign_out(request: HttpRequest, user: User | None, **_kwargs: Any) -> None:
    if user is not None:
        log.record(log.Kind.SIGNED_OUT, user, request=request)
