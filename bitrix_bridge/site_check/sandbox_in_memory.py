"""The expected answers: a sandbox in memory, which gets the same requests."""

from bitrix_bridge.sandbox.bridge import Bridge
from bitrix_bridge.sandbox.site import Site
from bitrix_bridge.site_check.calls import Reply, Request

PAY_SYSTEM, DELIVERY = 1, 1
"""The ids of the sandbox, which replace those of the site."""


class SandboxInMemory:
    """A site that contains only the test order."""

    def __init__(self) -> None:
        self._requests: list[Request] = []
        self._bridge = self._new_bridge()

    def send(self, request: Request) -> Reply:
        """Return the sandbox's answer to a request."""
        self._requests.append(request)
        return Reply(*self._bridge.answer(request))

    def undo(self) -> None:
        """Undo the last request, because the site refused it."""
        self._bridge = self._new_bridge()
        self._requests.pop()
        # Ids are counted, so the same requests create the same orders.
        for request in self._requests:
            self._bridge.answer(request)

    def _new_bridge(self) -> Bridge:
        return Bridge(Site(), queue_length=lambda: 0)
