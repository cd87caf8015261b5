"""Functions that read a PDF: its words, the sizes of its pages and type, its fonts and its glyphs."""

import io
import re
from typing import Any

from pypdf import PageObject, PdfReader
from pypdf.generic import ContentStream

ZERO_WIDTH = "\u200b\u2060"
MM = 72 / 25.4


def read(content: bytes) -> PdfReader:
    """Return a reader of the PDF."""
    assert content.startswith(b"%PDF-")
    return PdfReader(io.BytesIO(content), strict=True)


def pdf_text(content: bytes) -> str:
    """Return the text of all pages, with single spaces and without break opportunities."""
    return " ".join(page_text(page) for page in read(content).pages)


def page_text(page: PageObject) -> str:
    """Return the text of one page, with single spaces and without break opportunities."""
    return " ".join(re.sub(f"[{ZERO_WIDTH}]", "", page.extract_text()).split())


def letters(text: str) -> str:
    """Return a text without white space, because the layout decides where lines of text end."""
    return re.sub(rf"[\s{ZERO_WIDTH}]+", "", text)


def size_in_mm(page: PageObject) -> tuple[float, float]:
    """Return the width and height of a page in millimetres."""
    return round(float(page.mediabox.width) / MM, 2), round(float(page.mediabox.height) / MM, 2)


def type_sizes(page: PageObject) -> set[float]:
    """Return the sizes of the type on a page, in points."""
    sizes = set()

    def visit(text, _cm, _tm, _font, size):
        if text.strip():
            sizes.add(round(size, 2))

    page.extract_text(visitor_text=visit)
    return sizes


def lowest_line(page: PageObject) -> float:
    """Return the distance of the lowest line of text from the lower edge of the page, in points.

    The distance is negative if the line is not on the page.
    """
    heights = []

    def visit(text, cm, tm, _font, _size):
        if text.strip():
            heights.append(tm[4] * cm[1] + tm[5] * cm[3] + cm[5])

    page.extract_text(visitor_text=visit)
    return min(heights)


def fonts(content: bytes) -> dict[str, bool]:
    """Return for each font, by name, whether it is embedded. The name `Type3` stands for fonts made of pictures."""
    found = {}
    for page in read(content).pages:
        resources: Any = page["/Resources"]
        for reference in resources.get("/Font", {}).values():
            font = reference.get_object()
            if font["/Subtype"] == "/Type3":
                found["Type3"] = True
                continue
            descendant = font["/DescendantFonts"][0].get_object()
            descriptor = descendant["/FontDescriptor"].get_object()
            found[font["/BaseFont"].split("+")[-1]] = any(key.startswith("/FontFile") for key in descriptor)
    return found


def has_missing_glyphs(content: bytes) -> bool:
    """Return whether a letter is drawn as an empty box, which is glyph 0 of a font."""
    reader = read(content)
    for page in reader.pages:
        resources: Any = page["/Resources"]
        has_pictures = {
            name: font.get_object()["/Subtype"] == "/Type3" for name, font in resources.get("/Font", {}).items()
        }
        is_cid = False
        for operands, operator in ContentStream(page.get_contents(), reader).operations:
            if operator == b"Tf":
                is_cid = not has_pictures[operands[0]]
            elif operator in (b"Tj", b"TJ") and is_cid:
                for piece in operands[0] if operator == b"TJ" else operands:
                    if isinstance(piece, str | bytes) and _has_glyph_0(piece):
                        return True
    return False


def _has_glyph_0(piece) -> bool:
    raw = getattr(piece, "original_bytes", piece)
    return any(raw[at : at + 2] == b"\0\0" for at in range(0, len(raw), 2))
