"""Infer the kind of an expression from the names in its scope."""

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from cvety_crm.dev.write_check import rules
from cvety_crm.dev.write_check.annotations import dotted_name
from cvety_crm.dev.write_check.kinds import Kind, Shape
from cvety_crm.dev.write_check.models import last_name
from cvety_crm.dev.write_check.project import Module, Project

MANAGERS = frozenset({"objects", "_default_manager", "_base_manager"})
CONTAINERS = frozenset(
    {"chain", "enumerate", "filter", "frozenset", "iter", "list", "reversed", "set", "sorted", "tuple", "zip"}
)
PICKS = frozenset({"max", "min", "next"})
COPIES = frozenset({"copy", "deepcopy"})
FACTORIES = frozenset({"formset_factory", "inlineformset_factory", "modelform_factory", "modelformset_factory"})


@dataclass(slots=True)
class Scope:
    """The local variables of one function, with the kind of value that each contains."""

    project: Project
    module: Module
    owner: str = ""
    """The class that contains the function, as a prefix such as `Board.`."""
    names: dict[str, Kind | None] = field(default_factory=dict)
    own: dict[str, Kind] = field(default_factory=dict)
    """Attributes of `self`."""

    def kind(self, node: ast.expr | None) -> Kind | None:
        """Return the kind of the expression, or None if it has no relation to a model of `orders`."""
        rule = _RULES.get(type(node))
        return rule(self, node) if rule is not None else None

    def first(self, nodes: Iterable[ast.expr]) -> Kind | None:
        """Return the first known kind of these expressions, or None if no kind is known."""
        return next((kind for node in nodes if (kind := self.kind(node)) is not None), None)


def _name(scope: Scope, node: ast.Name) -> Kind | None:
    return scope.names[node.id] if node.id in scope.names else _defined(scope, node.id)


def _defined(scope: Scope, name: str) -> Kind | None:
    full = scope.project.full_name(scope.module, name)
    if (model := scope.project.model_named(full)) is not None:
        return Kind(Shape.MODEL, model)
    if (model := scope.project.form_classes.get(full)) is not None:
        return Kind(Shape.FORM_CLASS, model)
    return None


def _attribute(scope: Scope, node: ast.Attribute) -> Kind | None:
    if last_name(node.value) in ("self", "cls") and node.attr in scope.own:
        return scope.own[node.attr]
    base = scope.kind(node.value)
    if base is not None:
        return _attribute_of(scope, base, node.attr)
    dotted = dotted_name(node)
    if dotted and (found := _defined(scope, dotted)) is not None:
        return found
    guess = scope.project.attributes.get(node.attr)
    # The new kind is not related: the object is unknown, so `add` and `remove` may be methods of a set.
    return Kind(guess.shape, guess.model) if guess is not None else None


def _attribute_of(scope: Scope, base: Kind, name: str) -> Kind | None:
    if base.shape is Shape.MODEL and name in MANAGERS:
        return base.of(Shape.QUERYSET)
    if base.shape is Shape.ROW and name in scope.project.models.files:
        return base.of(Shape.FILE)
    if base.shape is Shape.FORM and name == "instance":
        return base.of(Shape.ROW)
    if base.shape in (Shape.QUERYSET, Shape.MANY):
        return None
    return scope.project.attributes.get(name)


def _call(scope: Scope, node: ast.Call) -> Kind | None:
    name = last_name(node.func)
    if name == "get_model":
        return _looked_up(scope, node)
    if isinstance(node.func, ast.Attribute) and (base := scope.kind(node.func.value)) is not None:
        return base.called(name)
    called = scope.kind(node.func)
    if called is not None and called.shape in (Shape.MODEL, Shape.FORM_CLASS):
        return called.of(Shape.ROW if called.shape is Shape.MODEL else Shape.FORM)
    return _returned(scope, node) or _library_call(scope, node, name)


def _looked_up(scope: Scope, node: ast.Call) -> Kind | None:
    app, _, name = ".".join(str(part.value) for part in node.args if isinstance(part, ast.Constant)).rpartition(".")
    return Kind(Shape.MODEL, name) if app == rules.APP_LABEL and name in scope.project.models.tables else None


def _returned(scope: Scope, node: ast.Call) -> Kind | None:
    name = dotted_name(node.func)
    head, _, method = name.partition(".")
    if head in ("self", "cls") and method:
        return scope.project.returns.get(f"{scope.module.name}.{scope.owner}{method}")
    return scope.project.returns.get(scope.project.full_name(scope.module, name)) if name else None


def _library_call(scope: Scope, node: ast.Call, name: str) -> Kind | None:
    if name == "cast" and len(node.args) == 2:
        return scope.project.annotated(scope.module, node.args[0])
    if name in FACTORIES and node.args:
        known = scope.kind(node.args[-1]) or scope.kind(node.args[0])
        return known.of(Shape.FORM_CLASS) if known is not None else None
    found = scope.first(node.args)
    if found is None or name in COPIES:
        return found
    if name == "get_object_or_404" or name in PICKS:
        return found.of(Shape.ROW)
    return found.of(Shape.MANY) if name in CONTAINERS or name == "get_list_or_404" else None


def _subscript(scope: Scope, node: ast.Subscript) -> Kind | None:
    base = scope.kind(node.value)
    if base is None:
        return None
    return base if isinstance(node.slice, ast.Slice) else base.element


def _comprehension(scope: Scope, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Kind | None:
    found = inside_comprehension(scope, node.generators).kind(node.elt)
    return found.of(Shape.MANY) if found is not None and found.shape is Shape.ROW else None


def _dict_comprehension(scope: Scope, node: ast.DictComp) -> Kind | None:
    found = inside_comprehension(scope, node.generators).kind(node.value)
    return found.of(Shape.MANY) if found is not None and found.shape is Shape.ROW else None


def _display(scope: Scope, node: ast.List | ast.Tuple | ast.Set) -> Kind | None:
    found = scope.first(part.value if isinstance(part, ast.Starred) else part for part in node.elts)
    return found.of(Shape.MANY) if found is not None and found.shape in (Shape.ROW, Shape.MANY) else None


def inside_comprehension(scope: Scope, generators: list[ast.comprehension]) -> Scope:
    """Return a copy of the scope that also contains the variables of a comprehension."""
    inner = Scope(scope.project, scope.module, scope.owner, dict(scope.names), scope.own)
    for generator in generators:
        kind = inner.kind(generator.iter)
        bind(inner, generator.target, kind.element if kind is not None else None)
    return inner


def bind(scope: Scope, target: ast.expr, kind: Kind | None, *, is_certain: bool = True) -> None:
    """Set the kind of a target. In a branch, an unknown value does not replace a kind from another branch."""
    if isinstance(target, ast.Name):
        if kind is not None or is_certain:
            scope.names[target.id] = kind
    elif isinstance(target, ast.Attribute) and last_name(target.value) == "self":
        if kind is not None:
            scope.own[target.attr] = kind
    elif isinstance(target, ast.Starred):
        bind(scope, target.value, kind, is_certain=is_certain)
    elif isinstance(target, ast.Tuple | ast.List):
        part = kind.element or kind if kind is not None else None
        for each in target.elts:
            bind(scope, each, part, is_certain=is_certain)


_RULES: dict[type[Any], Callable[[Scope, Any], Kind | None]] = {
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.Subscript: _subscript,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _dict_comprehension,
    ast.List: _display,
    ast.Tuple: _display,
    ast.Set: _display,
    ast.Await: lambda scope, node: scope.kind(node.value),
    ast.Starred: lambda scope, node: scope.kind(node.value),
    ast.NamedExpr: lambda scope, node: scope.kind(node.value),
    ast.IfExp: lambda scope, node: scope.kind(node.body) or scope.kind(node.orelse),
    ast.BoolOp: lambda scope, node: scope.first(node.values),
    ast.BinOp: lambda scope, node: scope.kind(node.left) or scope.kind(node.right),
}
