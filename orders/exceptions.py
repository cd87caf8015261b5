"""Errors of the domain."""


class NotAllowedError(Exception):
    """The change is against the rules; the text is for the manager.

    `field` is the one that it is about, where it is about one.
    """

    def __init__(self, message: str = "", *, field: str = "") -> None:
        super().__init__(message)
        self.field = field
