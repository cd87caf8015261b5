"""Read the models of `orders` from their source."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cvety_crm.dev.write_check import rules

RELATIONS = ("ForeignKey", "OneToOneField", "ManyToManyField")
FILES = ("FileField", "ImageField")
BASES = ("Table", "Model", "LongRun", "OutboxEntry", "DeliveryAttempt")


@dataclass(slots=True)
class Models:
    """The names, tables and relations of the models."""

    tables: dict[str, str] = field(default_factory=dict)
    """The table of each model by the model's name."""
    reverse: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """The model by the `related_name`, and whether the relation returns one row."""
    forward: dict[str, str] = field(default_factory=dict)
    """The model by the name of a foreign key to it."""
    files: set[str] = field(default_factory=set)
    """Names of file fields."""


def last_name(node: ast.expr | None) -> str:
    """Return `Order` for `Order`, `models.Order` and `Order[int]`, or an empty string for other expressions."""
    if isinstance(node, ast.Subscript):
        return last_name(node.value)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def assigned(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names that statements assign, with their values."""
    for statement in body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            yield statement.targets[0].id, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value and isinstance(statement.target, ast.Name):
            yield statement.target.id, statement.value


def inner_class(node: ast.ClassDef, name: str) -> dict[str, ast.expr]:
    """Return the names and values that the inner class assigns."""
    inner = (part for part in node.body if isinstance(part, ast.ClassDef) and part.name == name)
    return {key: value for part in inner for key, value in assigned(part.body)}


def read_models(trees: Iterable[ast.Module]) -> Models:
    """Return the models that these modules define."""
    classes = {node.name: node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}
    found = Models()
    for name, node in classes.items():
        meta = inner_class(node, "Meta")
        if _is_model(name, classes) and not _is_true(meta.get("abstract")):
            found.tables[name] = _text(meta.get("db_table")) or f"{rules.APP_LABEL}_{name.lower()}"
    for name in found.tables:
        for ancestor in _with_ancestors(name, classes):
            _read_fields(found, name, classes[ancestor])
    return found


def _with_ancestors(name: str, classes: dict[str, ast.ClassDef]) -> Iterator[str]:
    yield name
    for base in classes[name].bases:
        if (parent := last_name(base)) in classes:
            yield from _with_ancestors(parent, classes)


def _is_model(name: str, classes: dict[str, ast.ClassDef]) -> bool:
    ancestors = _with_ancestors(name, classes)
    return any(last_name(base) in BASES for ancestor in ancestors for base in classes[ancestor].bases)


def _read_fields(found: Models, model: str, node: ast.ClassDef) -> None:
    for name, value in assigned(node.body):
        kind = last_name(value.func) if isinstance(value, ast.Call) else ""
        if kind in FILES:
            found.files.add(name)
        if isinstance(value, ast.Call) and kind in RELATIONS:
            _read_relation(found, model, name, value)


def _read_relation(found: Models, model: str, name: str, call: ast.Call) -> None:
    is_one = last_name(call.func) == "OneToOneField"
    related = next((_text(keyword.value) for keyword in call.keywords if keyword.arg == "related_name"), "")
    related = related or (model.lower() if is_one else f"{model.lower()}_set")
    if not related.endswith("+"):
        found.reverse[related] = (model, is_one)
    target = relation_target(call)
    if target in found.tables:
        found.forward[name] = target


def relation_target(call: ast.Call) -> str:
    """Return the name of the model that a relation refers to, or an empty string for a model of another app."""
    to = next((keyword.value for keyword in call.keywords if keyword.arg == "to"), call.args[0] if call.args else None)
    if isinstance(to, ast.Constant):
        app, _, name = str(to.value).rpartition(".")
        return name if app in ("", rules.APP_LABEL) else ""
    return last_name(to)


def _text(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True
