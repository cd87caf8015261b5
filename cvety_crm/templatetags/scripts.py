"""A template filter that makes the scripts of Django's admin cheaper."""

import re

from django import template
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_SCRIPT = re.compile(r'<script src="([^"]{0,500})"></script>\s{0,100}')
_UNUSED = re.compile(
    r"/admin/js/(?:urlify|prepopulate|prepopulate_init|vendor/xregexp/xregexp(?:\.min)?)\.(?:[0-9a-f]{12}\.)?js$"
)
_SELECT2 = re.compile(r"/vendor/select2/select2\.full\.(?:min\.)?(?:[0-9a-f]{12}\.)?js$")


@register.filter
def deferred(html: str) -> SafeString:
    """Return the HTML with all scripts deferred, so that they do not delay the first picture of the page.

    Deferred scripts run in the same sequence. Scripts that fill one field from another are left out, because no form
    here does that. select2 is kept once: Django's fields and django-unfold's filters each bring their own file.
    """
    has_select2 = False

    def replaced(match: re.Match[str]) -> str:
        nonlocal has_select2
        url = match[1]
        if _UNUSED.search(url):
            return ""
        if _SELECT2.search(url):
            if has_select2:
                return ""
            has_select2 = True
        return f'<script src="{url}" defer></script>\n'

    return mark_safe(_SCRIPT.sub(replaced, html))  # noqa: S308 - the filter only removes and defers scripts
