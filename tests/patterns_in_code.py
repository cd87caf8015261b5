"""The regular expressions in the source: Python's, with the methods that are called on them, JavaScript's and PHP's."""

import ast
import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("orders", "bitrix_bridge", "notifications", "cvety_crm")
READ_OWN_FILES = ("cvety_crm/dev/", "cvety_crm/i18n/")
"""Packages that read only files of the project."""
_FLAGS_AT = {"compile": 1, "match": 2, "fullmatch": 2, "search": 2, "findall": 2, "finditer": 2, "split": 3, "sub": 4,
             "subn": 4}  # fmt: skip
_ANY_METHOD = frozenset({"search", "fullmatch", "sub"})
_OTHER_WAYS = {"RegexValidator", "RegexField"}

_IN_SCRIPT = re.compile(r"(?<=[(,=:&|!?] |.[(,=:!])/(?![*/])((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\[\n])+)/([a-z]*)")
_IN_PHP = re.compile(r"preg_\w+\(\s*'(?P<mark>[/~])((?:(?!(?P=mark)).)+)(?P=mark)([a-z]*)'")


@dataclass(frozen=True)
class Found:
    """A regular expression, and where it is. `pattern` is None if it is built from values at run time."""

    where: str
    pattern: re.Pattern[str] | None
    methods: frozenset[str] = _ANY_METHOD


def in_python() -> Iterator[Found]:
    """Yield the regular expressions of all apps."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(READ_OWN_FILES) and "/migrations/" not in name:
                module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
                source = path.read_text()
                if "re." in source or "re_path(" in source:
                    yield from in_module(source, name, vars(importlib.import_module(module)))


def in_module(source: str, name: str, values: Mapping[str, Any]) -> Iterator[Found]:
    """Yield the regular expressions of a module. `values` are the module's names, from which they are computed."""
    tree = ast.parse(source)
    found = list(_calls(tree, name, values))
    known = {one.pattern for one in found}
    others = [
        Found(f"{name}: {variable}", pattern)
        for variable, value in values.items()
        for pattern in _patterns_in(value)
        if pattern not in known
    ]
    # A comprehension of the module builds patterns that cannot be computed alone. They are in the values of the module.
    is_known = {f"{name}: "} if others else set()
    yield from (one for one in found if one.where not in is_known)
    yield from others


def other_ways(source: str) -> set[str]:
    """Return the names in a source by which a regular expression is used without `re.` and the scan does not see it."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module in ("re", "regex"):
            names.add(f"from {node.module} import")
        elif isinstance(node, ast.Import):
            names |= {f"import {one.name} as" for one in node.names if one.name == "re" and one.asname}
            names |= {"import regex" for one in node.names if one.name == "regex"}
        elif isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            names |= {name} & _OTHER_WAYS
        elif isinstance(node, ast.keyword) and (node.arg or "").endswith(("__regex", "__iregex")):
            names.add(f"{node.arg}=")
    return names


def in_scripts(source: str) -> list[re.Pattern[str]]:
    """Return the regular expressions in the source of a script, as Python's."""
    return [_translated(match[1], match[2]) for match in _IN_SCRIPT.finditer(source)]


def in_php(source: str) -> list[re.Pattern[str]]:
    """Return the regular expressions in a PHP source, as Python's."""
    return [_translated(match[2], match[3]) for match in _IN_PHP.finditer(source)]


def _translated(pattern: str, flags: str) -> re.Pattern[str]:
    text = re.sub(r"\\x\{([0-9A-F]+)\}", lambda code: f"\\U{int(code[1], 16):08x}", pattern)
    return re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", text.replace(r"\/", "/")), re.IGNORECASE if "i" in flags else 0)


def _for_texts(pattern: re.Pattern[Any]) -> re.Pattern[str]:
    """Return a pattern for bytes as the same pattern for texts."""
    if isinstance(pattern.pattern, str):
        return pattern
    return re.compile(pattern.pattern.decode("latin-1"), pattern.flags | re.ASCII)


def _patterns_in(value: Any) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        yield _for_texts(value)
    elif type(value) is dict:
        yield from _patterns_in(tuple(value.values()))
    elif type(value) in (tuple, list, set, frozenset):
        for one in value:
            yield from _patterns_in(one)


def _calls(tree: ast.Module, name: str, values: Mapping[str, Any]) -> Iterator[Found]:
    variables = {
        node.value: node.targets[0].id
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for function, node in _with_functions(tree, ""):
        method = _called(node) if isinstance(node, ast.Call) else ""
        if not isinstance(node, ast.Call) or method not in _FLAGS_AT:
            continue
        pattern = _computed(node, _FLAGS_AT[method], values)
        where = f"{name}:{node.lineno}" if pattern is not None else f"{name}: {function}"
        called = _methods(tree, variables.get(node, "")) if method == "compile" else frozenset({method})
        yield Found(where, pattern, called)


def _with_functions(node: ast.AST, function: str) -> Iterator[tuple[str, ast.AST]]:
    """Yield the nodes, each with the name of the function that contains it."""
    for child in ast.iter_child_nodes(node):
        inner = child.name if isinstance(child, ast.FunctionDef) else function
        yield inner, child
        yield from _with_functions(child, inner)


def _called(call: ast.Call) -> str:
    """Return the name of the function of `re`. Django searches a URL with the pattern of `re_path`."""
    if isinstance(call.func, ast.Name):
        return "search" if call.func.id == "re_path" else ""
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        return call.func.attr if call.func.value.id == "re" else ""
    return ""


def _computed(call: ast.Call, flags_at: int, values: Mapping[str, Any]) -> re.Pattern[str] | None:
    given = [] if isinstance(call.func, ast.Name) else call.args[flags_at:]  # `re_path` has no flags
    flags = [keyword.value for keyword in call.keywords if keyword.arg == "flags"] or given
    try:
        return _for_texts(re.compile(_value(call.args[0], values), _value(flags[0], values) if flags else 0))
    except (NameError, TypeError):  # it is built from the arguments of the function
        return None


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    return eval(compile(ast.Expression(node), "<pattern>", "eval"), dict(values))


def _methods(tree: ast.Module, variable: str) -> frozenset[str]:
    """Return the methods that the module calls on a private variable, or all if the variable is used elsewhere."""
    if not variable.startswith("_"):
        return _ANY_METHOD
    named = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == variable]
    called = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.value in named]
    is_only_called = len(called) == len(named) - 1  # the remaining one is the assignment
    return frozenset(node.attr for node in called) if called and is_only_called else _ANY_METHOD
