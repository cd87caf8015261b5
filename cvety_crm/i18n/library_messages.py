"""The messages of libraries that staff can see.

Our message file translates those messages that have no Russian translation.

The command `collect_messages`, which writes the message file, and the test that checks it read this module.
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
"""The names of packages in imports, with their names in requirements."""

UNSEEN_FILES = {
    r"\w+/(.*/)?tests?/": "never run",
    r"django/core/management/": "a developer's terminal",
    r"django/conf/global_settings\.py": "names of languages: the CRM has one, so no page offers a choice",
    r"rest_framework/authtoken/": "not installed",
    r"rest_framework/templates/": "the browsable API is off: answers are JSON only",
    r"rest_framework/schemas/": "the API is described by drf-spectacular",
}
"""Regular expressions for the start of a file's path below site-packages.

The values are the reasons why staff never see messages of these files.
"""

UNSEEN_TEXTS = {
    "\n    OpenApi3 schema for this API. Format can be selected via content negotiation.\n\n"
    "    - YAML: application/vnd.oai.openapi\n    - JSON: application/vnd.oai.openapi+json\n    ": (
        "the schema does not describe itself (SERVE_INCLUDE_SCHEMA)"
    ),
}
"""Single messages of other files. The values are the reasons why staff never see them."""

MISSED_TEXTS = {
    "unfold": ("No", "Welcome", "Yes"),
}
"""Messages that `makemessages` does not find, because xgettext ignores calls inside f-strings.

Our code has no such calls.
"""

CORRECTED_TEXTS = {
    "keeps English words, has a misspelling, and names ways to log in that the CRM lacks": (
        "Whether the user will be able to authenticate using a password or not. If disabled, they may still be able to "
        "authenticate using other backends, such as Single Sign-On or LDAP.",
    ),
    "says that the user has not logged in": ("Logged out",),
    # For example: «Выберите отправка», «Добавить группа», «Заметка был добавлен».
    "treats every name as masculine and does not inflect it": (
        "%(count)s %(name)s was changed successfully.",
        "%(model_name)s with this %(field_label)s already exists.",
        "%(model_name)s with this %(field_labels)s already exists.",
        "%(name)s with ID “%(key)s” doesn’t exist. Perhaps it was deleted?",
        "Add %(name)s",
        "Add %s",
        "Add another %(verbose_name)s",
        "Added {name} “{object}”.",
        'Are you sure you want to delete the %(object_name)s "%(escaped_object)s"? All of the following related items '
        "will be deleted:",
        "Are you sure you want to delete the selected %(objects_name)s? All of the following objects and their related "
        "items will be deleted:",
        "Cannot delete %(name)s",
        "Change %s",
        "Changed {fields} for {name} “{object}”.",
        "Delete selected %(verbose_name_plural)s",
        "Deleted {name} “{object}”.",
        "Deleting the %(object_name)s '%(escaped_object)s' would require deleting the following protected related "
        "objects:",
        "Deleting the %(object_name)s '%(escaped_object)s' would result in deleting related objects, but your account "
        "doesn't have permission to delete the following types of objects:",
        "Deleting the selected %(objects_name)s would require deleting the following protected related objects:",
        "Deleting the selected %(objects_name)s would result in deleting related objects, but your account doesn't "
        "have permission to delete the following types of objects:",
        "Select %s to change",
        "Select %s to view",
        "Select %s",
        "Successfully deleted %(count)d %(items)s.",
        "The %(name)s “%(obj)s” was deleted successfully.",
        "The {name} “{obj}” was added successfully. You may add another {name} below.",
        "The {name} “{obj}” was added successfully.",
        "The {name} “{obj}” was changed successfully. You may add another {name} below.",
        "The {name} “{obj}” was changed successfully. You may edit it again below.",
        "The {name} “{obj}” was changed successfully.",
        "View %s",
    ),
}
"""Messages whose Russian translation in the library is wrong, by the error. Our translations are better."""

_CONTRIB_APP = re.compile(r"(django|unfold)/contrib/(\w+)/")


def is_seen(path: Path) -> bool:
    """Return whether staff can see the messages of a library's file; `path` is relative to site-packages.

    Messages of a contrib app are seen only if the app is installed. Adding the app to INSTALLED_APPS requires their
    translation.
    """
    name = path.as_posix()
    if contrib := _CONTRIB_APP.match(name):
        return apps.is_installed(f"{contrib[1]}.contrib.{contrib[2]}")
    return not any(re.match(unseen, name) for unseen in UNSEEN_FILES)
