"""QR codes, as SVG."""

import io

import segno


def qr_svg(text: str) -> str:
    """Return the QR code of a text; a seventh of it may be unreadable. The layout adds the white margin."""
    out = io.BytesIO()
    # Any of the eight masks can be read. To try all of them for the best one takes six times as long, and a route sheet
    # has a hundred codes.
    segno.make_qr(text, error="m", mask=3).save(out, kind="svg", border=0, xmldecl=False)
    return out.getvalue().decode()
