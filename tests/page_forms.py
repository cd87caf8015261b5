"""A parser of the forms of a page, so that tests can post the same values as a browser."""

from html.parser import HTMLParser
from typing import Any


class _Reader(HTMLParser):
    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.form_id, self.is_inside = form_id, False
        self.values: dict[str, Any] = {}
        self._select: str | None = None
        self._textarea: str | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        attrs = dict(attributes)
        if tag == "form":
            self.is_inside = attrs.get("id") == self.form_id
        if not self.is_inside:
            return
        name = attrs.get("name")
        if tag == "input" and name and "disabled" not in attrs:
            if attrs.get("type") not in ("checkbox", "radio") or "checked" in attrs:
                self.values[name] = attrs.get("value") or ("on" if attrs.get("type") == "checkbox" else "")
        elif tag == "select" and name:
            self._select = name
            self.values[name] = ""
        elif tag == "option" and self._select and "selected" in attrs:
            self.values[self._select] = attrs.get("value") or ""
        elif tag == "textarea" and name:
            self._textarea, self.values[name] = name, ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.values[self._textarea] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            if self._textarea:
                # A browser removes the first newline of a textarea, which Django adds.
                text = self.values[self._textarea]
                self.values[self._textarea] = text.removeprefix("\r\n").removeprefix("\n")
            self._textarea = None
        elif tag == "select":
            self._select = None
        elif tag == "form":
            self.is_inside = False


def read_form(html: str, form_id: str) -> dict[str, Any]:
    """Return the values that a browser would post for this form, without those of the empty row of a formset."""
    reader = _Reader(form_id)
    reader.feed(html)
    return {name: as_posted(value) for name, value in reader.values.items() if "__prefix__" not in name}


def as_posted(text: str) -> str:
    """Return a text in the form in which a browser posts it: every line break is CRLF."""
    return text.replace("\r\n", "\n").replace("\n", "\r\n")
