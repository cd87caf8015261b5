"""The typesetting of a PDF from a layout and its content, with Typst.

Typst is one wheel that needs no system library, and it can measure text during typesetting. Texts of staff and
customers are passed as data, and never as markup or as a path. Typst reads only the layout, the data and the fonts.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typst

from orders.values.paper_formats import PaperFormat

LAYOUTS = Path(__file__).parent / "layouts"
COLOUR_EMOJI = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
"""Debian's fonts-noto-color-emoji. Without it, emoji are printed as outlines, as always on a paper roll."""

LARGE = 50_000
"""Typst's cache is cleared after content of more than this size (bytes). For a hundred stops, the cache takes 60 MB."""
_KEPT_FOR = 11


def typeset(layout: str, paper_format: PaperFormat, content: Mapping[str, Any]) -> bytes:
    """Return the PDF of `layouts/<layout>.typ` with this content, in this paper format.

    Raise `typst.TypstError` if the layout has an error. The content never causes an error.
    """
    size = {"width": paper_format.width, "height": paper_format.height, "format": paper_format.name}
    data = json.dumps({**size, **content}, ensure_ascii=False, default=str)
    files = {
        "main.typ": (LAYOUTS / f"{layout}.typ").read_bytes(),
        "common.typ": (LAYOUTS / "common.typ").read_bytes(),
        "data.json": data.encode(),
    }
    # `typst.compile` accepts a dictionary of files and returns one PDF for it. Its type stubs allow only paths.
    pdf: bytes = typst.compile(files, format="pdf", font_paths=_fonts())  # type: ignore[call-overload]
    if len(files["data.json"]) > LARGE:
        _forget()
    return pdf


@cache
def _fonts() -> typst.Fonts:
    # The system's fonts are not used, so documents look the same on every server.
    folders: list[str] = [_folder("manimgx_fonts"), _folder("fontpkg_lora")]
    if COLOUR_EMOJI.exists():
        folders.append(str(COLOUR_EMOJI.parent))
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)


def _forget() -> None:
    # Typst caches a result until ten documents in a row have not used the result. A web process that prints a hundred
    # stops each time would need 600 MB. So Typst compiles some empty documents, which takes a millisecond each.
    idle = typst.Compiler(font_paths=_fonts())
    for _turn in range(_KEPT_FOR):
        idle.compile(b"", format="pdf")


def _folder(package: str) -> str:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"{package} is not installed: see requirements.txt")
    return str(Path(spec.origin).parent)
