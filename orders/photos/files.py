"""The response that contains a photo. The caller must check that the user may see the photo."""

from typing import Literal

from django.http import FileResponse, Http404, HttpRequest, HttpResponseNotModified
from django.http.response import HttpResponseBase

from orders.models import OrderPhoto

Size = Literal["full", "small"]


def photo_response(request: HttpRequest, photo: OrderPhoto, size: Size, *, may_be_kept: bool) -> HttpResponseBase:
    """Return a response with the picture.

    With `may_be_kept`, the browser may cache the picture, but must revalidate it each time. Raise `Http404` if the
    photo is withdrawn or its file is missing.
    """
    file = (photo.thumbnail or photo.image) if size == "small" else photo.image
    if photo.is_withdrawn or not file.name:
        raise Http404
    headers = {
        "X-Content-Type-Options": "nosniff",
        # The browser treats a picture that is opened by its URL as a page.
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Robots-Tag": "noindex, nofollow, noarchive",
        "Cache-Control": "private, no-cache" if may_be_kept else "private, no-store",
    }
    etag = f'"{photo.pk.hex}-{size}"'  # a file never changes
    if may_be_kept:
        headers["ETag"] = etag
        if etag in request.headers.get("If-None-Match", ""):
            return HttpResponseNotModified(headers=headers)
    try:
        content = file.open("rb")
    except OSError as error:
        raise Http404 from error
    return FileResponse(content, content_type="image/jpeg", filename="photo.jpg", headers=headers)
