"""Which texts of the libraries staff can meet, so that the Russian catalogue holds those that have no Russian.

Read by the command `collect_messages`, which fills the catalogue, and by the test that checks it.
"""

import re
from pathlib import Path

from django.apps import apps

LIBRARIES = {
    "unfold": "django-unfold",
    "django": "django",
    "django_q": "django-q2",
    "rest_framework": "djangorestframework",
    "drf_spectacular": "drf-spectacular",
}
"""Packages as imported, with the names they are installed by."""

UNSEEN_FILES = {
    r"\w+/(.*/)?tests?/": "never run",
    r"django/core/management/": "a developer's terminal",
    r"django/conf/global_settings\.py": "names of languages: the CRM has one, so no page offers a choice",
    r"rest_framework/authtoken/": "not installed",
    r"rest_framework/templates/": "the browsable API is off: answers are JSON only",
    r"rest_framework/schemas/": "the API is described by drf-spectacular",
}
"""Regular expressions that a file's path below site-packages starts with, and why staff never see its texts."""

UNSEEN_TEXTS = {
    "\n    OpenApi3 schema for this API. Format can be selected via content negotiation.\n\n"
    "    - YAML: application/vnd.oai.openapi\n    - JSON: application/vnd.oai.openapi+json\n    ": (
        "the schema does not describe itself (SERVE_INCLUDE_SCHEMA)"
    ),
}
"""Texts in files that are seen otherwise, and why staff never see them."""

CORRECTED_TEXTS: dict[str, str] = {
    "Whether the user will be able to authenticate using a password or not. If disabled, they may still be able to "
    "authenticate using other backends, such as Single Sign-On or LDAP.": (
        "keeps some English, misspelt, and there is no other way in"
    ),
}
"""Texts whose own Russian is wrong where staff meet it, and what is wrong. The catalogue holds a better one."""

_CONTRIB_APP = re.compile(r"(django|unfold)/contrib/(\w+)/")


def is_seen(path: Path) -> bool:
    """Tell whether staff can meet the texts of a library's file, given below site-packages.

    A contrib app counts when it is installed: adding one to INSTALLED_APPS makes its texts due for translation.
    """
    name = path.as_posix()
    if contrib := _CONTRIB_APP.match(name):
        return apps.is_installed(f"{contrib[1]}.contrib.{contrib[2]}")
    return not any(re.match(unseen, name) for unseen in UNSEEN_FILES)
