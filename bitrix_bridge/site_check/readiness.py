"""Check whether the site is ready, by the state of its webhooks in `ping` and by the lists in `reference`."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext

from bitrix_bridge.payloads.dates import read_clock
from bitrix_bridge.site_check.comparison import Difference, Kind
from bitrix_bridge.site_check.side_state import rows, whole_number

MINIMUM = (1, 2)
AGENT_LATE = timedelta(minutes=10)
QUEUE_LATE_SECONDS = 300


def bridge_version(answer: Mapping[str, Any]) -> str:
    """Return the bridge's version from the response to a `ping`, or an empty string if the response has no version."""
    versions = answer.get("versions")
    return str(versions.get("bridge") or "")[:20] if isinstance(versions, Mapping) else ""


def is_recent(version: str) -> bool:
    """Return whether a bridge of this version can be checked. Earlier versions can't delete the test order."""
    match = re.match(r"(\d{1,4})\.(\d{1,4})", version)
    return match is not None and (int(match[1]), int(match[2])) >= MINIMUM


def check_ping(answer: Mapping[str, Any], now: datetime) -> Iterator[Difference]:
    """Yield the differences that prevent webhooks of the site, or will prevent them."""
    versions = answer.get("versions")
    for name in ("bridge", "sale", "main", "php"):
        if not (isinstance(versions, Mapping) and versions.get(name)):
            yield Difference(Kind.MISSING, f"versions.{name}")
    if answer.get("webhook_installed") is not True:
        hint = gettext("the line in init.php is missing, or the address or the token is empty")
        yield Difference(Kind.SETTING, "webhook_installed", False, True, hint)
        return
    if answer.get("agent_installed") is False:
        hint = gettext("the site's agent that repeats webhooks is missing")
        yield Difference(Kind.SETTING, "agent_installed", False, True, hint)
    yield from _agent_differences(answer, now)
    if number := whole_number(answer.get("queue_failed")) or 0:
        yield Difference(Kind.SETTING, "queue_failed", number, 0, _last_error(answer))
    if (seconds := whole_number(answer.get("queue_age_seconds")) or 0) > QUEUE_LATE_SECONDS:
        yield Difference(Kind.SETTING, "queue_age_seconds", seconds, 0, _last_error(answer))


def _agent_differences(answer: Mapping[str, Any], now: datetime) -> Iterator[Difference]:
    # A newly created agent has not run yet.
    last = read_clock(answer.get("agent_last_run")).value if answer.get("agent_last_run") else None
    if last is not None and now - last > AGENT_LATE:
        minutes = int((now - last).total_seconds() // 60)
        hint = gettext("the site's agents do not run: the last run was %(minutes)d min ago") % {"minutes": minutes}
        yield Difference(Kind.SETTING, "agent_last_run", str(answer["agent_last_run"]), None, hint)


def _last_error(answer: Mapping[str, Any]) -> str:
    return str(answer.get("last_error") or "")


def check_reference(site: Mapping[str, Any], expected: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield a difference for each list that is missing or empty, and for each column that is missing in a list."""
    for name, wanted in expected.items():
        if name == "success":
            continue
        if name not in site:
            yield Difference(Kind.MISSING, name)
            continue
        theirs = rows(site[name])
        if not theirs:
            yield Difference(Kind.SETTING, name, 0, None, gettext("the list is empty"))
            continue
        lacking = set(rows(wanted)[0]) - set(theirs[0])
        for column in sorted(lacking):
            yield Difference(Kind.MISSING, f"{name}.{column}")
