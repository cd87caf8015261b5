"""Read the modules of the project, and index their imports, annotations, forms and admin pages."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cvety_crm.dev.write_check import rules
from cvety_crm.dev.write_check.annotations import annotated_kind
from cvety_crm.dev.write_check.kinds import Kind, Shape
from cvety_crm.dev.write_check.models import Models, assigned, inner_class, last_name, read_models

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(slots=True)
class Module:
    """One source file."""

    name: str
    path: str
    tree: ast.Module
    imports: dict[str, str] = field(default_factory=dict)
    """The full dotted name by the name that the module imports."""


@dataclass(slots=True)
class Project:
    """All modules, and an index of their definitions."""

    modules: dict[str, Module]
    models: Models
    returns: dict[str, Kind] = field(default_factory=dict)
    """The kind of the return value by the dotted name of the function or method."""
    attributes: dict[str, Kind] = field(default_factory=dict)
    """The kind of an attribute by its name alone: annotations, properties and foreign keys of any class."""
    form_classes: dict[str, str] = field(default_factory=dict)
    """The model by the dotted name of a ModelForm or of an inline's formset."""

    def full_name(self, module: Module, name: str) -> str:
        """Return the dotted name of the definition of a name, even if the name is re-exported."""
        head, _, rest = name.partition(".")
        full = module.imports.get(head, f"{module.name}.{head}") + (f".{rest}" if rest else "")
        return self._follow(full)

    def instance_kind(self, module: Module, name: str) -> Kind | None:
        """Return the kind of an instance of the named class, or None if the class is neither a model nor a form."""
        full = self.full_name(module, name)
        if (model := self.model_named(full)) is not None:
            return Kind(Shape.ROW, model)
        return Kind(Shape.FORM, self.form_classes[full]) if full in self.form_classes else None

    def annotated(self, module: Module, node: ast.expr | None) -> Kind | None:
        """Return the kind of a value with this annotation."""
        return annotated_kind(node, lambda name: self.instance_kind(module, name))

    def model_named(self, full: str) -> str | None:
        """Return the name of the model class with this dotted name, or None if the name is not a model of `orders`."""
        package, _, name = full.rpartition(".")
        inside = package == rules.MODELS_PACKAGE or package.startswith(f"{rules.MODELS_PACKAGE}.")
        return name if inside and name in self.models.tables else None

    def _follow(self, full: str, depth: int = 5) -> str:
        package, _, name = full.rpartition(".")
        module = self.modules.get(package)
        if depth and module is not None and name in module.imports and module.imports[name] != full:
            return self._follow(module.imports[name], depth - 1)
        return full


def read_project(root: Path) -> Project:
    """Return the project below `root`."""
    modules = {module.name: module for module in _modules(root)}
    package = rules.MODELS_PACKAGE
    trees = [module.tree for name, module in modules.items() if name == package or name.startswith(f"{package}.")]
    project = Project(modules=modules, models=read_models(trees))
    for name, (model, is_one) in project.models.reverse.items():
        project.attributes[name] = Kind(Shape.ROW if is_one else Shape.QUERYSET, model, is_related=not is_one)
    for name, model in project.models.forward.items():
        project.attributes[name] = Kind(Shape.ROW, model)
    for module in modules.values():
        for node, owner in _definitions(module.tree.body):
            _index(project, module, node, owner)
    return project


def classes_of(module: Module) -> Iterator[ast.ClassDef]:
    """Yield the top-level classes of a module."""
    return (node for node in module.tree.body if isinstance(node, ast.ClassDef))


def _modules(root: Path) -> Iterator[Module]:
    for package in rules.SCANNED:
        for file in sorted((root / package).rglob("*.py")):
            path = file.relative_to(root)
            if "migrations" in path.parts:
                continue
            parts = path.with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            module = Module(name, path.as_posix(), ast.parse(file.read_text(encoding="utf-8"), filename=str(file)))
            is_package = parts[-1] == "__init__"
            module.imports = dict(_imports(module, is_package))
            yield module


def _imports(module: Module, is_package: bool) -> Iterator[tuple[str, str]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else (alias.name.split(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom):
            source = _import_source(module.name, is_package, node)
            yield from ((alias.asname or alias.name, f"{source}.{alias.name}") for alias in node.names)


def _import_source(name: str, is_package: bool, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = name.split(".")
    base = parts[: len(parts) - node.level + is_package]
    return ".".join([*base, *([node.module] if node.module else [])])


def _definitions(body: list[ast.stmt], owner: str = "") -> Iterator[tuple[ast.stmt, str]]:
    for node in body:
        yield node, owner
        if isinstance(node, ast.ClassDef):
            yield from _definitions(node.body, f"{owner}{node.name}.")


def _index(project: Project, module: Module, node: ast.stmt, owner: str) -> None:
    if isinstance(node, Function):
        if (kind := project.annotated(module, node.returns)) is not None:
            project.returns[f"{module.name}.{owner}{node.name}"] = kind
            if owner and any("property" in last_name(part) for part in node.decorator_list):
                project.attributes.setdefault(node.name, kind)
    elif isinstance(node, ast.AnnAssign):
        kind = project.annotated(module, node.annotation)
        if owner and kind is not None and isinstance(node.target, ast.Name):
            project.attributes.setdefault(node.target.id, kind)
    elif isinstance(node, ast.ClassDef):
        _index_class(project, module, node)


def _index_class(project: Project, module: Module, node: ast.ClassDef) -> None:
    of_form = project.model_named(project.full_name(module, last_name(inner_class(node, "Meta").get("model")) or "-"))
    if of_form is not None:
        project.form_classes[f"{module.name}.{node.name}"] = of_form
    own = dict(assigned(node.body))
    of_inline = project.model_named(project.full_name(module, last_name(own.get("model")) or "-"))
    if of_inline is not None and (formset := last_name(own.get("formset"))):
        project.form_classes[project.full_name(module, formset)] = of_inline
    for name, value in own.items():
        if isinstance(value, ast.Call) and last_name(value.func) in ("ForeignKey", "OneToOneField") and value.args:
            target = project.model_named(_target(project, module, value.args[0]))
            if target is not None:
                project.attributes.setdefault(name, Kind(Shape.ROW, target))


def _target(project: Project, module: Module, node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        app, _, name = str(node.value).rpartition(".")
        return f"{rules.MODELS_PACKAGE}.{name}" if app == rules.APP_LABEL else ""
    return project.full_name(module, last_name(node) or "-")
