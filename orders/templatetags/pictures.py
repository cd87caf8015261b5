"""A template tag for the small picture of a product. It is loaded when it becomes visible, and has a fixed size."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

LARGE_FROM = 81
"""The side in CSS pixels from which the larger copy is used: screens have up to two pixels for a CSS pixel."""


@register.simple_tag
def picture(url: str, side: int = 40) -> SafeString:
    """Return the picture in a square with this side, or an empty square without a URL.

    The picture has no alternative text, because the name of the product stands beside it.
    """
    if not url:
        return format_html('<span class="crm-picture crm-picture-{}"></span>', side)
    source = f"{url}&size=large" if side >= LARGE_FROM else url
    return format_html(
        '<img class="crm-picture crm-picture-{}" src="{}" alt="" width="{}" height="{}" loading="lazy">',
        side, source, side, side,
    )  # fmt: skip
