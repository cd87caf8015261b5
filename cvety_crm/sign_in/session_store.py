"""Sessions with their user and device (`SESSION_ENGINE`), which end after some days without use.

A session is read with the same query as Django's. Its last use is stored at most every few minutes, and only in its own
columns: a write of all data could undo a change that another request makes at the same time.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY as USER_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.middleware import SessionMiddleware
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from cvety_crm.models import Session
from cvety_crm.sign_in.user_agents import device_of
from cvety_crm.sign_in_tables import ADDRESS_LENGTH
from cvety_crm.throttling import exact_address_of

SIGN_IN = "sign_in"
"""The key of the time and the device of the sign-in in the data of a session."""
RENEWED_AFTER = timedelta(minutes=5)
"""The age of the stored time of the last use after which a request stores it again."""


class SessionStore(DatabaseStore):
    """The data of one session."""

    address = ""
    """The address of the present request."""
    _seen_at: datetime | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """Return the model of the rows."""
        return Session

    def _get_session_from_db(self) -> Session | None:
        row: Session | None = super()._get_session_from_db()  # type: ignore[misc] # missing in the stubs
        if row is not None:
            self._seen_at = row.last_seen_at
        return row

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """Return the row with this data, and with the user and the device that the data names."""
        signed_in = data.get(SIGN_IN, {})
        user_id, now = data.get(USER_KEY), timezone.now()
        return Session(
            session_key=self._get_or_create_session_key(),  # type: ignore[attr-defined] # missing in the stubs
            session_data=self.encode(data),
            expire_date=now + timedelta(days=settings.SESSION_IDLE_DAYS),
            last_seen_at=now,
            user_id=int(user_id) if user_id else None,
            signed_in_at=datetime.fromisoformat(signed_in["at"]) if signed_in else None,
            address=self.address or signed_in.get("address", ""),
            device=signed_in.get("device", ""),
        )

    def store_use(self) -> None:
        """Store that the session is used now, unless that is known already."""
        now = timezone.now()
        if self._seen_at is None or now - self._seen_at < RENEWED_AFTER:
            return
        # With the condition, only one of several requests at the same time writes.
        Session.objects.filter(session_key=self.session_key, last_seen_at=self._seen_at).update(
            last_seen_at=now,
            expire_date=now + timedelta(days=settings.SESSION_IDLE_DAYS),
            address=self.address,
        )
        self._seen_at = now


class DeviceSessions(SessionMiddleware):
    """Django's middleware of sessions, which also stores when and from where a session was used last."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Return the response, and store the use of the session if the request has read it."""
        session = request.session
        if session.accessed and isinstance(session, SessionStore):
            session.address = exact_address_of(request)[:ADDRESS_LENGTH]
            if not session.modified:
                with suppress(DatabaseError):  # the page is there: it must not fail now
                    session.store_use()
        answer: HttpResponse = super().process_response(request, response)
        return answer


def describe_sign_in(request: HttpRequest) -> dict[str, str]:
    """Return what a session stores of its sign-in."""
    return {
        "at": timezone.now().isoformat(),
        "address": exact_address_of(request)[:ADDRESS_LENGTH],
        "device": device_of(request),
    }
