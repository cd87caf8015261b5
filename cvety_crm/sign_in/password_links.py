"""Links with which a user sets a new password: made by the owner, or sent by e-mail. A link works once, for an hour.

A second factor stays as it is: a link replaces a forgotten password, and not a lost phone.
"""

import logging
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext
from django_q.tasks import async_task

from cvety_crm import mail
from cvety_crm.models import User
from cvety_crm.outbox import DeliveryError
from cvety_crm.sign_in import log
from cvety_crm.sign_in.limits import may_send_link

logger = logging.getLogger(__name__)


def link_path(user: User) -> str:
    """Return the path of a page on which the user sets a new password. It is a secret."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return reverse("new_password", args=[uid, default_token_generator.make_token(user)])


def request_links(email: str) -> None:
    """Let the worker send links to the accounts with this address, if there are any.

    The request takes the same time if there are none, so no one can find out who works here.
    """
    async_task("cvety_crm.sign_in.password_links.send_links", email, save=False)


def send_links(email: str) -> int:
    """Send a link to each active account with this e-mail address. Return the number of e-mails."""
    sent = 0
    for user in User.objects.filter(email__iexact=email, is_active=True, is_staff=True):
        # The address of the account is used, because another one may differ in letters that only look equal.
        if may_send_link(user.username) and _send(user):
            log.record(log.Kind.LINK_SENT, user)
            sent += 1
    return sent


def _send(user: User) -> bool:
    link = settings.PUBLIC_URL + link_path(user)
    text = gettext(
        "Hello!\n\nSomebody, probably you, has asked for a new password for the account %(user)s of the CRM. "
        "To set it, open this page within an hour:\n\n%(link)s\n\n"
        "If it was not you, ignore this message: nothing changes."
    )
    try:
        mail.send_text(
            user.email,
            title=gettext("A new password for the CRM"),
            text=text % {"user": user.get_username(), "link": link},
            key=f"password-{uuid4().hex}",
        )
    except DeliveryError as error:
        logger.warning("no link for a new password was sent to %s: %s", user.get_username(), error)
        return False
    return True
