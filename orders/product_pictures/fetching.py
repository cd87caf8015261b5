"""Return the small copy of a picture from the cache, or fetch the picture from the site.

A web process that waits for the site can't answer anything else. So at most `FETCHES_AT_ONCE` pictures are fetched at
the same time on a machine, each within `FETCH_SECONDS`, and a site that does not answer is left alone for a while. Call
these functions outside transactions.
"""

import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum
from typing import Literal
from urllib.parse import urljoin, urlsplit

from django.utils.translation import gettext

from cvety_crm.http import Download, NoAnswerError, TooLargeError, get_file
from orders.photos.pictures import UnreadablePictureError, read_thumbnails
from orders.product_pictures import disk_cache
from orders.product_pictures.sources import SourceRefusedError, source_url

Size = Literal["small", "large"]
SIDES: dict[Size, int] = {"small": 160, "large": 640}
"""The maximum length of the longer side of each size, in pixels."""

FETCH_SECONDS = 4.0
FETCHES_AT_ONCE = 2
MOST_BYTES = 10 * 1024 * 1024
MOST_REDIRECTS = 2

KEEP_MISSING = 6 * 3600.0
"""The number of seconds for which a picture that the site does not have, or that is no picture, is not asked for."""
KEEP_BROKEN = 120.0
"""The same for a picture that could not be fetched for a reason that may pass."""
KEEP_DOWN = 60.0
"""The number of seconds for which a host that does not answer is not asked for any picture."""
KEEP_SITE_FAILURE = 24 * 3600.0
SITE = disk_cache.note_key("site")
"""The key of the last failure that concerns all pictures. The next success deletes it."""

_GONE = frozenset({400, 401, 403, 404, 405, 410, 415, 451})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class State(Enum):
    """The outcome of a request for a picture."""

    FOUND = "found"
    MISSING = "missing"
    """There is no such picture, or it can't be fetched at the moment."""
    BUSY = "busy"
    """The picture is being fetched, or too many others are. It should be requested again in a second."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small copy of a picture as JPEG. Without the state FOUND, the content is empty."""

    state: State
    content: bytes = b""
    key: str = ""


class _FetchError(Exception):
    """The picture can't be fetched. It is not asked for again for `seconds`."""

    def __init__(self, reason: str, seconds: float, *, is_of_host: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.seconds, self.is_of_host = reason, seconds, is_of_host


def thumbnail(address: str, size: Size, *, seconds: float = FETCH_SECONDS) -> Thumbnail:
    """Return the small copy of the picture with this address on the site. Fetch it within `seconds` if necessary."""
    if not address:
        return Thumbnail(State.MISSING)
    try:
        url = source_url(address)
    except SourceRefusedError as refusal:
        disk_cache.store_failure(SITE, str(refusal), KEEP_SITE_FAILURE)
        return Thumbnail(State.MISSING)
    key = disk_cache.key_of(url)
    if (content := disk_cache.read(key, size)) is not None:
        return Thumbnail(State.FOUND, content, key)
    if disk_cache.failure(key) or disk_cache.failure(_host_key(url)):
        return Thumbnail(State.MISSING, key=key)
    with ExitStack() as locks:
        slots = (f"fetch-{number}" for number in range(FETCHES_AT_ONCE))
        is_free = locks.enter_context(disk_cache.lock(f"picture-{key[:2]}"))
        if not is_free or not any(locks.enter_context(disk_cache.lock(slot)) for slot in slots):
            return Thumbnail(State.BUSY, key=key)
        if (content := disk_cache.read(key, size)) is not None:  # another process has fetched it in the meantime
            return Thumbnail(State.FOUND, content, key)
        return _fetch(url, key, size, seconds)


def thumbnails_within(addresses: Iterable[str], size: Size, *, seconds: float) -> dict[str, bytes]:
    """Return the small copies of these pictures that are stored, or that can be fetched within `seconds` in all."""
    deadline = time.monotonic() + seconds
    found: dict[str, bytes] = {}
    for address in dict.fromkeys(addresses):
        left = deadline - time.monotonic()
        if (content := thumbnail(address, size, seconds=left).content if left > 0 else stored(address, size)) != b"":
            found[address] = content
    return found


def stored(address: str, size: Size) -> bytes:
    """Return the small copy if it is in the cache, otherwise an empty value."""
    try:
        return disk_cache.read(disk_cache.key_of(source_url(address)), size) or b""
    except SourceRefusedError:
        return b""


def _fetch(url: str, key: str, size: Size, seconds: float) -> Thumbnail:
    try:
        answer = _download(url, seconds)
        made = dict(zip(SIDES, read_thumbnails(answer.content, list(SIDES.values())), strict=True))
    except UnreadablePictureError:
        disk_cache.store_failure(key, gettext("the file is not a picture"), KEEP_MISSING)
    except _FetchError as error:
        disk_cache.store_failure(key, error.reason, error.seconds)
        if error.is_of_host:
            disk_cache.store_failure(_host_key(url), error.reason, KEEP_DOWN)
            disk_cache.store_failure(SITE, error.reason, KEEP_SITE_FAILURE)
    else:
        disk_cache.store(key, {str(name): content for name, content in made.items()})
        disk_cache.store(SITE, {})
        return Thumbnail(State.FOUND, made[size], key)
    return Thumbnail(State.MISSING, key=key)


def _download(url: str, seconds: float) -> Download:
    """Return the response with the picture. Redirects may only lead to hosts that may be asked."""
    deadline = time.monotonic() + seconds
    for _turn in range(MOST_REDIRECTS + 1):
        try:
            answer = get_file(url, timeout=max(deadline - time.monotonic(), 0.1), max_bytes=MOST_BYTES)
        except TooLargeError:
            raise _FetchError(gettext("the file is too large"), KEEP_MISSING) from None
        except NoAnswerError as error:
            raise _FetchError(str(error), KEEP_BROKEN, is_of_host=True) from None
        if answer.status == 200:
            return answer
        if answer.status in _REDIRECTS and (location := answer.headers.get("Location")):
            try:
                url = source_url(urljoin(url, location))
            except SourceRefusedError as refusal:
                raise _FetchError(str(refusal), KEEP_MISSING) from None
            continue
        raise _FetchError(
            f"HTTP {answer.status}",
            KEEP_MISSING if answer.status in _GONE else KEEP_BROKEN,
            is_of_host=answer.status >= 500 or answer.status == 429,
        )
    raise _FetchError(gettext("the site redirects too often"), KEEP_MISSING)


def _host_key(url: str) -> str:
    return disk_cache.note_key(f"host {urlsplit(url).netloc}")
