"""The log of sign-ins: who, when, from where and how, and what was changed about signing in."""

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from cvety_crm.models import SignInEvent, User
from cvety_crm.ops.retention import delete_in_batches
from cvety_crm.sign_in.user_agents import device_of
from cvety_crm.sign_in_tables import ADDRESS_LENGTH
from cvety_crm.throttling import exact_address_of

Kind = SignInEvent.Kind
Method = SignInEvent.Method


def record(
    kind: Kind, user: User | None, *, request: HttpRequest | None = None, method: str = "", details: str = ""
) -> None:
    """Add an entry about the account of the user. None stands for a name that no account has.

    If another user has sent the request, the entry names this user as well.
    """
    sender = getattr(request, "user", None)
    SignInEvent.objects.create(
        kind=kind,
        method=method,
        user=user,
        username=user.get_username() if user is not None else "",
        actor=sender if isinstance(sender, User) and sender != user else None,
        address=exact_address_of(request)[:ADDRESS_LENGTH] if request is not None else "",
        device=device_of(request) if request is not None else "",
        details=details[:300],
    )


def prune() -> int:
    """Delete entries that are older than `KEEP_SIGN_INS_DAYS`. Return their number."""
    if settings.KEEP_SIGN_INS_DAYS <= 0:
        return 0
    before = timezone.now() - timedelta(days=settings.KEEP_SIGN_INS_DAYS)
    return delete_in_batches(SignInEvent.objects.filter(created_at__lt=before))
