"""A bridge of the sandbox with a chosen version. A test can add values to its responses."""

from collections.abc import Callable
from typing import Any

from bitrix_bridge.sandbox import Sandbox
from bitrix_bridge.site_client.bridge_client import known_endpoints

Answer = dict[str, Any]


class ScriptedBridge:
    """A bridge that responds like the bridge of `version`, with the values that a test adds."""

    def __init__(self, sandbox: Sandbox, version: str) -> None:
        self._original, self._site, self.version = sandbox.server.bridge, sandbox.site, version
        self._done: set[str] = set()
        self._changes: list[tuple[str, Callable[[Answer, Answer], Answer]]] = []
        sandbox.server.bridge = self  # type: ignore[assignment]  # it has the bridge's methods
        known_endpoints.clear()

    def say(self, action: str, *, times: int = 1, **more: Any) -> None:
        """Add values to the next `times` responses to an action."""
        self._changes += [(action, lambda _request, answer: {**answer, **more})] * times

    def answer(self, request: Any) -> tuple[int, Answer]:
        """Return the status code of the response to a request, and the response."""
        action = request.get("action", "order.create")
        expected = request.get("expected_status_id")
        if action == "order.update" and expected is not None and request["event_id"] not in self._done:
            order = self._site.order(int(request["order_id"]))
            if order["STATUS_ID"] not in (expected, request["fields"]["STATUS_ID"]):
                error = {"code": "status_conflict", "message": "another status", "step": "status"}
                current = {"status_id": order["STATUS_ID"], "version": int(order["VERSION"])}
                return 409, {"success": False, "error": error, "current": current}
        code, answer = self._original.answer(request)
        if code == 200 and request.get("event_id"):
            self._done.add(request["event_id"])
        if action == "ping":
            answer["versions"] = {**answer["versions"], "bridge": self.version}
        for position, (wanted, change) in enumerate(self._changes):
            if wanted == action and code == 200:
                del self._changes[position]
                return code, change(request, answer)
        return code, answer
