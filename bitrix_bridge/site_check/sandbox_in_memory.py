"""A sandbox in memory, which receives the same requests as the site and returns the expected responses."""

from bitrix_bridge.sandbox.bridge import Bridge
from bitrix_bridge.sandbox.site import Site
from bitrix_bridge.site_check.calls import Reply, Request

PAY_SYSTEM, DELIVERY = 1, 1
"""The ids in the sandbox, which are used instead of the ids on the site."""


class SandboxInMemory:
    """A sandbox that contains only the test order."""

    def __init__(self) -> None:
        self._requests: list[Request] = []
        self._bridge = self._new_bridge()

    def send(self, request: Request) -> Reply:
        """Return the sandbox's response to a request."""
        self._requests.append(request)
        return Reply(*self._bridge.answer(request))

    def undo(self) -> None:
        """Undo the last request, which the site has refused."""
        self._bridge = self._new_bridge()
        self._requests.pop()
        # The sandbox assigns consecutive ids, so the same requests create orders with the same ids.
        for request in self._requests:
            self._bridge.answer(request)

    def _new_bridge(self) -> Bridge:
        return Bridge(Site(), queue_length=lambda: 0)
