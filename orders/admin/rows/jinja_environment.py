"""The environment of the Jinja2 templates (templates/jinja2).

The rows of the order list are rendered by Jinja2, which compiles a template to Python: Django's own template language
took a quarter of the processor time of a page. Each cell is a macro (`orders.admin.rows.cell_macros`). All other
templates are Django's.
"""

from typing import Any

from django.utils.translation import gettext
from jinja2 import Environment

from orders.templatetags.pictures import picture


def environment(**options: Any) -> Environment:
    """Return the environment. `_` translates, and `picture` is the template tag of the same name."""
    del options["autoescape"]  # Django's default is the same
    found = Environment(**options, autoescape=True, lstrip_blocks=True)
    found.globals.update({"_": gettext, "picture": picture})
    return found
