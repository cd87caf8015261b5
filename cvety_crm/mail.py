"""The only module that sends e-mails: with Django's mail backend, to the mail server in `EMAIL_URL`.

Every error becomes a `DeliveryError` of the outbox, with a message for staff and without the password.
"""

import smtplib
import ssl
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.utils.translation import gettext

from cvety_crm.masking import mask
from cvety_crm.outbox import (
    DeliveryError,
    MisconfiguredError,
    PermanentDeliveryError,
    TemporaryDeliveryError,
    UnreachableError,
)

MOST_BYTES = 15 * 1024 * 1024
"""The size of the largest file that is sent. Most servers accept messages of 20 to 25 MB, and base64 adds a third."""
PERMANENT = 500
"""SMTP's replies from this code on mean that a retry can't succeed (RFC 5321, 4.2.1)."""


def is_configured() -> bool:
    """Return whether `EMAIL_URL` is set."""
    return bool(settings.EMAIL_URL)


def not_configured() -> str:
    """Return the reason, for staff, why no e-mail can be sent."""
    return gettext("E-mail is not set up: EMAIL_URL is not set.")


def send_file(
    address: str, *, title: str, text: str, file_name: str, content: bytes, content_type: str, key: str
) -> str:
    """Send an e-mail with a file to one address, and return the id of the message.

    Mail programs show messages with the same `key` once. Raise `DeliveryError` on failure.
    """
    if len(content) > MOST_BYTES:
        raise PermanentDeliveryError(
            gettext("The file is too large for an e-mail: %(size)s MB, the limit is %(limit)s MB.")
            % {"size": -(-len(content) // 2**20), "limit": MOST_BYTES // 2**20}
        )
    return _send(address, title=title, text=text, key=key, files=[(file_name, content, content_type)])


def send_text(address: str, *, title: str, text: str, key: str) -> str:
    """Send an e-mail without a file to one address, as `send_file` does."""
    return _send(address, title=title, text=text, key=key, files=[])


def _send(address: str, *, title: str, text: str, key: str, files: list[tuple[str, bytes, str]]) -> str:
    if not is_configured():
        raise MisconfiguredError(not_configured())
    message_id = f"<{key}@{settings.DEFAULT_FROM_EMAIL.rpartition('@')[2].strip('<> ') or 'crm'}>"
    connection = get_connection(fail_silently=False)
    message = EmailMessage(
        " ".join(title.split()),
        text,
        settings.DEFAULT_FROM_EMAIL,
        [address],
        headers={"Message-ID": message_id, "Auto-Submitted": "auto-generated"},
        connection=connection,
    )
    for file in files:
        message.attach(*file)
    try:
        message.send()
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        raise _failure(error) from None  # the chained error may quote the password
    finally:
        _close(connection)
    return message_id


def _close(connection: Any) -> None:
    """Close a connection whose login was refused. Django closes it only when it opens the next one."""
    if (partial := getattr(connection, "_partial_connection", None)) is not None:
        partial.close()


def _failure(error: Exception) -> DeliveryError:
    answer = mask(str(error))
    match error:
        case smtplib.SMTPAuthenticationError():
            return MisconfiguredError(
                gettext("The mail server refused the login: check EMAIL_URL."),
                code=str(error.smtp_code),
                answer=answer,
            )
        case smtplib.SMTPNotSupportedError():
            return MisconfiguredError(
                gettext("The mail server does not offer this login or encryption: check EMAIL_URL."), answer=answer
            )
        case smtplib.SMTPRecipientsRefused():
            return _refusal(next(iter(error.recipients.values()))[0], answer)
        case smtplib.SMTPResponseException():  # the sender or the contents were refused, or the greeting was an error
            return _refusal(error.smtp_code, answer)
        case ssl.SSLError():
            return TemporaryDeliveryError(
                gettext("No encrypted connection to the mail server: check EMAIL_URL."), answer=answer
            )
        case TimeoutError():
            return UnreachableError(gettext("The mail server did not answer in time."), answer=answer)
        case UnicodeError():
            return PermanentDeliveryError(gettext("The mail server does not accept this address."), answer=answer)
    return UnreachableError(gettext("The mail server could not be reached."), answer=answer)


def _refusal(code: int, answer: str) -> DeliveryError:
    text = gettext("The mail server refused the message: %(answer)s") % {"answer": answer}
    kind = PermanentDeliveryError if code >= PERMANENT else TemporaryDeliveryError
    return kind(text, code=str(code), answer=answer)
