"""Encrypt backups with age, for the keys in BACKUP_RECIPIENTS. Only the owner has the identity that decrypts them."""

from pathlib import Path

import pyrage
from django.conf import settings
from django.utils.translation import gettext

from cvety_crm.backup.errors import BackupError
from cvety_crm.backup.stores import private_file

IDENTITY_PREFIX = "AGE-SECRET-KEY-"


def is_encrypted() -> bool:
    """Return whether new backups are encrypted."""
    return bool(settings.BACKUP_RECIPIENTS)


def encrypt(source: Path, target: Path) -> None:
    """Encrypt a file. Raise `BackupError` if a key is not one of age."""
    try:
        recipients = [pyrage.x25519.Recipient.from_str(key.strip()) for key in settings.BACKUP_RECIPIENTS]
    except pyrage.RecipientError:
        raise BackupError(gettext("BACKUP_RECIPIENTS must be public keys of age (age1…).")) from None
    with source.open("rb") as read, private_file(target) as written:
        pyrage.encrypt_io(read, written, recipients)


def decrypt(source: Path, target: Path, identity: Path | None) -> None:
    """Decrypt a file with the identities in a file. Raise `BackupError` if none of them fits."""
    if identity is None:
        raise BackupError(gettext("The backup is encrypted. Add --identity FILE with the secret key of age."))
    try:
        lines = [line.strip() for line in identity.read_text("utf-8").splitlines()]
        identities = [pyrage.x25519.Identity.from_str(line) for line in lines if line.startswith(IDENTITY_PREFIX)]
        with source.open("rb") as read, private_file(target) as written:
            pyrage.decrypt_io(read, written, identities)
    except (OSError, ValueError, pyrage.IdentityError, pyrage.DecryptError) as error:
        raise BackupError(gettext("The backup can't be decrypted: %(error)s") % {"error": error}) from None
