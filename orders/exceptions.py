"""Exceptions that services raise."""


class NotAllowedError(Exception):
    """A change that the rules forbid. The message is for staff; `field` is the field that it is about, if any."""

    def __init__(self, message: str = "", *, field: str = "") -> None:
        super().__init__(message)
        self.field = field
