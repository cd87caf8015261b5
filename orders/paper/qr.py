"""The QR codes of printed documents, in SVG."""

import io

import segno


def qr_svg(text: str) -> str:
    """Return the QR code of a string. A seventh of the code may be damaged. The layout adds the white margin."""
    out = io.BytesIO()
    # Any of the eight masks can be read. Finding the best mask takes six times as long, and a route sheet may have a
    # hundred codes.
    segno.make_qr(text, error="m", mask=3).save(out, kind="svg", border=0, xmldecl=False)
    return out.getvalue().decode()
