"""What the stand-in refuses, in a form that every door (bridge, REST, page) can put in its own words."""

from __future__ import annotations

from typing import Any


class SiteError(Exception):
    """A refusal of the site.

    `http_status` is what the bridge answers with, `code` a stable word for programs, `step` the part of the
    work that refused (request, order, status, basket, properties, ...), `current` the order's present state
    when a comparison failed.
    """

    def __init__(
        self, http_status: int, code: str, message: str, step: str, *, current: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.http_status = http_status
        self.code = code
        self.message = message
        self.step = step
        self.current = current


def bad_request(code: str, message: str, step: str = "request") -> SiteError:
    """A request that cannot be understood: HTTP 400."""
    return SiteError(400, code, message, step)


def not_found(what: object) -> SiteError:
    """An order that the site does not have: HTTP 404."""
    return SiteError(404, "order_not_found", f"Order {what} does not exist", "order")


def archived(what: object) -> SiteError:
    """An order that was moved to the site's archive: HTTP 404, but not deleted."""
    return SiteError(404, "order_archived", f"Order {what} is in the archive", "order")


def invalid(code: str, message: str, step: str) -> SiteError:
    """A request that is understood and cannot be done: HTTP 422."""
    return SiteError(422, code, message, step)
