"""Tests of the font of icons: it has the icons that the styles of django-unfold show."""

import re

import pytest
from fontTools.ttLib import TTFont

from cvety_crm.dev.fonts import TARGET, UNFOLD, _ligatures

STYLES = (UNFOLD / "static" / "unfold" / "css" / "styles.css").read_text()


@pytest.fixture(scope="module")
def icons() -> set[str]:
    """Return the words that the font shows as icons."""
    return set(_ligatures(TTFont(TARGET / "icons.woff2")))


@pytest.mark.parametrize("name", sorted(set(re.findall(r'content:"([a-z_]{3,})"', STYLES))))
def test_font_has_the_icons_of_the_styles(icons: set[str], name: str) -> None:
    # For example, the button beside a date showed the word "calendar_today" instead of an icon.
    assert name in icons
