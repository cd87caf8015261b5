"""Tests of the WSGI middleware for streamed bodies. Tests with a real server are in tests/e2e/test_transport.py."""

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.wsgi import WSGIRequest
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from cvety_crm import request_bodies
from cvety_crm.request_bodies import RequestBodies


class Application:
    """An application that records the request it receives."""

    def __call__(self, environ, start_response):
        self.request = WSGIRequest(environ)
        self.fields = dict(self.request.POST.items())
        files: dict[str, Any] = dict(self.request.FILES.items())
        self.files = {name: file.read() for name, file in files.items()}
        self.request.close()
        start_response("200 OK", [])
        return [b"done"]


@pytest.fixture
def send():
    """Return a function that sends a streamed body and returns the application and the status."""

    def send_streamed(content, **environ):
        application, statuses = Application(), []
        base = {
            "REQUEST_METHOD": "POST",
            "wsgi.input": io.BytesIO(content),
            "wsgi.input_terminated": True,
            "HTTP_TRANSFER_ENCODING": "chunked",
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
        }
        RequestBodies(application)({**base, **environ}, lambda status, headers: statuses.append(status))
        return application, statuses

    return send_streamed


def test_streamed_form_and_files_are_read(send):
    application, statuses = send(b"a=1&b=2")
    assert (application.fields, statuses) == ({"a": "1", "b": "2"}, ["200 OK"])
    photo = SimpleUploadedFile("a.jpg", b"x" * 3_000_000)
    body = encode_multipart(BOUNDARY, {"name": "Мария", "photo": photo})
    application, _statuses = send(body, CONTENT_TYPE=MULTIPART_CONTENT)
    assert application.fields == {"name": "Мария"}
    assert application.files == {"photo": b"x" * 3_000_000}


def test_streamed_body_above_the_limit_gets_413(send, monkeypatch):
    monkeypatch.setattr(request_bodies, "LARGEST_BYTES", 5)
    assert send(b"a=123")[1] == ["200 OK"]
    application, statuses = send(b"a=1234")
    assert statuses == ["413 Request Entity Too Large"]
    assert not hasattr(application, "request")


def test_streamed_body_that_the_server_does_not_decode_gets_411(send):
    assert send(b"5\r\na=123\r\n0\r\n\r\n", **{"wsgi.input_terminated": False})[1] == ["411 Length Required"]


def test_content_type_that_cannot_be_parsed_loses_its_parameters(send):
    application, _statuses = send(b"a=1", CONTENT_TYPE="application/x-www-form-urlencoded; charset*=klingon''x")
    assert application.fields == {"a": "1"}
