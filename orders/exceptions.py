"""Exceptions that services raise."""


class NotAllowedError(Exception):
    """An error for a change that the rules forbid.

    The message is for staff, or for the customer if the customer made the change. `field` is the name of the field that
    the message is about, or an empty string.
    """

    def __init__(self, message: str = "", *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class StorageFullError(NotAllowedError):
    """An error for a file that does not fit on the disk. Nothing of it is kept."""
