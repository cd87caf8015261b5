"""The refusals of the sandbox, independent of the interface (bridge, REST, page) that answers."""

from __future__ import annotations

from typing import Any


class SiteError(Exception):
    """A refusal of the site.

    `http_status` is the status of the bridge's answer, and `code` is a stable code for programs. `step` names the part
    of the work that was refused, such as request, order, status, basket or properties. `current` is the order's present
    state if a comparison failed, otherwise None.
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
    """Return the refusal of a malformed request, with HTTP status 400."""
    return SiteError(400, code, message, step)


def not_found(what: object) -> SiteError:
    """Return the refusal for an order that the site does not have, with HTTP status 404."""
    return SiteError(404, "order_not_found", f"Order {what} does not exist", "order")


def archived(what: object) -> SiteError:
    """Return the refusal for an order that was moved to the site's archive, not deleted, with HTTP status 404."""
    return SiteError(404, "order_archived", f"Order {what} is in the archive", "order")


def invalid(code: str, message: str, step: str) -> SiteError:
    """Return the refusal of a well-formed request that the site cannot execute, with HTTP status 422."""
    return SiteError(422, code, message, step)
