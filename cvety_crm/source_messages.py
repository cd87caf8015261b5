"""Find the texts that gettext translates, in Python and in Django's templates.

Not with GNU gettext: xgettext does not see a call inside an f-string, and nobody has to install it this way.
"""

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation import template

FUNCTIONS = {
    "_": ("text",),
    "gettext": ("text",),
    "gettext_lazy": ("text",),
    "gettext_noop": ("text",),
    "pgettext": ("context", "text"),
    "pgettext_lazy": ("context", "text"),
    "ngettext": ("text", "plural"),
    "ngettext_lazy": ("text", "plural"),
    "npgettext": ("context", "text", "plural"),
    "npgettext_lazy": ("context", "text", "plural"),
}
"""What each function of django.utils.translation takes, in this order."""

_LITERAL = r"""(?:u?"(?:\\.|[^"\\])*"|u?'(?:\\.|[^'\\])*')"""
_CALL_IN_TEMPLATE = re.compile(rf"\b({'|'.join(FUNCTIONS)})\(\s*({_LITERAL}(?:\s*,\s*{_LITERAL})*)", re.DOTALL)
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*(?:[.:][^}]*)?\}")


@dataclass(frozen=True)
class Message:
    """One text to translate. Where it stands does not make it another one."""

    text: str
    plural: str | None = None
    context: str | None = None
    file: Path = field(default=Path(), compare=False)


def messages_below(folder: Path, root: Path, counts: Callable[[Path], bool] = bool) -> Iterator[Message]:
    """Yield the texts of the Python files and templates below a folder, in order.

    Files are named below `root`; those that `counts` refuses are left out.
    """
    for path in sorted(folder.rglob("*")):
        file = path.relative_to(root)
        if not counts(file):
            continue
        if path.suffix == ".py":
            yield from messages_in_python(path.read_text("utf-8"), file)
        elif path.suffix in (".html", ".txt") and "templates" in file.parts:
            yield from messages_in_template(path.read_text("utf-8"), file)


def messages_in_python(source: str, file: Path) -> Iterator[Message]:
    """Yield the texts of a Python module; a call whose text is not written out in it has none."""
    for function, arguments in calls_in_python(source):
        texts = [argument for argument in arguments if argument is not None]
        if len(texts) == len(arguments):
            yield _message(function, texts, file)


def calls_in_python(source: str) -> Iterator[tuple[str, list[str | None]]]:
    """Yield each call of gettext and its kin: the function's name, and its texts; None is one that is computed."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset)):
        function = getattr(node.func, "attr", None) or getattr(node.func, "id", "")
        if function in FUNCTIONS and node.args:
            arguments = node.args[: len(FUNCTIONS[function])]
            yield function, [_literal(argument) for argument in arguments]


def messages_in_template(source: str, file: Path) -> Iterator[Message]:
    """Yield the texts of a template, through Django's own translation of templates for xgettext."""
    for call in _CALL_IN_TEMPLATE.finditer(template.templatize(source)):
        yield _message(call[1], ast.literal_eval(f"({call[2]},)"), file)


def placeholders(text: str) -> list[str]:
    """Return what is filled in later, `%(name)s`, `%s` or `{name}`: the translation has to have the same."""
    return sorted(_PLACEHOLDER.findall(text.replace("%%", "")))


def _message(function: str, arguments: Sequence[str], file: Path) -> Message:
    parts = dict(zip(FUNCTIONS[function], arguments, strict=False))
    return Message(parts.get("text", ""), parts.get("plural"), parts.get("context"), file)


def _literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
