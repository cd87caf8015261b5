"""Read annotations such as `Order`, `Order | None`, `type[Order]`, `QuerySet[Order]` and `dict[int, Order]`."""

import ast
from collections.abc import Callable

from cvety_crm.dev.write_check.kinds import Kind, Shape
from cvety_crm.dev.write_check.models import last_name

WRAPPERS = frozenset({"Annotated", "Awaitable", "ClassVar", "Coroutine", "Final", "Optional", "Union"})
QUERYSETS = frozenset({"BaseManager", "Manager", "QuerySet", "RelatedManager"})

Resolve = Callable[[str], Kind | None]
"""A function that returns the kind of an instance of the named class."""


def annotated_kind(node: ast.expr | None, resolve: Resolve) -> Kind | None:
    """Return the kind of a value with this annotation."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return annotated_kind(_parsed(node.value), resolve)
    if isinstance(node, ast.BinOp):
        return annotated_kind(node.left, resolve) or annotated_kind(node.right, resolve)
    if isinstance(node, ast.Subscript):
        return _subscripted(node, resolve)
    name = dotted_name(node)
    return resolve(name) if name else None


def dotted_name(node: ast.expr | None) -> str:
    """Return the dotted name of an expression such as `models.Order`, or an empty string for other expressions."""
    if isinstance(node, ast.Attribute):
        head = dotted_name(node.value)
        return f"{head}.{node.attr}" if head else ""
    return node.id if isinstance(node, ast.Name) else ""


def _subscripted(node: ast.Subscript, resolve: Resolve) -> Kind | None:
    generic = last_name(node.value)
    arguments = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    kind = next((found for part in arguments if (found := annotated_kind(part, resolve))), None)
    if kind is None or generic in WRAPPERS:
        return kind
    if generic in ("type", "Type"):
        return kind.of(Shape.MODEL)
    if generic in ("Callable", "Literal"):
        return None
    return kind.of(Shape.QUERYSET if generic in QUERYSETS else Shape.MANY)


def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        return None
