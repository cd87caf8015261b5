"""The printed documents and the paper sizes in which each is printed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise  # the stubs are not installed in production


class Paper(TextChoices):
    """A document that can be printed."""

    WORK_ORDER = "work_order", _("Work order")
    ROUTE_SHEET = "route_sheet", _("Route sheet")
    POSTCARD = "postcard", _("Postcard")


@dataclass(frozen=True, slots=True)
class PaperFormat:
    """A paper size, in millimetres. `height` is None for a roll, which the printer cuts after the text."""

    name: str
    label: "StrOrPromise"
    width: int
    height: int | None

    @property
    def is_roll(self) -> bool:
        """Return whether the paper is a roll for a thermal printer (one colour, 203 dots per inch)."""
        return self.height is None


A4 = PaperFormat("a4", "A4", 210, 297)
A5 = PaperFormat("a5", "A5", 148, 210)
A6 = PaperFormat("a6", "A6", 105, 148)
SMALL_CARD = PaperFormat("card", _("100 × 70 mm"), 100, 70)
ROLL = PaperFormat("roll", _("80 mm"), 80, None)

FORMATS: dict[Paper, tuple[PaperFormat, ...]] = {
    Paper.WORK_ORDER: (A5, ROLL),
    Paper.ROUTE_SHEET: (A4,),
    Paper.POSTCARD: (A6, SMALL_CARD, ROLL),
}
"""The paper sizes of each document. The usual size is the first one."""


def format_label(name: str) -> str:
    """Return the label of a size, or its name if the size is no longer in use."""
    sizes = {size.name: size.label for sizes in FORMATS.values() for size in sizes}
    return str(sizes.get(name, name))


def find_format(paper: Paper, name: str) -> PaperFormat | None:
    """Return the size with this name, or None if this document is not printed in this size."""
    return next((size for size in FORMATS[paper] if size.name == name), None)
