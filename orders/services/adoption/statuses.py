"""The statuses of the earlier CRM. Its words are the codes of the measured profile, or codes of the site."""

from collections.abc import Mapping

from orders.models import Status
from orders.services.status_profiles import load_profile, read_profile

PROFILE = "measured"


class StatusWords:
    """The translation of the earlier CRM's statuses."""

    def __init__(self, given: Mapping[str, str]) -> None:
        """Take what the owner has decided about other words: a code of a status, or of the site."""
        self._rows = {row.code: row for row in read_profile(PROFILE)}
        self._by_site = {code: row for row in self._rows.values() for code in row.bitrix_codes}
        self._given = {word.strip().lower(): code for word, code in given.items()}

    def unknown_targets(self) -> list[str]:
        """Return the statuses that the owner has named and that do not exist."""
        return sorted(code for code in self._given.values() if self._named(code) is None)

    def status_of(self, word: str) -> Status | None:
        """Return the unsaved status of the profile for an earlier status, or None if it is not known.

        A word that the owner has decided about comes first. The site's codes are case-sensitive.
        """
        word = word.strip()
        given = self._given.get(word.lower())
        return self._named(given) if given is not None else self._named(word)

    def _named(self, word: str) -> Status | None:
        return self._by_site.get(word) or self._rows.get(word.lower()) or self._by_site.get(word.upper())


def load_statuses() -> None:
    """Store the statuses of the profile, which is what the earlier CRM has used, before the first order."""
    load_profile(name=PROFILE, actor=None)
