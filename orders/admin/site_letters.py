"""A form's warning about texts of which the site can't store all letters or the whole length.

The first save shows the warning, and the second save stores the text here as it is. Without a report of the site, no
warning is shown.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext

from orders.services import current_limits
from orders.sync.site_storage import CP1251, TEXTS, TextLimit, missing_letters

CONFIRMED = "site_letters"
"""The name of the hidden inputs that say which texts the warning was about."""
_SHORT = 200
"""No column of the site is shorter, so a shorter text of ordinary letters needs no query."""
_SHOWN_LETTERS = 20


def warn_of_losses(form: forms.BaseForm, texts: Mapping[str, Any]) -> None:
    """Add an error to each text that the site can't store whole, unless the user has saved it after the warning.

    `texts` are the changed values by the names of their fields.
    """
    doubtful = {
        name: text
        for name, text in texts.items()
        if name in TEXTS and isinstance(text, str) and (len(text) > _SHORT or missing_letters(text, CP1251))
    }
    if not doubtful:
        return
    limits = current_limits()
    data: Any = form.data
    confirmed = set(data.getlist(CONFIRMED) if hasattr(data, "getlist") else data.get(CONFIRMED, ()))
    for name, text in doubtful.items():
        warning = _warning(text, limits.of(name))
        digest = hashlib.sha256(f"{name}\0{text}".encode()).hexdigest()[:32]
        if warning and digest not in confirmed:
            form.add_error(
                name,
                format_html('{} <input type="hidden" name="{}" value="{}">', warning, CONFIRMED, digest),
            )


def _warning(text: str, limit: TextLimit) -> str:
    parts = []
    letters = missing_letters(text, limit.charset) if limit.charset else ""
    if letters:
        parts.append(
            gettext("The site can't store these characters: %(letters)s.")
            % {"letters": " ".join(letters[:_SHOWN_LETTERS]) + ("…" if len(letters) > _SHOWN_LETTERS else "")}
        )
    kept = limit.cut(text)
    if kept != text:
        parts.append(
            gettext("The site stores only the first %(kept)d of %(all)d characters.")
            % {"kept": len(kept), "all": len(text)}
        )
    if parts:
        parts.append(gettext("Here the text is kept whole. Save again to keep it so."))
    return " ".join(parts)
