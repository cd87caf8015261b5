"""Texts for staff about what the site can't store."""

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from orders.presentation.timeline import field_label
from orders.sync.site_storage import CP1251, PRICE, QUANTITY, UTF8MB3, SiteLimits

CHARSETS = {
    CP1251: _("no Kazakh letters (ә, ғ, қ, ң, ө, ұ, ү, һ) and no emoji"),
    UTF8MB3: _("no emoji and other characters of four bytes"),
}


def limits_lines(limits: SiteLimits) -> list[str]:
    """Return what the site can't store, one sentence for each limit that staff can meet."""
    by_charset: dict[str, list[str]] = {}
    lengths: list[str] = []
    for name, limit in sorted(limits.texts.items()):
        by_charset.setdefault(limit.charset, []).append(field_label(name))
        if limit.length is not None:
            unit = gettext("bytes") if limit.is_in_bytes else gettext("characters")
            lengths.append(f"{field_label(name)} {limit.length} {unit}")
    lines = [
        gettext("%(what)s: %(fields)s") % {"what": CHARSETS[charset], "fields": ", ".join(names)}
        for charset, names in by_charset.items()
        if charset in CHARSETS
    ]
    if lengths:
        lines.append(gettext("longest texts: %(lengths)s") % {"lengths": ", ".join(lengths)})
    if {PRICE, QUANTITY} <= limits.decimals.keys():
        lines.append(
            gettext("decimals: prices %(price)d, quantities %(quantity)d")
            % {"price": limits.decimals[PRICE], "quantity": limits.decimals[QUANTITY]}
        )
    return lines
