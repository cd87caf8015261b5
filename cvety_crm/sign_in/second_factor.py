"""The second factor: the codes of an authenticator app (TOTP, RFC 6238) and the recovery codes.

The app and the CRM compute each code from a shared key and the time. A code is accepted up to half a minute early or
late, and only once. The key is stored as it is, because it is needed for each check. Recovery codes have 74 random
bits, so their hash needs no salt and no slow function.
"""

import secrets
from base64 import b32decode, b32encode
from hashlib import sha256
from time import time
from urllib.parse import quote

import segno
from django.db import transaction
from django.utils.safestring import SafeString, mark_safe
from django_otp.oath import TOTP

from cvety_crm.models import RecoveryCode, SecondFactor, User

ISSUER = "Cvety CRM"
STEP = 30  # seconds
TOLERANCE = 1  # steps
DIGITS = 6
RECOVERY_CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that look alike
_GROUPS, _GROUP = 3, 5


def new_secret() -> str:
    """Return a new key in base 32. It has 160 bits, as RFC 4226 recommends."""
    return b32encode(secrets.token_bytes(20)).decode()


def key_in_groups(secret: str) -> str:
    """Return the key as it is typed by hand, in groups of four letters."""
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))


def qr_code(secret: str, username: str) -> SafeString:
    """Return the QR code that an app reads, as SVG for a page."""
    label = quote(f"{ISSUER}:{username}")
    uri = f"otpauth://totp/{label}?secret={secret}&issuer={quote(ISSUER)}&digits={DIGITS}&period={STEP}"
    # The image has a white ground, because many apps can't read a code on a dark page.
    image = segno.make(uri, error="m", micro=False).svg_inline(scale=4, border=3, dark="#000", light="#fff")
    return mark_safe(image)  # noqa: S308 - segno makes it of the text


def matching_step(secret: str, code: str) -> int | None:
    """Return the time step to which a code of the app belongs, or None if it is wrong or too old."""
    digits = "".join(code.split())
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    totp = TOTP(b32decode(secret), step=STEP, digits=DIGITS)
    totp.time = time()
    return totp.t() if totp.verify(int(digits), tolerance=TOLERANCE) else None


def has_second_factor(user: User) -> bool:
    """Return whether the user signs in with a second factor."""
    return SecondFactor.objects.filter(user=user).exists()


def accept_code(user: User, code: str) -> bool:
    """Return whether this is a valid code of the user's app that was not used before. It can't be used again."""
    factor = SecondFactor.objects.filter(user=user).first()
    step = matching_step(factor.secret, code) if factor is not None else None
    if factor is None or step is None:
        return False
    # Of two requests with the same code, the condition lets only one change the row.
    return SecondFactor.objects.filter(pk=factor.pk, last_step__lt=step).update(last_step=step) == 1


def accept_recovery_code(user: User, code: str) -> bool:
    """Return whether this is an unused recovery code of the user. It can't be used again."""
    deleted, _ = RecoveryCode.objects.filter(user=user, digest=_digest(code)).delete()
    return deleted == 1


def looks_like_recovery_code(code: str) -> bool:
    """Return whether the text has the length of a recovery code, and not that of a code of the app."""
    return len(_plain(code)) == _GROUPS * _GROUP


def recovery_codes_left(user: User) -> int:
    """Return the number of recovery codes that the user has not used yet."""
    return RecoveryCode.objects.filter(user=user).count()


@transaction.atomic
def turn_on(user: User, secret: str, step: int) -> list[str]:
    """Store the key, whose code of this step has just been entered. Return the recovery codes, to be shown once."""
    SecondFactor.objects.update_or_create(user=user, defaults={"secret": secret, "last_step": step})
    return new_recovery_codes(user)


@transaction.atomic
def turn_off(user: User) -> bool:
    """Delete the key and the recovery codes of the user. Return whether there was a key."""
    RecoveryCode.objects.filter(user=user).delete()
    deleted, _ = SecondFactor.objects.filter(user=user).delete()
    return bool(deleted)


@transaction.atomic
def new_recovery_codes(user: User) -> list[str]:
    """Replace the recovery codes of the user. Return the new ones, to be shown once."""
    codes = [_new_code() for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.filter(user=user).delete()
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=_digest(code)) for code in codes)
    return codes


def _new_code() -> str:
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))


def _plain(code: str) -> str:
    return "".join(letter for letter in code[:60].lower() if letter.isalnum())


def _digest(code: str) -> str:
    return sha256(_plain(code).encode()).hexdigest()
