"""Find code outside the services of `orders` that writes its tables."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cvety_crm.dev.write_check import rules
from cvety_crm.dev.write_check.inference import Scope, bind, inside_comprehension
from cvety_crm.dev.write_check.kinds import Kind, Shape
from cvety_crm.dev.write_check.models import last_name
from cvety_crm.dev.write_check.project import Function, Module, Project, classes_of, read_project
from cvety_crm.dev.write_check.sql import write_pattern, written_table

BRANCHES = (ast.If, ast.Try, ast.While, ast.For, ast.AsyncFor, ast.Match)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One write outside the services."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def find_writes(root: Path) -> list[Finding]:
    """Return the writes in the project below `root` that are not in its services."""
    project = read_project(root)
    pattern = write_pattern(project.models.tables.values()) if project.models.tables else None
    found: set[Finding] = set()
    for module in project.modules.values():
        if not module.path.startswith(f"{rules.SERVICES}/"):
            found.update(_Checker(project, module).findings())
            if pattern is not None:
                found.update(_raw_sql(module, pattern))
    return sorted(found)


def _raw_sql(module: Module, pattern: re.Pattern[str]) -> Iterator[Finding]:
    nodes = list(ast.walk(module.tree))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.expr) and id(node) not in docstrings and (table := written_table(pattern, _text(node))):
            yield Finding(module.path, node.lineno, f"SQL writes the table {table}")


def _text(node: ast.expr) -> str:
    """Return the value of a string constant, with `x` in place of each unknown part of an f-string."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "x" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


@dataclass(slots=True)
class _Checker:
    """The check of one module, statement by statement."""

    project: Project
    module: Module
    found: list[Finding] = field(default_factory=list)
    scope: Scope = field(init=False)
    depth: int = 0
    """The number of branches and loops around the statement."""

    def findings(self) -> list[Finding]:
        """Return the writes of the module."""
        self.scope = Scope(self.project, self.module)
        self._visit_all(self.module.tree.body)
        for node in classes_of(self.module):
            self._admin_saves(node)
        return self.found

    def _visit_all(self, nodes: list[Any]) -> None:
        for node in nodes:
            self._visit(node)

    def _visit(self, node: ast.AST) -> None:
        rule = _VISITS.get(type(node))
        if rule is not None:
            rule(self, node)
        elif isinstance(node, BRANCHES):
            self._branches(node)
        else:
            self._visit_all(list(ast.iter_child_nodes(node)))

    def _note(self, node: ast.expr, kind: Kind, name: str) -> None:
        if kind.model in rules.WRITTEN_BY_OUTBOX and self.module.path.startswith(f"{rules.OUTBOX}/"):
            return
        self.found.append(Finding(self.module.path, node.lineno, f"{kind.model}: `{name}` outside {rules.SERVICES}"))

    # --- expressions

    def _attribute(self, node: ast.Attribute) -> None:
        self._visit(node.value)
        kind = self.scope.kind(node.value)
        if kind is not None and kind.writes(node.attr):
            self._note(node, kind, node.attr)

    def _call(self, node: ast.Call) -> None:
        self._visit_all(list(ast.iter_child_nodes(node)))
        if last_name(node.func) in ("getattr", "methodcaller", "attrgetter") and len(node.args) >= 2:
            kind, name = self.scope.kind(node.args[0]), node.args[1]
            if kind is not None and isinstance(name, ast.Constant) and kind.writes(str(name.value)):
                self._note(node, kind, str(name.value))

    def _comprehension(self, node: Any) -> None:
        outer, self.scope = self.scope, inside_comprehension(self.scope, node.generators)
        self._visit_all(list(ast.iter_child_nodes(node)))
        self.scope = outer

    def _lambda(self, node: ast.Lambda) -> None:
        names = dict(self.scope.names)
        for argument in node.args.args:
            self.scope.names[argument.arg] = None
        self._visit(node.body)
        self.scope.names = names

    # --- statements

    def _assign(self, node: ast.Assign) -> None:
        self._visit(node.value)
        for target in node.targets:
            self._bind(target, self.scope.kind(node.value))

    def _annotated_assign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._visit(node.value)
        self._bind(node.target, self.project.annotated(self.module, node.annotation) or self.scope.kind(node.value))

    def _named(self, node: ast.NamedExpr) -> None:
        self._visit(node.value)
        self._bind(node.target, self.scope.kind(node.value))

    def _bind(self, target: ast.expr, kind: Kind | None) -> None:
        bind(self.scope, target, kind, is_certain=not self.depth)

    def _branches(self, node: Any) -> None:
        self.depth += 1
        if isinstance(node, ast.For | ast.AsyncFor):
            self._visit(node.iter)
            kind = self.scope.kind(node.iter)
            self._bind(node.target, kind.element if kind is not None else None)
        # The nodes are visited twice, because the end of a loop may assign a name that its start uses.
        for _round in range(2):
            self._visit_all(list(ast.iter_child_nodes(node)))
        self.depth -= 1

    def _function(self, node: Function) -> None:
        self._visit_all(node.decorator_list)
        outer, depth = self.scope, self.depth
        self.scope = Scope(self.project, self.module, outer.owner, dict(outer.names), outer.own)
        self.depth = 0
        arguments = node.args
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            self.scope.names[argument.arg] = self.project.annotated(self.module, argument.annotation)
        if arguments.vararg is not None:
            kind = self.project.annotated(self.module, arguments.vararg.annotation)
            self.scope.names[arguments.vararg.arg] = kind.of(Shape.MANY) if kind is not None else None
        self._visit_all(node.body)
        self.scope, self.depth = outer, depth

    def _class(self, node: ast.ClassDef) -> None:
        outer = self.scope
        self.scope = Scope(self.project, self.module, f"{outer.owner}{node.name}.", dict(outer.names))
        # The body is visited twice, because a method may use an attribute that `__init__` assigns further below.
        for _round in range(2):
            self._visit_all(node.body)
            self.scope.own |= {
                name: kind for name, kind in self.scope.names.items() if kind and name not in outer.names
            }
        self.scope = outer

    # --- admin pages

    def _admin_saves(self, node: ast.ClassDef) -> None:
        """Note `super().save_model(…)` and similar calls on a page whose model is not in `EDITED_IN_ADMIN`."""
        models = self._registered(node)
        is_of_orders = self.module.name.startswith(f"{rules.APP_LABEL}.")
        if models <= rules.EDITED_IN_ADMIN and (models or not is_of_orders):
            return
        for part in ast.walk(node):
            if isinstance(part, ast.Attribute) and part.attr in rules.ADMIN_WRITES and _is_super(part.value):
                self._note(part, Kind(Shape.FORM, ", ".join(sorted(models)) or node.name), f"super().{part.attr}")

    def _registered(self, node: ast.ClassDef) -> set[str]:
        """Return the models of `orders` for which the admin class is registered."""
        calls = [part for part in node.decorator_list if isinstance(part, ast.Call)]
        everywhere = (call for call in ast.walk(self.module.tree) if isinstance(call, ast.Call))
        calls += [call for call in everywhere if any(last_name(argument) == node.name for argument in call.args)]
        scope = Scope(self.project, self.module)
        arguments = (argument for call in calls if last_name(call.func) == "register" for argument in call.args)
        kinds = (scope.kind(argument) for argument in arguments)
        return {kind.model for kind in kinds if kind is not None and kind.shape is Shape.MODEL}


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and last_name(node.func) == "super"


_VISITS: dict[type[Any], Callable[[_Checker, Any], None]] = {
    ast.Attribute: _Checker._attribute,
    ast.Call: _Checker._call,
    ast.ListComp: _Checker._comprehension,
    ast.SetComp: _Checker._comprehension,
    ast.GeneratorExp: _Checker._comprehension,
    ast.DictComp: _Checker._comprehension,
    ast.Lambda: _Checker._lambda,
    ast.Assign: _Checker._assign,
    ast.AnnAssign: _Checker._annotated_assign,
    ast.NamedExpr: _Checker._named,
    ast.FunctionDef: _Checker._function,
    ast.AsyncFunctionDef: _Checker._function,
    ast.ClassDef: _Checker._class,
}
