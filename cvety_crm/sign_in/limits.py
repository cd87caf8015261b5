"""The limits of attempts to sign in, which are checked before the password is hashed.

An attempt on a known device counts only for this device and account. All other attempts count for their address, for
their account and together, so that neither one address nor many can guess passwords or keep the web processes busy.
"""

import logging
import math
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


def wait_before(request: HttpRequest, username: str) -> int:
    """Count an attempt. Return 0, or if it exceeds a limit, the seconds until the next one is allowed.

    If attempts can't be counted, return 0: staff must be able to work.
    """
    if username in known_accounts(request):
        limits = {f"device {request.COOKIES[COOKIE]} {username}": DEVICE}
    else:
        limits = {
            f"address {address_of(request)}": ADDRESS,
            _account(username): ACCOUNT,
            "together": TOGETHER,
        }
    try:
        for name, limit in limits.items():
            wait = counters().take(_key(name), limit=limit.attempts, period=limit.seconds * _SECOND)
            if wait:
                return math.ceil(wait / _SECOND)
    except OSError:
        logger.exception("attempts to sign in are not limited: THROTTLE_CACHE_DIR can't be used")
    return 0


def allow_again(username: str) -> None:
    """Forget the attempts on this account. Those of addresses and devices are kept."""
    counters().forget(_key(_account(username)))


def _account(username: str) -> str:
    return f"account {username}"


def _key(name: str) -> bytes:
    return counter_key(f"sign-in {name}")
