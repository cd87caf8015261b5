"""The actions of the PHP bridge, without HTTP. Each receives a JSON object with an `action` and returns an answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from .basket import RequestedLine, requested_lines
from .bridge_changes import BridgeChange
from .column_storage import TEXTS
from .columns import column_value
from .creation import requested_properties
from .errors import SiteError, bad_request, invalid
from .mails import CHECK_PREFIX
from .order_draft import Draft
from .payments import mark_unpaid
from .properties import properties_of
from .request_report import RequestReport
from .site import Site
from .values import ALMATY, identity, text_of

Answer = dict[str, Any]

LIST_LIMIT = 100
LIST_LIMIT_MOST = 500

VERSIONS = {"bridge": "1.2", "sale": "25.0.200", "main": "25.550.0", "php": "8.2.0"}


def error_answer(error: SiteError) -> Answer:
    """Return a refusal in the bridge's format.

    If a comparison of the status failed, the answer also contains `current`.
    """
    answer: Answer = {
        "success": False,
        "error": {"code": error.code, "message": error.message, "step": error.step},
    }
    if error.current is not None:
        answer["current"] = error.current
    return answer


class Bridge:
    """The actions of the endpoint for one site.

    `queue_length` returns the number of pending webhooks, or None if no webhooks are sent. `pending_deletion` returns
    the id of the deleted order with the given XML_ID if the webhook of its deletion is still pending, otherwise 0.
    """

    def __init__(
        self,
        site: Site,
        queue_length: Callable[[], int | None],
        pending_deletion: Callable[[str], int] = lambda _xml_id: 0,
        *,
        legacy: bool = False,
        version: str = VERSIONS["bridge"],
    ) -> None:
        """Create the endpoint in one of its versions.

        If `legacy` is true, the endpoint is the one that the live site has today: it only creates orders, ignores
        `action` and `xml_id`, and sends no webhook. If `version` is "1.1", the endpoint is the previous bridge: its
        update does not compare statuses, its warnings are strings, and one refused part makes it refuse the whole
        request.
        """
        self._site = site
        self._queue_length = queue_length
        self._pending_deletion = pending_deletion
        self._legacy = legacy
        self._version = version
        self._is_older = version == "1.1"
        self._actions: dict[str, Callable[[Answer], Answer]] = {
            "order.create": self._create,
            "order.status": self._status,
            "order.update": self._update,
            "order.delete": self._delete,
            "order.get": self._get,
            "order.list": self._list,
            "reference": self._reference,
            "ping": self._ping,
        }

    def answer(self, request: object) -> tuple[int, Answer]:
        """Return the HTTP status and the answer to a request whose token was already checked."""
        if self._legacy:
            return self._legacy_answer(request)
        try:
            if not isinstance(request, dict):
                raise bad_request("bad_request", "The request must be a JSON object")
            # A body without an action is a create request in the format of the live endpoint.
            action = request.get("action", "order.create")
            handler = self._actions.get(action) if isinstance(action, str) else None
            if handler is None:
                raise bad_request("unknown_action", f"Unknown action {action!r}")
            return 200, {"success": True, **handler(request)}
        except SiteError as error:
            return error.http_status, error_answer(error)

    def _legacy_answer(self, request: object) -> tuple[int, Answer]:
        known = {key: value for key, value in request.items() if key != "xml_id"} if isinstance(request, dict) else {}
        try:
            # The legacy endpoint inserts with raw SQL, so no Bitrix event fires and no webhook is sent.
            created = self._site.create_order(known, origin="bridge", silent=True)
        except SiteError as error:
            return 200, {"success": False, "error": error.message}
        return 200, {
            "success": True,
            "order_id": int(created.order["ID"]),
            "order_number": created.order["ACCOUNT_NUMBER"],
        }

    def _create(self, request: Answer) -> Answer:
        xml_id = request.get("xml_id")
        if isinstance(xml_id, str) and (deleted := self._pending_deletion(xml_id)):
            return {**_not_created_answer(deleted), "deleted": True}
        report = self._new_report()
        outcome = self._site.create_order(request, origin="bridge", report=report)
        if outcome.is_archived:
            return {**_not_created_answer(int(outcome.order["ID"])), "archived": True}
        if not outcome.created:
            # If the first answer was lost, the CRM does not know what the site refused, so check the properties again.
            draft = self._site.empty_draft()
            for code, value in requested_properties(request).items():
                report.try_property(draft, code, value)
        held: Answer = {}
        if outcome.created:  # staff of the site may have changed an order that existed before
            held = self._held(outcome.order, _texts_of(request), requested_properties(request), report)
        return {
            "order_id": int(outcome.order["ID"]),
            "order_number": outcome.order["ACCOUNT_NUMBER"],
            "version": int(outcome.order["VERSION"]),
            "created": outcome.created,
            **report.as_answer(),
            **held,
        }

    def _status(self, request: Answer) -> Answer:
        order_id = identity(request.get("order_id"), "order_id")
        report = self._new_report()
        with self._site.lock:
            before = self._site.order(order_id)
            order = self._site.change_status(
                order_id,
                request.get("status_id") or "",
                expected=request.get("expected_status_id") or None,
                origin="bridge",
            )
        if order["STATUS_ID"] != before["STATUS_ID"]:
            report.warn_marked(order)
        return {"order_id": order_id, "version": int(order["VERSION"]), **report.as_answer()}

    def _update(self, request: Answer) -> Answer:
        given = request.get("fields") or {}
        if not isinstance(given, dict):
            raise bad_request("bad_fields", "fields must be an object")
        order_id = identity(request.get("order_id"), "order_id")
        fields = {column: column_value(column, value) for column, value in given.items()}
        properties = properties_of(request.get("properties"))
        event_id = text_of(request.get("event_id"))
        if not re.fullmatch(r"[A-Za-z0-9-]{0,64}", event_id):
            raise bad_request("bad_event_id", "event_id must be letters, digits and hyphens")
        expected = "" if self._is_older else text_of(request.get("expected_status_id"))
        with self._site.lock:
            draft = self._site.open_order(order_id)
            done = self._site.done(event_id)
            if done is not None:
                return {"order_id": order_id, "repeated": True, **done}
            if "STATUS_ID" in fields:
                self._site.compare(draft.order, fields["STATUS_ID"], expected)
            lines = requested_lines(request["items"]) if request.get("items") is not None else None
            answer = self._changed(draft, fields, properties, lines)
            self._site.store_answer(event_id, answer)
        return {"order_id": order_id, "repeated": False, **answer}

    def _changed(self, draft: Draft, fields: Answer, properties: Answer, lines: list[RequestedLine] | None) -> Answer:
        report = self._new_report()
        BridgeChange(draft, report).run(fields, properties, lines)
        if draft.is_changed:
            report.warn_account_transfer(draft)
            self._site.save(draft, "bridge")
            report.warn_marked(draft.order)
        held = self._held(self._site.order(int(draft.order["ID"])), fields, properties, report)
        return {"version": int(draft.order["VERSION"]), **report.as_answer(), **held}

    def _held(self, order: Answer, fields: Answer, properties: Answer, report: RequestReport) -> Answer:
        """Return the texts that the site has stored in a different form. A bridge before 1.2 does not report them."""
        if self._is_older:
            return {}
        refused = {row["what"] for row in report.refused}
        asked = {f"fields.{name}": (value, order[name]) for name, value in fields.items() if name in TEXTS}
        for code, value in properties.items():
            asked[f"properties.{code}"] = (value, order["properties"].get(code, value))
        held = [
            {"what": what, "value": stored}
            for what, (value, stored) in asked.items()
            if what not in refused and isinstance(value, str) and isinstance(stored, str) and stored != value
        ]
        return {"held": held} if held else {}

    def _new_report(self) -> RequestReport:
        return TextRequestReport() if self._is_older else RequestReport()

    def _delete(self, request: Answer) -> Answer:
        """Delete an order that the site check created. The CRM deletes no other order on the site."""
        order_id = identity(request.get("order_id"), "order_id")
        with self._site.lock:
            draft = self._site.open_order(order_id)
            if not draft.order["XML_ID"].startswith(CHECK_PREFIX):
                message = "CRM удаляет на сайте только заказ, который создала её проверка"
                raise invalid("not_a_check", message, "delete")
            mark_unpaid(draft)
            self._site.save(draft, "bridge")
            self._site.delete_order(order_id, origin="bridge")
        return {"order_id": order_id, "deleted": True}

    def _get(self, request: Answer) -> Answer:
        if request.get("order_id"):
            return {"order": self._site.order(identity(request["order_id"], "order_id"))}
        if request.get("xml_id"):
            return {"order": self._site.order_by_xml_id(str(request["xml_id"]))}
        raise bad_request("bad_id", "order_id or xml_id is needed")

    def _list(self, request: Answer) -> Answer:
        limit = min(identity(request.get("limit") or LIST_LIMIT, "limit"), LIST_LIMIT_MOST)
        after_id = identity(request.get("after_id") or 0, "after_id", zero=True)
        # One row more than the limit is read, to find out whether there is a next page.
        with_archived = bool(request.get("archived")) and not self._is_older
        since = _moment(request.get("since"))
        rows = self._site.changed(since, after_id, limit + 1, with_archived=with_archived)
        next_after_id = rows[limit - 1]["order_id"] if len(rows) > limit else None
        return {"orders": rows[:limit], "next_after_id": next_after_id}

    def _reference(self, request: Answer) -> Answer:
        return dict(self._site.reference())

    def _ping(self, request: Answer) -> Answer:
        waiting = self._queue_length()
        versions = {**VERSIONS, "bridge": self._version}
        pong = {"versions": versions, "webhook_installed": waiting is not None, "queue_length": waiting or 0}
        return pong if self._is_older else {**pong, "storage": self._site.storage.report()}


def _texts_of(request: Answer) -> Answer:
    """Return the text columns of a create request."""
    names = {"comment": "USER_DESCRIPTION", "courier_comment": "COMMENTS"}
    return {column: text_of(request[key]) for key, column in names.items() if request.get(key) is not None}


def _not_created_answer(order_id: int) -> Answer:
    """Return the answer to a create request for an order that is in the archive or was deleted."""
    return {"order_id": order_id, "order_number": str(order_id), "version": 0, "created": False}


class TextRequestReport(RequestReport):
    """The report of a bridge before 1.2.

    Its warnings are strings. If one part of a request is refused, the whole request is refused.
    """

    def as_answer(self) -> Answer:
        """Return the messages of the warnings."""
        return {"warnings": [warning["message"] for warning in self.warnings]} if self.warnings else {}

    def refuse(self, what: list[str], refusal: SiteError) -> None:
        """Refuse the whole request by raising `refusal`."""
        raise refusal


def _moment(since: object) -> float | None:
    """Return `since` in unix seconds, or None if `since` is empty.

    `since` is a number of unix seconds or an ISO 8601 datetime; a naive datetime is in Asia/Almaty. Raise `SiteError`
    400 if `since` is neither of them.
    """
    if since in (None, ""):
        return None
    try:
        if isinstance(since, (int, float)):
            return datetime.fromtimestamp(since, ALMATY).timestamp()
        moment = datetime.fromisoformat(str(since))
        return (moment if moment.tzinfo else moment.replace(tzinfo=ALMATY)).timestamp()
    except (ValueError, OverflowError, OSError):
        raise bad_request("bad_since", "since must be unix seconds or an ISO 8601 time") from None
