"""The kinds of expressions that have a relation to a model of `orders`."""

from dataclasses import dataclass
from enum import Enum, auto

from cvety_crm.dev.write_check import rules


class Shape(Enum):
    """How an expression refers to rows of a model."""

    MODEL = auto()
    QUERYSET = auto()
    ROW = auto()
    MANY = auto()
    """Rows in a Python container or an iterator."""
    FORM_CLASS = auto()
    FORM = auto()
    FILE = auto()
    """A file field of a row."""


WRITES = {
    Shape.MODEL: rules.ROW_WRITES,
    Shape.QUERYSET: rules.QUERYSET_WRITES,
    Shape.ROW: rules.ROW_WRITES,
    Shape.FORM_CLASS: rules.FORM_WRITES,
    Shape.FORM: rules.FORM_WRITES,
    Shape.FILE: rules.FILE_WRITES,
}


@dataclass(frozen=True, slots=True)
class Kind:
    """The relation of an expression to a model. If `is_related` is true, it can also add and remove rows."""

    shape: Shape
    model: str
    is_related: bool = False

    def of(self, shape: Shape) -> "Kind":
        """Return a kind with the same model and this shape."""
        return Kind(shape, self.model)

    @property
    def element(self) -> "Kind | None":
        """Return the kind of the elements in an iteration, or None if an iteration is not possible."""
        return self.of(Shape.ROW) if self.shape in (Shape.QUERYSET, Shape.MANY) else None

    def writes(self, name: str) -> bool:
        """Return whether the attribute of this name writes rows."""
        return name in WRITES.get(self.shape, ()) or (self.is_related and name in rules.RELATED_WRITES)

    def called(self, method: str) -> "Kind | None":
        """Return the kind of the value that the method returns, or None if it is not known."""
        if self.shape is Shape.QUERYSET:
            return self._called_on_queryset(method)
        if self.shape is Shape.MANY:
            return self.of(Shape.ROW) if method in ("get", "pop") else self
        return None

    def _called_on_queryset(self, method: str) -> "Kind | None":
        if method in rules.QUERYSET_OTHER:
            return None
        if method in rules.QUERYSET_ROWS:
            return self.of(Shape.ROW)
        return self.of(Shape.MANY if method in rules.QUERYSET_MANY else Shape.QUERYSET)
