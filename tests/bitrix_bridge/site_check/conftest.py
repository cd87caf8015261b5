"""Fixtures of a sandbox whose responses a test can change, and of the steps of a site check against it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bitrix_bridge.sandbox import Sandbox
from bitrix_bridge.site_check import cleanup, webhook_arrival
from bitrix_bridge.site_check.calls import SiteBridge
from bitrix_bridge.site_check.step_runner import Mark, Result, StepRunner

Answer = tuple[int, dict[str, Any]]
Change = Callable[[dict[str, Any], int, dict[str, Any]], Answer | None]


class ChangedBridge:
    """The sandbox's bridge with changed responses.

    A change is called with the request, the status and the response. It modifies the response or returns a different
    one.
    """

    def __init__(self, bridge: Any) -> None:
        self._bridge = bridge
        self.changes: list[tuple[str, Callable[[dict[str, Any]], bool], Change]] = []
        self.instead: list[tuple[str, Callable[[dict[str, Any]], bool], Callable[[dict[str, Any]], Answer]]] = []

    def answer(self, request: dict[str, Any]) -> Answer:
        for action, fits, answer in self.instead:
            if request.get("action") == action and fits(request):
                return answer(request)
        return self.honest(request)

    def honest(self, request: dict[str, Any]) -> Answer:
        status, said = copy.deepcopy(self._bridge.answer(request))
        for action, fits, change in self.changes:
            if request.get("action") == action and fits(request):
                status, said = change(request, status, said) or (status, said)
        return status, said


@pytest.fixture(autouse=True)
def _no_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "RETRY_DELAYS", (0.0, 0.0))
    monkeypatch.setattr(webhook_arrival, "WAIT_SECONDS", 0.0)


@pytest.fixture
def site(settings: Any) -> Iterator[Sandbox]:
    """Yield a sandbox to which the settings of the CRM point. It sends webhooks to an address without a server."""
    with Sandbox(webhook_url="http://127.0.0.1:9/", api_token=settings.BITRIX_API_TOKEN) as sandbox:
        settings.BITRIX_API_URL = sandbox.bridge_url
        yield sandbox


@pytest.fixture
def changed_bridge(site: Sandbox) -> ChangedBridge:
    """Return the site's bridge, whose responses a test can change."""
    site.server.bridge = ChangedBridge(site.server.bridge)  # type: ignore[assignment]
    return site.server.bridge  # type: ignore[return-value]


@pytest.fixture
def alter(changed_bridge: ChangedBridge) -> Callable[..., None]:
    """Return a function that changes the responses to an action, for the requests that `fits` accepts."""

    def alter(action: str, change: Change, fits: Callable[[dict[str, Any]], bool] = lambda _request: True) -> None:
        changed_bridge.changes.append((action, fits, change))

    return alter


@pytest.fixture
def replace(changed_bridge: ChangedBridge) -> Callable[..., None]:
    """Return a function that replaces the sandbox's response to an action.

    The replacement may call `changed_bridge.honest` or change the site.
    """

    def replace(
        action: str,
        answer: Callable[[dict[str, Any]], Answer],
        fits: Callable[[dict[str, Any]], bool] = lambda _request: True,
    ) -> None:
        changed_bridge.instead.append((action, fits, answer))

    return replace


@pytest.fixture
def run_steps(site: Sandbox) -> Callable[[], dict[str, Result]]:
    """Return a function that runs all steps and returns their results by the keys of the steps."""

    def run_steps() -> dict[str, Result]:
        one = StepRunner(SiteBridge())
        one.run()
        return {result.key: result for result in one.results}

    return run_steps


def differing(results: dict[str, Result]) -> list[str]:
    """Return the keys of the steps that were not as expected."""
    return [key for key, result in results.items() if result.mark is not Mark.AS_EXPECTED]


def of_step(key: str) -> Callable[[dict[str, Any]], bool]:
    """Return a filter that accepts only the update request of this step."""
    return lambda request: str(request.get("event_id", "")).endswith(f"-{key}")
