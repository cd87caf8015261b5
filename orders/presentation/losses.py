"""The reasons why the site holds a value in a different form, as texts for staff."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from orders.sync.site_storage import Loss

LOSSES = {
    Loss.LETTERS: _("it does not have all letters"),
    Loss.LENGTH: _("it cuts long texts"),
    Loss.DECIMALS: _("it rounds"),
    Loss.FORM: _("it changes spaces, line breaks or the format"),
    Loss.OTHER: _("it has changed the value while saving it"),
}


def losses_text(losses: Iterable[str]) -> str:
    """Return the reasons why the site holds a value in a different form. Unknown reasons are left out."""
    known = [LOSSES[Loss(loss)] for loss in losses if loss in set(Loss)]
    return ", ".join(map(str, known or [LOSSES[Loss.OTHER]]))
