"""A stand-in site whose answers a test can spoil, and the check of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bitrix_bridge.sandbox import Sandbox
from bitrix_bridge.site_check import arrival, cleanup
from bitrix_bridge.site_check.calls import SiteBridge
from bitrix_bridge.site_check.walk import Mark, Result, Walk

Answer = tuple[int, dict[str, Any]]
Change = Callable[[dict[str, Any], int, dict[str, Any]], Answer | None]


class SpoiledBridge:
    """The stand-in's bridge, with other answers where a test wants them.

    A change gets the request, the status and the answer; it changes the answer, or returns another one.
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
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "PAUSES", (0.0, 0.0))
    monkeypatch.setattr(arrival, "WAIT_SECONDS", 0.0)


@pytest.fixture
def site(settings: Any) -> Iterator[Sandbox]:
    """A stand-in site that the CRM is configured for; it announces to an address at which no one listens."""
    with Sandbox(webhook_url="http://127.0.0.1:9/", api_token=settings.BITRIX_API_TOKEN) as sandbox:
        settings.BITRIX_API_URL = sandbox.bridge_url
        yield sandbox


@pytest.fixture
def spoiled(site: Sandbox) -> SpoiledBridge:
    """Let the site's answers be spoilt."""
    bridge = SpoiledBridge(site.server.bridge)
    site.server.bridge = bridge  # type: ignore[assignment]  # it has the bridge's methods
    return bridge


@pytest.fixture
def spoil(spoiled: SpoiledBridge) -> Callable[..., None]:
    """Change the answers to an action, those to the requests that `fits` chooses."""

    def spoil(action: str, change: Change, fits: Callable[[dict[str, Any]], bool] = lambda _request: True) -> None:
        spoiled.changes.append((action, fits, change))

    return spoil


@pytest.fixture
def replace(spoiled: SpoiledBridge) -> Callable[..., None]:
    """Answer an action without asking the stand-in: the answer may call `spoiled.honest` or change the site."""

    def replace(
        action: str,
        answer: Callable[[dict[str, Any]], Answer],
        fits: Callable[[dict[str, Any]], bool] = lambda _request: True,
    ) -> None:
        spoiled.instead.append((action, fits, answer))

    return replace


@pytest.fixture
def walk(site: Sandbox) -> Callable[[], dict[str, Result]]:
    """Do all steps; return their results by key."""

    def walk() -> dict[str, Result]:
        one = Walk(SiteBridge())
        one.run()
        return {result.key: result for result in one.results}

    return walk


def differing(results: dict[str, Result]) -> list[str]:
    """The steps that were not as expected."""
    return [key for key, result in results.items() if result.mark is not Mark.AS_EXPECTED]


def of_step(key: str) -> Callable[[dict[str, Any]], bool]:
    """Choose the update of this step."""
    return lambda request: str(request.get("event_id", "")).endswith(f"-{key}")
