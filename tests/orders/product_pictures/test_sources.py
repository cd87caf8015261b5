"""Tests of the URL from which a picture is fetched."""

import pytest

from orders.product_pictures.sources import SourceRefusedError, source_url


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("/upload/a 1.jpg", "https://cvety.kz/upload/a 1.jpg"),
        ("/upload/a.jpg?v=2", "https://cvety.kz/upload/a.jpg?v=2"),
        ("https://cvety.kz/upload/a.jpg", "https://cvety.kz/upload/a.jpg"),
        # The site's own host is always asked with the scheme and the port of the site.
        ("http://CVETY.kz:6379/upload/a.jpg#x", "https://cvety.kz/upload/a.jpg"),
        ("https://www.cvety.kz/a.jpg", "https://www.cvety.kz/a.jpg"),
        ("https://cdn.example/a.jpg", "https://cdn.example/a.jpg"),
        ("https://cdn.example:8443/a.jpg", "https://cdn.example:8443/a.jpg"),
    ],
)
def test_site_and_listed_hosts_are_asked(settings, address, url):
    settings.SITE_URL, settings.PICTURE_HOSTS = "https://cvety.kz", ["cdn.example", "cdn.example:8443"]
    assert source_url(address) == url


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/a.jpg",
        "https://cvety.kz.evil.example/a.jpg",
        "https://evil-cvety.kz/a.jpg",
        "https://cvety.kz@evil.example/a.jpg",
        "https://user:password@cvety.kz/a.jpg",
        "http://127.0.0.1/a.jpg",
        "http://[::1]/a.jpg",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.5:5432/",
        "https://cdn.example:22/a.jpg",
        "https://cdn.example:port/a.jpg",
        "//evil.example/a.jpg",
        "file:///etc/passwd",
        "ftp://cvety.kz/a.jpg",
        "upload/a.jpg",
        "http://[broken/a.jpg",
        "https:///a.jpg",
        "",
    ],
)
def test_other_hosts_are_never_asked(settings, address):
    settings.SITE_URL, settings.PICTURE_HOSTS = "https://cvety.kz", ["cdn.example"]
    with pytest.raises(SourceRefusedError):
        source_url(address)


@pytest.mark.parametrize(
    ("setting", "url"),
    [
        ("BITRIX_API_URL", "https://cvety.kz:8080/local/crm-bridge.php"),
        ("BITRIX_REST_URL", "https://cvety.kz:8080/rest/1/secret/"),
        ("SITE_URL", "https://user:password@cvety.kz:8080"),
    ],
)
def test_site_is_found_in_any_setting_without_its_secrets(settings, setting, url):
    settings.SITE_URL = settings.BITRIX_API_URL = settings.BITRIX_REST_URL = ""
    setattr(settings, setting, url)
    assert source_url("/upload/a.jpg") == "https://cvety.kz:8080/upload/a.jpg"


def test_path_is_refused_without_a_site(settings):
    settings.SITE_URL = settings.BITRIX_API_URL = settings.BITRIX_REST_URL = ""
    with pytest.raises(SourceRefusedError, match="адрес сайта неизвестен"):
        source_url("/upload/a.jpg")
