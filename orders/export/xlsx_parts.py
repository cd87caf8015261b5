"""The parts of an XLSX file besides the rows: styles, widths, the sheet with the facts, and the package.

The order of the elements in a sheet is prescribed (ECMA-376, part 1, 18.3.1.99).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache

from orders.export.cells import Kind
from orders.export.table import Fact

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

_NUMBER_FORMATS = {
    Kind.TEXT: "@",
    Kind.PHONE: "@",
    Kind.DATE: "dd.mm.yyyy",
    Kind.MOMENT: "dd.mm.yyyy hh:mm",
    Kind.MONEY: "#,##0",
    Kind.NUMBER: "#,##0",
    Kind.KEY: "0",
    Kind.SHARE: "0.0%",
    Kind.DURATION: "[h]:mm:ss",
}
_FRACTIONS = {Kind.MONEY: "#,##0.00", Kind.NUMBER: "#,##0.###"}
_PLAIN = ("0.00", "0.###")
_CODES = [*_NUMBER_FORMATS.values(), *_FRACTIONS.values(), *_PLAIN]

HEAD = 1
"""The style of the headers."""
STYLES: Mapping[Kind, int] = {kind: number for number, kind in enumerate(_NUMBER_FORMATS, start=2)}
"""The styles of the cells of each kind."""
WITH_FRACTION: Mapping[Kind, int] = {kind: number for number, kind in enumerate(_FRACTIONS, start=2 + len(STYLES))}
"""The styles of the numbers of some kinds that are not whole."""
PLAIN_SUM, PLAIN_COUNT = (2 + len(STYLES) + len(_FRACTIONS) + number for number in range(len(_PLAIN)))
"""The styles of sums and counts without separators of thousands, for files that another program reads."""
BOLD = len(_CODES)
"""What is added to a style of cells for the same style in bold."""

_SPECIAL = re.compile("[&<>_\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_UNSAFE = re.compile("[&<>\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]|_(?=x[0-9A-Fa-f]{4}_)")


def text_element(text: str) -> str:
    """Return the element `<t>` with a text. Excel keeps its outer spaces."""
    if _SPECIAL.search(text) is None and text == text.strip():
        return f"<t>{text}</t>"
    return f'<t xml:space="preserve">{_UNSAFE.sub(_escaped, text)}</t>'


def escape(text: str) -> str:
    """Return a text for XML. A character that XML does not allow is written as Excel writes it."""
    return _UNSAFE.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    return _ENTITIES.get(character) or f"_x{ord(character):04X}_"


@cache
def column_name(place: int) -> str:
    """Return the letters of a column, such as `A` for 0 and `AA` for 26."""
    before, letter = divmod(place, 26)
    return (column_name(before - 1) if before else "") + chr(ord("A") + letter)


def sheet_start(widths: Sequence[int]) -> str:
    """Return the beginning of a sheet: a frozen first row and column, and the widths of the columns."""
    return (
        f'{_XML}<worksheet xmlns="{_MAIN}"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
        '<sheetViews><sheetView workbookViewId="0" tabSelected="1">'
        '<pane xSplit="1" ySplit="1" topLeftCell="B2" activePane="bottomRight" state="frozen"/>'
        f'</sheetView></sheetViews><sheetFormatPr defaultRowHeight="15"/>{_widths(widths)}<sheetData>'
    )


def plain_sheet_start(widths: Sequence[int], styles: Sequence[int], *, is_first: bool) -> str:
    """Return the beginning of a sheet with a frozen first row, whose empty cells have the styles of their columns."""
    selected = ' tabSelected="1"' if is_first else ""
    return (
        f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"{selected}>'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
        f'</sheetView></sheetViews><sheetFormatPr defaultRowHeight="15"/>{_widths(widths, styles)}<sheetData>'
    )


def plain_sheet_end(columns: int) -> str:
    """Return the end of such a sheet. Numbers that are texts on purpose are not marked as errors."""
    area = f"A1:{column_name(columns - 1)}1048576"
    return (
        f'</sheetData><ignoredErrors><ignoredError sqref="{area}" numberStoredAsText="1"/></ignoredErrors></worksheet>'
    )


def sheet_end(columns: int, last: int) -> str:
    """Return the end of a sheet. `last` is the number of the last row with a filter, which is above the totals."""
    area = f"A1:{column_name(columns - 1)}{last}"
    # Order numbers and phones are strings on purpose, so Excel must not mark them as errors.
    return (
        f'</sheetData><autoFilter ref="{area}"/>'
        '<pageMargins left="0.7" right="0.7" top="0.75" bottom="0.75" header="0.3" footer="0.3"/>'
        '<pageSetup paperSize="9" orientation="landscape" fitToHeight="0"/>'
        f'<ignoredErrors><ignoredError sqref="{area}" numberStoredAsText="1"/></ignoredErrors></worksheet>'
    )


def details_sheet(facts: Sequence[Fact]) -> str:
    """Return the sheet with the facts of the export."""
    style = STYLES[Kind.TEXT]
    rows = [
        f'<row r="{row}"><c r="A{row}" s="{style + BOLD}" t="inlineStr"><is>{text_element(label)}</is></c>'
        f'<c r="B{row}" s="{style}" t="inlineStr"><is>{text_element(text)}</is></c></row>'
        for row, (label, text) in enumerate(facts, start=1)
    ]
    return (
        f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"/></sheetViews>'
        f'<sheetFormatPr defaultRowHeight="15"/>{_widths([24, 90])}<sheetData>{"".join(rows)}</sheetData></worksheet>'
    )


def package_parts(
    title: str, created: datetime, sheets: Sequence[str], filtered: tuple[int, int] | None = None
) -> dict[str, str]:
    """Return the other parts of the file by their names.

    `filtered` is the number of columns of the first sheet, and its last row with a filter, if it has one.
    """
    return {
        "xl/workbook.xml": _workbook([sheet_name(name) for name in sheets], filtered),
        "xl/styles.xml": _styles(),
        "xl/_rels/workbook.xml.rels": _relations(
            [(f"{_RELATIONS}/worksheet", f"worksheets/sheet{number}.xml") for number in range(1, len(sheets) + 1)]
            + [(f"{_RELATIONS}/styles", "styles.xml")]
        ),
        "docProps/core.xml": (
            f'{_XML}<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
            f"<dc:title>{escape(title)}</dc:title>"
            f'<dcterms:created xsi:type="dcterms:W3CDTF">{created:%Y-%m-%dT%H:%M:%SZ}</dcterms:created>'
            "</cp:coreProperties>"
        ),
        "_rels/.rels": _relations(
            [
                (f"{_RELATIONS}/officeDocument", "xl/workbook.xml"),
                (f"{_PACKAGE}/relationships/metadata/core-properties", "docProps/core.xml"),
            ]
        ),
        "[Content_Types].xml": _content_types(len(sheets)),
    }


def sheet_name(text: str) -> str:
    """Return the name of a sheet: without the characters that Excel refuses, and with at most 31 characters."""
    return re.sub(r"[\[\]:*?/\\]", " ", text).strip("' ")[:31].rstrip() or "1"


def _widths(widths: Sequence[int], styles: Sequence[int] = ()) -> str:
    shown = [f' style="{style}"' for style in styles] or [""] * len(widths)
    columns = "".join(
        f'<col min="{number}" max="{number}" width="{width}"{style} customWidth="1"/>'
        for number, (width, style) in enumerate(zip(widths, shown, strict=True), start=1)
    )
    return f"<cols>{columns}</cols>"


def _workbook(names: Sequence[str], filtered: tuple[int, int] | None) -> str:
    sheets = "".join(
        f'<sheet name="{escape(name).replace(chr(34), "&quot;")}" sheetId="{number}" r:id="rId{number}"/>'
        for number, name in enumerate(names, start=1)
    )
    return (
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><bookViews><workbookView activeTab="0"/></bookViews>'
        f"<sheets>{sheets}</sheets>{_defined_names(names[0], *filtered) if filtered is not None else ''}</workbook>"
    )


def _defined_names(sheet: str, columns: int, last: int) -> str:
    quoted = escape("'" + sheet.replace("'", "''") + "'")
    area = f"{quoted}!$A$1:${column_name(columns - 1)}${last}"
    return (
        f'<definedNames><definedName name="_xlnm._FilterDatabase" localSheetId="0" hidden="1">{area}</definedName>'
        f'<definedName name="_xlnm.Print_Titles" localSheetId="0">{quoted}!$1:$1</definedName></definedNames>'
    )


def _styles() -> str:
    first = 164  # the numbers below it are formats of Excel itself
    codes = "".join(
        f'<numFmt numFmtId="{number}" formatCode="{code}"/>' for number, code in enumerate(_CODES, start=first)
    )
    top = '<alignment vertical="top"/>'
    cells = [
        f'<xf numFmtId="{number}" fontId="{font}" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" '
        f'applyFont="1" applyAlignment="1">{top}</xf>'
        for font in (0, 1)
        for number in range(first, first + len(_CODES))
    ]
    head = (
        '<xf numFmtId="0" fontId="1" fillId="2" borderId="1" xfId="0" applyFont="1" applyFill="1" applyBorder="1" '
        'applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>'
    )
    font = '<sz val="11"/><name val="Calibri"/><family val="2"/>'
    side = "<left/><right/><top/>"
    return (
        f'{_XML}<styleSheet xmlns="{_MAIN}"><numFmts count="{len(_CODES)}">{codes}</numFmts>'
        f'<fonts count="2"><font>{font}</font><font><b/>{font}</font></fonts>'
        '<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/>'
        '</fill><fill><patternFill patternType="solid"><fgColor rgb="FFEDE9FE"/><bgColor indexed="64"/></patternFill>'
        f'</fill></fills><borders count="2"><border>{side}<bottom/><diagonal/></border>'
        f'<border>{side}<bottom style="thin"><color auto="1"/></bottom><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        f'<cellXfs count="{2 + len(cells)}"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>{head}'
        f"{''.join(cells)}</cellXfs>"
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )


def _relations(relations: Sequence[tuple[str, str]]) -> str:
    rows = "".join(
        f'<Relationship Id="rId{number}" Type="{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(relations, start=1)
    )
    return f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{rows}</Relationships>'


def _content_types(sheets: int) -> str:
    parts = [
        ("/xl/workbook.xml", f"{_TYPE}.sheet.main+xml"),
        *((f"/xl/worksheets/sheet{number}.xml", f"{_TYPE}.worksheet+xml") for number in range(1, sheets + 1)),
        ("/xl/styles.xml", f"{_TYPE}.styles+xml"),
        ("/docProps/core.xml", "application/vnd.openxmlformats-package.core-properties+xml"),
    ]
    rows = "".join(f'<Override PartName="{name}" ContentType="{kind}"/>' for name, kind in parts)
    return (
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{rows}</Types>'
    )
