"""Report errors to Sentry, if `SENTRY_DSN` is set. A report contains no secrets and no data about people.

A report has the error, its traceback without the values of variables, the path of the request without its query, and
the correlation id. All texts are masked.
"""

from collections.abc import Mapping
from typing import Any

import sentry_sdk
from sentry_sdk.types import Breadcrumb, Event, Hint

from cvety_crm.correlation import current_id
from cvety_crm.masking import mask, mask_phones

MOST_BREADCRUMBS = 20
_REQUEST = ("method", "url")
"""What is reported of a request. Headers, cookies, the query and the body may be about people."""


def start_reporting(dsn: str, *, environment: str) -> None:
    """Report each unhandled exception, and each log record of the level ERROR, from now on."""
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=MOST_BREADCRUMBS,
        before_send=scrub,
        before_breadcrumb=scrub_breadcrumb,
    )


def scrub(event: Event, _hint: Hint) -> Event | None:
    """Return the report without data about people and without secrets."""
    found: dict[str, Any] = dict(event)
    request = found.get("request")
    if isinstance(request, Mapping):
        found["request"] = {name: request[name] for name in _REQUEST if name in request}
    found.pop("user", None)
    if correlation_id := current_id():
        found["tags"] = {**(found.get("tags") or {}), "correlation_id": correlation_id}
    scrubbed: Event = _masked(found)
    return scrubbed


def scrub_breadcrumb(crumb: Breadcrumb, _hint: Hint) -> Breadcrumb | None:
    """Return what happened before an error, masked. SQL statements are left out."""
    if crumb.get("category") == "query":
        return None
    masked: Breadcrumb = _masked(dict(crumb))
    return masked


def _masked(value: Any) -> Any:
    """Return a JSON value in which all texts are masked, also the keys of objects."""
    if isinstance(value, str):
        return mask_phones(mask(value))
    if isinstance(value, Mapping):
        return {_masked(key): _masked(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(one) for one in value]
    return value
