"""The rate limits for each client address, on the pages that need no login."""

import logging
import math
from functools import cache
from hashlib import blake2b
from ipaddress import IPv6Address, IPv6Network, ip_address
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from cvety_crm.shared_counters import KEY_BYTES, SharedCounters

logger = logging.getLogger(__name__)

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_NANOSECONDS = 1_000_000_000


class AddressThrottle(BaseThrottle):
    """A rate limit for each client address, shared by all web processes of a machine.

    X-Forwarded-For is trusted only from `TRUSTED_PROXIES` proxies (DRF's NUM_PROXIES). An IPv6 client usually owns a
    network of 2^64 addresses, so all addresses of such a network are counted together.
    """

    scope = ""
    rate: str | None = None
    """The number of requests and the period: `600/min`. The periods are s, min, h and d. None means no limit."""

    _wait = 0

    def get_rate(self) -> str | None:
        """Return the rate limit."""
        return self.rate

    def get_scope(self, request: Request | HttpRequest) -> str:
        """Return the name of the counter of this request. Each address has one counter for each name."""
        return self.scope

    def allow_request(self, request: Request | HttpRequest, view: object) -> bool:
        """Return whether the address may send another request.

        If the requests can't be counted, return True: no order may be lost.
        """
        rate = self.get_rate()
        if rate is None:
            return True
        try:
            number, _, unit = rate.partition("/")
            period = _SECONDS[unit[:1]] * _NANOSECONDS
            self._wait = counters().take(self._key(request), limit=int(number), period=period)
        except Exception:
            _log_failure_once(self.scope)
            return True
        return self._wait == 0

    def wait(self) -> float | None:
        """Return the number of whole seconds after which the refused address may send the next request."""
        return math.ceil(self._wait / _NANOSECONDS) or None

    def _key(self, request: Request | HttpRequest) -> bytes:
        return counter_key(f"{self.get_scope(request)} {address_of(request)}")


def address_of(request: Request | HttpRequest) -> str:
    """Return the client's IPv4 address or IPv6 network, with regard to `TRUSTED_PROXIES`."""
    # DRF reads only attributes that Django's request also has.
    return _network(BaseThrottle().get_ident(request) or "")  # type: ignore[arg-type]


def exact_address_of(request: Request | HttpRequest) -> str:
    """Return the client's address as text, also that of IPv6, with regard to `TRUSTED_PROXIES`."""
    return BaseThrottle().get_ident(request) or ""  # type: ignore[arg-type] # as above


def counter_key(name: str) -> bytes:
    """Return the key of the counter with this name."""
    # With the secret key, no client can choose addresses whose counters have the same place as those of another.
    secret = settings.SECRET_KEY.encode()[:64]
    return blake2b(name.encode(), digest_size=KEY_BYTES, key=secret).digest()


def counters() -> SharedCounters:
    """Return the counters of this machine."""
    return _counters_in(settings.THROTTLE_CACHE_DIR)


@cache
def _counters_in(folder: str) -> SharedCounters:
    return SharedCounters(Path(folder) / "counters")


@cache
def _log_failure_once(scope: str) -> None:
    # The cache makes each process log this once, not for every request.
    logger.exception("the rate of %s is not limited: THROTTLE_CACHE_DIR can't be used", scope)  # noqa: LOG004 - called by a handler


def _network(text: str) -> str:
    """Return the IPv4 address, the network of the IPv6 address, or the text if it is no address."""
    try:
        address = ip_address(text)
    except ValueError:
        return text
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Network((int(address), 64), strict=False))
    return str(address)
