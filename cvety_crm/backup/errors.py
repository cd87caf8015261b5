"""The error of all steps of a backup."""


class BackupError(Exception):
    """A backup, a restore or a drill has failed. The message is for the owner, and contains no secrets."""
