"""The URL on the site from which a picture is fetched. Only the site itself and the hosts in the settings are asked."""

from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from django.conf import settings
from django.utils.translation import gettext


class SourceRefusedError(Exception):
    """The error that a picture may not be fetched from its address. The message is for staff."""


def source_url(address: str) -> str:
    """Return the URL from which the picture with this address is fetched.

    An address without a host is a path on the site. An address on the site's own host always gets the site's scheme and
    port. Raise `SourceRefusedError` for any other host that `PICTURE_HOSTS` does not list, and if the site's URL is not
    known.
    """
    site = _site()
    if address.startswith("/") and not address.startswith("//"):
        if site is None:
            raise SourceRefusedError(gettext("the site's address is not known"))
        return urljoin(urlunsplit((site.scheme, site.netloc, "/", "", "")), address)
    try:
        parts = urlsplit(address)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        parts, host, port = SplitResult("", "", "", "", ""), "", None
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        raise SourceRefusedError(gettext("the address is not valid"))
    if site is not None and _bare(host) == _bare(site.hostname or ""):
        netloc = host if site.port is None else f"{host}:{site.port}"
        return urlunsplit((site.scheme, netloc, parts.path or "/", parts.query, ""))
    if (host if port is None else f"{host}:{port}") not in settings.PICTURE_HOSTS:
        raise SourceRefusedError(gettext("the host %(host)s is not allowed") % {"host": host[:100]})
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", parts.query, ""))


def _site() -> SplitResult | None:
    """Return the URL of the site, or None if no setting contains it."""
    for url in (settings.SITE_URL, settings.BITRIX_API_URL, settings.BITRIX_REST_URL):
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return parts._replace(netloc=parts.netloc.rpartition("@")[2])
    return None


def _bare(host: str) -> str:
    return host.lower().removeprefix("www.")
