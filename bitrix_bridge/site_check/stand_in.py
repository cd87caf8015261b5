"""What the site is expected to answer: a stand-in of it in memory, which is sent the same requests."""

from bitrix_bridge.sandbox.bridge import Bridge
from bitrix_bridge.sandbox.site import Site
from bitrix_bridge.site_check.calls import Reply, Request

PAY_SYSTEM, DELIVERY = 1, 1
"""The stand-in's own, in the place of those that the site has."""


class StandIn:
    """A site with nothing in it but what the check has done so far."""

    def __init__(self) -> None:
        self._done: list[Request] = []
        self._bridge = self._fresh()

    def send(self, request: Request) -> Reply:
        """Return its answer."""
        self._done.append(request)
        return Reply(*self._bridge.answer(request))

    def undo(self) -> None:
        """Take the last request back: the site has not done it."""
        self._bridge = self._fresh()
        self._done.pop()
        # Its ids are counted, so the same requests give the same orders.
        for request in self._done:
            self._bridge.answer(request)

    def _fresh(self) -> Bridge:
        return Bridge(Site(), queue_length=lambda: 0)
