"""The languages in which the shop writes to people."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

_KAZAKH_LETTERS = frozenset("әғқңөұүһі")
"""Letters that Kazakh has and Russian lacks."""


class Language(TextChoices):
    """The language of a message."""

    RUSSIAN = "ru", _("Russian")
    KAZAKH = "kk", _("Kazakh")


def language_of(text: str) -> Language:
    """Return Kazakh if the text contains a letter that Russian lacks, and Russian otherwise."""
    return Language.RUSSIAN if _KAZAKH_LETTERS.isdisjoint(text.lower()) else Language.KAZAKH
