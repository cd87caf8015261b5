"""The devices on which a user is signed in: one session each."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.utils import timezone

from cvety_crm.models import SecondFactor, Session, User

MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class SignedInDevice:
    """A device on which a user is signed in. `id` names it on pages, because the key itself is a secret."""

    id: str
    device: str
    address: str
    signed_in_at: datetime | None
    last_seen_at: datetime
    is_current: bool


def devices_of(user: User, current_key: str | None = None) -> list[SignedInDevice]:
    """Return the devices of the user, the present one first, then the one that was used last. This runs one query."""
    rows = Session.objects.filter(user=user, expire_date__gt=timezone.now()).defer("session_data")
    found = [
        SignedInDevice(
            id=_public_id(row.session_key),
            device=row.device,
            address=row.address,
            signed_in_at=row.signed_in_at,
            last_seen_at=row.last_seen_at,
            is_current=row.session_key == current_key,
        )
        for row in rows.order_by("-last_seen_at")[:MOST_SHOWN]
    ]
    return sorted(found, key=lambda one: not one.is_current)


def sign_out_device(user: User, public_id: str) -> str | None:
    """End the session of the user with this id. Return the name of its device, or None if there is no such session."""
    for key, device in Session.objects.filter(user=user).values_list("session_key", "device"):
        if _public_id(key) == public_id:
            Session.objects.filter(session_key=key).delete()
            return device
    return None


def sign_out_everywhere(user: User, *, except_key: str | None = None) -> int:
    """End all sessions of the user but one, and let no device skip the code any more. Return how many have ended."""
    SecondFactor.objects.filter(user=user).update(trusted_since=timezone.now())
    number, _ = Session.objects.filter(user=user).exclude(session_key=except_key or "").delete()
    return number


def _public_id(key: str) -> str:
    return sha256(key.encode()).hexdigest()[:24]
