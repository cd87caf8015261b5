"""The pictures of printed documents, in SVG."""

from base64 import b64encode


def square_picture(jpeg: bytes) -> str:
    """Return the middle of a JPEG picture as a square SVG. Typst accepts only text, and ignores a damaged picture."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100"><image width="100" height="100"'
        f' preserveAspectRatio="xMidYMid slice" href="data:image/jpeg;base64,{b64encode(jpeg).decode()}"/></svg>'
    )
