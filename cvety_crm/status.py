"""How the health of the system is told: in words, in the admin, and to programs that watch it."""

from django.utils.translation import gettext

from cvety_crm.health import Level

MARKS = {Level.GREEN: "✔", Level.YELLOW: "▲", Level.RED: "✖"}
"""Signs that differ without their colours."""


def headline(level: Level) -> str:
    """Return the overall status in the shop's own words."""
    return {
        Level.GREEN: gettext("SYSTEM STATUS: ALL SYSTEMS WORK"),
        Level.YELLOW: gettext("SYSTEM STATUS: THERE ARE REMARKS"),
        Level.RED: gettext("SYSTEM STATUS: THERE ARE PROBLEMS"),
    }[level]
