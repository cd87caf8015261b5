"""The limits of attempts to sign in, which are checked before the password is hashed.

An attempt on a known device counts only for this device and account. All other attempts count for their address, for
their account and together, so that neither one address nor many can guess passwords or keep the web processes busy.
Codes are guessed only by those who know the password; they have limits of their own. So do e-mails with links.
"""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpRequest

from cvety_crm.sign_in.devices import COOKIE, known_accounts
from cvety_crm.throttling import address_of, counter_key, counters

logger = logging.getLogger(__name__)

_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Limit:
    """So many attempts at once, which come back one by one in so many seconds."""

    attempts: int
    seconds: int


DEVICE = Limit(10, 600)
ADDRESS = Limit(20, 600)
"""Several people may sign in from the network of the shop in the morning."""
ACCOUNT = Limit(10, 900)
TOGETHER = Limit(40, 60)
"""Hashing takes 0.35 seconds of a processor (measured on two cores), so strangers can use a quarter of one."""
CODE = Limit(10, 6 * 3600)
"""Three of a million codes are valid at a time, so 50 guesses a day find one in a year with a chance of 1 in 20."""
RESET_ADDRESS = Limit(5, 3600)
RESET_ACCOUNT = Limit(3, 3600)
RESET_TOGETHER = Limit(30, 3600)
"""E-mails with links, so that no one fills a mailbox or uses up what the mail server allows."""
LOG_ADDRESS = Limit(1, 600)
LOG_TOGETHER = Limit(20, 60)
"""Log entries about refused attempts, which cost nothing and could otherwise fill the disk."""


def wait_before(request: HttpRequest, username: str) -> int:
    """Count an attempt with a password. Return 0, or if it exceeds a limit, the seconds until the next one is allowed.

    If attempts can't be counted, return 0: staff must be able to work.
    """
    if _is_known(request, username):
        return _take({_device(request, username): DEVICE})
    return _take({f"address {address_of(request)}": ADDRESS, _account(username): ACCOUNT, "together": TOGETHER})


def wait_before_code(request: HttpRequest, username: str) -> int:
    """Count an attempt with a code of the second factor, as `wait_before` does for passwords."""
    return _take({_code(request, username): CODE})


def forget_codes(request: HttpRequest, username: str) -> None:
    """Forget the attempts with codes, after one was right."""
    try:
        counters().forget(_key(_code(request, username)))
    except OSError:
        logger.exception("attempts with codes are not limited: THROTTLE_CACHE_DIR can't be used")


def wait_before_reset(request: HttpRequest) -> int:
    """Count a request for a link by e-mail. Return 0, or the seconds until this address may send the next one."""
    return _take({f"reset address {address_of(request)}": RESET_ADDRESS, "reset together": RESET_TOGETHER})


def may_send_link(username: str) -> bool:
    """Count an e-mail with a link to this account. Return whether it may be sent."""
    return not _take({f"reset account {username}": RESET_ACCOUNT})


def may_log_refusal(request: HttpRequest, username: str) -> bool:
    """Return whether a refused attempt is worth an entry of the log: the first one for a while."""
    return not _take({f"log {address_of(request)} {username}": LOG_ADDRESS, "log together": LOG_TOGETHER})


def allow_again(username: str) -> None:
    """Forget the attempts on this account. Those of addresses and devices are kept."""
    counters().forget(_key(_account(username)))
    counters().forget(_key(f"code {_account(username)}"))


def _take(limits: Mapping[str, Limit]) -> int:
    try:
        for name, limit in limits.items():
            wait = counters().take(_key(name), limit=limit.attempts, period=limit.seconds * _SECOND)
            if wait:
                return math.ceil(wait / _SECOND)
    except OSError:
        logger.exception("attempts to sign in are not limited: THROTTLE_CACHE_DIR can't be used")
    return 0


def _is_known(request: HttpRequest, username: str) -> bool:
    return username in known_accounts(request)


def _account(username: str) -> str:
    return f"account {username}"


def _device(request: HttpRequest, username: str) -> str:
    return f"device {request.COOKIES[COOKIE]} {username}"


def _code(request: HttpRequest, username: str) -> str:
    return f"code {_device(request, username) if _is_known(request, username) else _account(username)}"


def _key(name: str) -> bytes:
    return counter_key(f"sign-in {name}")
