"""Make the fonts of the pages from django-unfold's fonts: `make fonts`.

The fonts that django-unfold ships have 750 KB, most of it glyphs that no page shows. The fonts in
`static/cvety_crm/fonts` contain the letters of Russian, Kazakh and the European languages, and the icons that templates
and code name. Run this module after an upgrade of django-unfold, and after naming an icon for the first time.
"""

import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import unfold
from fontTools import subset
from fontTools.ttLib import TTFont

ROOT = Path(__file__).resolve().parent.parent.parent
UNFOLD = Path(unfold.__file__).parent
TARGET = ROOT / "static" / "cvety_crm" / "fonts"

WEIGHTS = {400: "Regular", 500: "Medium", 600: "SemiBold", 700: "Bold"}
LETTERS = "".join(
    (
        *map(chr, range(0x20, 0x7F)),
        *map(chr, range(0xA0, 0x100)),  # Western European letters, « », №'s neighbours and fractions
        *map(chr, range(0x400, 0x460)),  # Russian, Ukrainian, Belarusian and Serbian letters
        "ӘәҒғҚқҢңӨөҰұҮүҺһІі",  # Kazakh letters
        "ĞğİıŞşŪūŇň",  # Turkish, Turkmen and Latin Kazakh letters
        "₸₽€№–—‘’‚“”„…•‹›−×÷≈≤≥←↑→↓✓\u2009\u202f",
    )
)
ICONS = "abcdefghijklmnopqrstuvwxyz0123456789_"
_WORD = re.compile(r"[a-z0-9_]{2,40}")
_CONTENT = re.compile(r"content:\s*\"([a-z0-9_]{2,40})\"")
_LITERAL = re.compile(r"[\"']([a-z0-9_]{2,40})[\"']")


def _texts() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield each text that may name an icon, and the pattern of the names in it."""
    packages = [ROOT / name for name in ("cvety_crm", "orders", "bitrix_bridge", "notifications")]
    libraries = [UNFOLD / name for name in ("templatetags", "contrib/filters")]
    for folder in (UNFOLD / "templates", UNFOLD / "contrib" / "filters" / "templates", ROOT / "templates"):
        yield from ((path.read_text(), _WORD) for path in sorted(folder.rglob("*.html")))
    for folder in (*packages, *libraries):
        yield from ((path.read_text(), _LITERAL) for path in sorted(folder.rglob("*.py")))
    yield (UNFOLD / "static" / "unfold" / "css" / "styles.css").read_text(), _CONTENT
    for path in (*sorted(UNFOLD.glob("*.py")), *sorted((ROOT / "static" / "cvety_crm").glob("*.js"))):
        yield path.read_text(), _LITERAL


def _ligatures(font: TTFont) -> dict[str, str]:
    """Return the glyph of each icon by the word that shows it."""
    letters = {glyph: chr(code) for code, glyph in font.getBestCmap().items()}
    found = {}
    for lookup in font["GSUB"].table.LookupList.Lookup:
        for table in lookup.SubTable:
            ligatures = getattr(getattr(table, "ExtSubTable", table), "ligatures", {})
            for first, others in ligatures.items():
                for one in others:
                    found["".join(letters.get(glyph, " ") for glyph in (first, *one.Component))] = one.LigGlyph
    return found


def _subset(path: Path, features: list[str], *, adds_ligatures: bool = True, **glyphs: Any) -> bytes:
    options = subset.Options()
    options.flavor, options.hinting, options.layout_features = "woff2", False, features
    options.layout_closure = adds_ligatures  # otherwise every icon would be kept, because its letters are
    options.drop_tables += ["FFTM"]
    font = subset.load_font(str(path), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(**glyphs)
    subsetter.subset(font)
    content = BytesIO()
    subset.save_font(font, content, options)
    return content.getvalue()


def main() -> None:
    """Write all fonts and print their sizes."""
    fonts = UNFOLD / "static" / "unfold" / "fonts"
    made = {
        f"inter-{weight}.woff2": _subset(
            fonts / "inter" / f"Inter-{name}.woff2", ["kern", "tnum", "ccmp"], text=LETTERS
        )
        for weight, name in WEIGHTS.items()
    }
    source = fonts / "material-symbols" / "Material-Symbols-Outlined.woff2"
    icons = _ligatures(TTFont(source))
    named = {word for text, pattern in _texts() for word in pattern.findall(text)}
    glyphs = [icons[word] for word in sorted(named & icons.keys())]
    made["icons.woff2"] = _subset(source, ["liga", "rlig"], adds_ligatures=False, glyphs=glyphs, text=ICONS)
    TARGET.mkdir(exist_ok=True)
    for name, content in made.items():
        (TARGET / name).write_bytes(content)
        sys.stdout.write(f"{len(content):7} bytes  {name}\n")
    sys.stdout.write(f"{sum(map(len, made.values())):7} bytes  in all, with {len(glyphs)} icons\n")


if __name__ == "__main__":
    main()
