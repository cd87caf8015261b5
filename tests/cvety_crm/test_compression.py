"""Tests that pages are compressed, and other responses are not."""

import gzip

import pytest
from django.urls import reverse

from tests.fixtures import WEBHOOK_PATH, WEBHOOK_TOKEN

pytestmark = pytest.mark.django_db


def test_pages_are_compressed_for_browsers_that_accept_it(client):
    plain = client.get("/crm/login/")
    packed = client.get("/crm/login/", HTTP_ACCEPT_ENCODING="gzip, br")
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert len(packed.content) < len(plain.content) / 2
    assert b"csrfmiddlewaretoken" in gzip.decompress(packed.content)


def test_token_and_length_differ_in_each_compressed_page(client):
    pages = [client.get("/crm/login/", HTTP_ACCEPT_ENCODING="gzip").content for _ in range(8)]
    tokens = {gzip.decompress(page).split(b'csrfmiddlewaretoken" value="')[1][:64] for page in pages}
    assert len(tokens) == 8
    assert len({len(page) for page in pages}) > 1


def test_answers_to_programs_are_not_compressed(client):
    answers = [
        client.get("/health/ready", HTTP_ACCEPT_ENCODING="gzip"),
        client.get(reverse("schema"), HTTP_ACCEPT_ENCODING="gzip"),
        client.post(
            WEBHOOK_PATH,
            "{}" * 500,
            content_type="application/json",
            HTTP_ACCEPT_ENCODING="gzip",
            headers={"Authorization": f"Bearer {WEBHOOK_TOKEN}"},
        ),
    ]
    assert [answer.headers.get("Content-Encoding") for answer in answers] == [None] * 3
