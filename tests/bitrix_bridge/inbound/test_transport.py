"""Tests of the forms in which HTTP and PHP can send an event, and of the requests that are refused and kept."""

import codecs
import gzip
import json
import zlib
from urllib.parse import quote

import phpserialize
import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from hypothesis import example, given
from hypothesis import strategies as st

from bitrix_bridge.inbound import refused
from bitrix_bridge.inbound.charsets import decode
from bitrix_bridge.inbound.forms import read_multipart, read_url_encoded
from bitrix_bridge.inbound.parsing import parse_body
from bitrix_bridge.inbound.transport import BadBodyError
from bitrix_bridge.models import WebhookEvent
from cvety_crm.users import User
from orders.models import Order
from tests.fixtures import WEBHOOK_PATH, WEBHOOK_TOKEN

BODY = {"event": "order.create", "data": {"ID": "122183", "STATUS_ID": "N", "properties": {"nameRecipient": "Мария"}}}
JSON = json.dumps(BODY, ensure_ascii=False)
UTF_8 = JSON.encode()
FORM = "application/x-www-form-urlencoded"
BEARER = {"Authorization": f"Bearer {WEBHOOK_TOKEN}"}

NESTED_FIELDS = (
    ("event", "order.create"),
    ("data[ID]", "122183"),
    ("data[STATUS_ID]", "N"),
    ("data[properties][nameRecipient]", "Мария"),
)


def form(*pairs, charset="utf-8"):
    return "&".join(f"{quote(name)}={quote(value.encode(charset))}" for name, value in pairs).encode()


def multipart(*pairs, charset="utf-8"):
    parts = (f'--xYz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in pairs)
    return ("".join(parts) + "--xYz--\r\n").encode(charset)


def raw_deflate(content):
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(content) + stream.flush()


def php(value):
    return phpserialize.dumps(value, charset="utf-8").decode()


BODIES = {
    "plain": (UTF_8, {}),
    "no content type": (UTF_8, {"content_type": ""}),
    "content type of a form": (UTF_8, {"content_type": FORM}),
    "content type of an unknown kind": (UTF_8, {"content_type": "what/ever"}),
    "content type of multipart without boundary": (UTF_8, {"content_type": "multipart/form-data"}),
    "trailing NUL": (UTF_8 + b"\0\0", {}),
    "white space around": (b"\r\n " + UTF_8 + b"\r\n", {}),
    "UTF-8 with mark": (codecs.BOM_UTF8 + UTF_8, {}),
    "UTF-16 with mark": (JSON.encode("utf-16"), {}),
    "UTF-16 declared": (JSON.encode("utf-16-le"), {"content_type": "application/json; charset=UTF-16LE"}),
    "UTF-32 with mark": (JSON.encode("utf-32"), {}),
    "windows-1251": (JSON.encode("cp1251"), {"content_type": "application/json; charset=windows-1251"}),
    "windows-1251 not declared": (JSON.encode("cp1251"), {}),
    "windows-1251 with a wrong charset": (JSON.encode("cp1251"), {"content_type": "application/json; charset=utf-8"}),
    "koi8-r": (JSON.encode("koi8-r"), {"content_type": "application/json; charset=koi8-r"}),
    "UTF-8 declared as windows-1251": (UTF_8, {"content_type": "application/json; charset=windows-1251"}),
    "unknown charset": (UTF_8, {"content_type": "application/json; charset=klingon"}),
    "gzip": (gzip.compress(UTF_8), {"Content-Encoding": "gzip"}),
    "x-gzip in capitals": (gzip.compress(UTF_8), {"Content-Encoding": "X-GZIP"}),
    "gzip twice": (gzip.compress(gzip.compress(UTF_8)), {"Content-Encoding": "gzip, gzip"}),
    "gzip of two members": (gzip.compress(UTF_8[:20]) + gzip.compress(UTF_8[20:]), {"Content-Encoding": "gzip"}),
    "gzip not declared": (gzip.compress(UTF_8), {}),
    "gzip declared and already decompressed": (UTF_8, {"Content-Encoding": "gzip"}),
    "deflate": (zlib.compress(UTF_8), {"Content-Encoding": "deflate"}),
    "deflate without header": (raw_deflate(UTF_8), {"Content-Encoding": "deflate"}),
    "identity": (UTF_8, {"Content-Encoding": "identity"}),
    "nested form": (form(*NESTED_FIELDS), {"content_type": FORM}),
    "nested form in windows-1251": (form(*NESTED_FIELDS, charset="cp1251"), {"content_type": FORM}),
    "nested form as JSON": (form(*NESTED_FIELDS), {}),
    "compressed form": (gzip.compress(form(*NESTED_FIELDS)), {"content_type": FORM, "Content-Encoding": "gzip"}),
    "form with JSON in data": (form(("event", "order.create"), ("data", json.dumps(BODY["data"]))), {}),
    "form with JSON in a field": (form(("payload", JSON)), {"content_type": FORM}),
    "form with encoded JSON and no field": (quote(JSON).encode(), {"content_type": FORM}),
    "multipart": (multipart(*NESTED_FIELDS), {"content_type": "multipart/form-data; boundary=xYz"}),
    "multipart with a wrong boundary": (multipart(*NESTED_FIELDS), {"content_type": "multipart/mixed; boundary=no"}),
    "multipart as JSON": (multipart(*NESTED_FIELDS), {}),
    "multipart in windows-1251": (multipart(*NESTED_FIELDS, charset="cp1251"), {}),
    "multipart with JSON in a file": (multipart(('json"; filename="order.json', JSON)), {}),
    "data as JSON text": (json.dumps({**BODY, "data": json.dumps(BODY["data"])}).encode(), {}),
    "whole body as JSON text": (json.dumps(JSON).encode(), {}),
    "data as serialized array": (json.dumps({**BODY, "data": php(BODY["data"])}).encode(), {}),
    "whole body as serialized array": (php(BODY).encode(), {}),
}  # fmt: skip


def send(client, content, *, content_type="application/json", token=WEBHOOK_TOKEN, **headers):
    bearer = {"Authorization": f"Bearer {token}"} if token else {}
    return client.generic("POST", WEBHOOK_PATH, content, content_type=content_type, headers={**bearer, **headers})


@pytest.mark.django_db
@pytest.mark.parametrize("name", BODIES)
def test_event_is_accepted_in_every_form(client, name):
    content, options = BODIES[name]
    response = send(client, content, **options)
    assert (response.status_code, response.json().get("action")) == (200, "created"), response.content
    order = Order.objects.get()
    assert (order.bitrix_order_id, order.recipient_name) == (122183, "Мария")
    assert WebhookEvent.objects.get().problems == []


@pytest.mark.django_db
@pytest.mark.parametrize("encoded", [form, multipart])
def test_token_in_a_form_is_accepted_and_not_stored(client, encoded):
    assert send(client, encoded(("token", WEBHOOK_TOKEN), *NESTED_FIELDS), token=None).json()["action"] == "created"
    assert WEBHOOK_TOKEN not in json.dumps(WebhookEvent.objects.get().payload)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "value",
    [
        "NaN",
        "-Infinity",
        "1e999999999999999999999",
        '"a\tb\r\nc\x01"',
        '"\\ud800"',
        '"\\u0000"',
        pytest.param("9" * 5000, id="digits"),
        pytest.param("[" * 300 + "]" * 300, id="deep"),
    ],
)
def test_value_without_sense_in_an_unread_field_does_not_prevent_the_order(client, value):
    text = JSON.replace('"STATUS_ID"', f'"UF_X": {value}, "STATUS_ID"')
    assert send(client, text.encode()).json()["action"] == "created"
    assert WebhookEvent.objects.get().problems == []
    assert "UF_X" in Order.objects.get().metadata["fields"]


@pytest.mark.django_db
def test_value_without_sense_in_a_read_field_is_an_unreadable_value(client):
    text = JSON.replace('"STATUS_ID"', '"PRICE": NaN, "STATUS_ID"')
    assert send(client, text.encode()).json()["action"] == "created"
    assert [problem["field"] for problem in WebhookEvent.objects.get().problems] == ["PRICE"]


@pytest.mark.django_db
def test_text_that_php_has_cut_within_a_letter_keeps_its_other_letters(client):
    assert send(client, UTF_8.replace("Мария".encode(), "Мария".encode()[:-1])).json()["action"] == "created"
    assert Order.objects.get().recipient_name == "Мари\ufffd"


@pytest.mark.django_db
def test_serialized_property_has_the_values_of_its_array(client):
    data = {"ID": 7, "properties": {"nameRecipient": php(["Мария", "Анна"]), "addressRecipient": "a:1:{broken"}}
    send(client, json.dumps({"event": "order.create", "data": data}).encode())
    order = Order.objects.get()
    assert (order.recipient_name, order.delivery_address) == ("Мария, Анна", "a:1:{broken")


REFUSED = [
    (b"{" + b"x" * 50, {}, 400, "invalid_payload"),
    (b"<xml/>", {"content_type": "application/xml"}, 400, "invalid_payload"),
    (gzip.compress(UTF_8)[:-9], {"Content-Encoding": "gzip"}, 400, "invalid_payload"),
    (b"\x00\x01\x02", {"Content-Encoding": "deflate"}, 400, "invalid_payload"),
    (b"\x1b\x2c\x00\xf8", {"Content-Encoding": "br"}, 415, "unsupported_encoding"),
    (UTF_8, {"Content-Encoding": "gzip, gzip, gzip, gzip"}, 415, "unsupported_encoding"),
    (gzip.compress(b" " * 1_100_000), {"Content-Encoding": "gzip"}, 413, "too_large"),
    (UTF_8 + b" " * 1_048_576, {}, 413, "too_large"),
    (json.dumps({"event": "order.create", "data": {"NAME": "x"}}).encode(), {}, 400, "invalid_payload"),
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(("content", "options", "status", "error"), REFUSED, ids=range(len(REFUSED)))
def test_refused_request_is_kept_if_it_has_a_valid_token(client, content, options, status, error):
    response = send(client, content, **options)
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response.get("Accept-Encoding") == ("gzip, x-gzip, deflate" if status == 415 else None)
    kept = WebhookEvent.objects.get()
    assert (kept.action, kept.error) == ("refused", f"{status}: {response.json()['message']}")
    assert send(client, content, token="wrong", **options).status_code == 401
    assert WebhookEvent.objects.get() == kept
    assert not Order.objects.exists()


@pytest.mark.django_db
def test_request_without_any_length_gets_411(client):
    response = client.generic("POST", WEBHOOK_PATH, content_type="application/json", headers=BEARER)
    assert (response.status_code, response.json()["error"]) == (411, "length_required")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text",
    [
        '{"token": "TOKEN", "data": {"PASSWORD": "gehe im", "X": ',
        "{'token': 'TOKEN', 'PASSWORD': 'gehe im', X",
        '{\\"token\\":\\"TOKEN\\",\\"CONFIRM_PASSWORD\\":\\"gehe im\\"',
        'a:9:{s:5:"token";s:21:"TOKEN";s:8:"PASSWORD";s:7:"gehe im";',
    ],
)
def test_token_in_a_broken_body_is_recognised_and_secrets_are_masked(client, text):
    response = send(client, text.replace("TOKEN", WEBHOOK_TOKEN).encode(), token=None)
    assert response.status_code == 400
    kept = WebhookEvent.objects.get().payload["text"]
    assert "gehe" not in kept
    assert WEBHOOK_TOKEN not in kept
    assert kept.startswith(text[:6])
    assert send(client, text.replace("TOKEN", "guess").encode(), token=None).status_code == 401


@pytest.mark.django_db
def test_only_the_newest_refused_requests_are_kept(client, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(refused, "MOST_KEPT", 2)
    send(client, UTF_8)
    for number in range(4):
        with django_assert_max_num_queries(5):
            send(client, f"broken {number}".encode())
    texts = WebhookEvent.objects.filter(action="refused").order_by("created_at").values_list("payload__text", flat=True)
    assert list(texts) == ["broken 2", "broken 3"]
    assert WebhookEvent.objects.count() == 3


@pytest.mark.django_db
def test_staff_see_why_a_request_was_refused_and_repeating_it_changes_nothing(client, manager):
    send(client, b"{broken")
    kept = WebhookEvent.objects.get()
    client.force_login(manager)
    page = client.get(reverse("admin:bitrix_bridge_webhookevent_change", args=[kept.pk])).content.decode()
    assert "400: the body is not JSON" in page
    assert "{broken" in page
    client.post(
        reverse("admin:bitrix_bridge_webhookevent_changelist"),
        {"action": "reprocess_selected", "_selected_action": [kept.pk]},
    )
    kept.refresh_from_db()
    assert (kept.state, kept.action, kept.error[:4], kept.attempts) == ("processed", "refused", "400:", 2)
    florist = User.objects.create_user("florist", password="made-up-password", is_staff=True)
    florist.groups.add(Group.objects.get(name="Флорист"))
    client.force_login(florist)
    address = reverse("admin:bitrix_bridge_webhookevent_change", args=[kept.pk])
    assert client.get(address).status_code in (302, 403)


@given(st.binary(max_size=300), st.text(max_size=60))
@example(b"--x\r\nContent-Disposition: form-data; name*=klingon''x\r\n\r\n1", "")
@example(b'--"\r\ncontent-disposition: form-data; name="a[b[c]]"\r\n\r\n1', "a; charset*=x''y")
@example(b"a:1:{a:0:{}i:1;}", "")
@example(b"%7B%22", "")
def test_any_bytes_are_parsed_or_refused(raw, content_type):
    try:
        parsed = parse_body(raw, content_type)
    except BadBodyError:
        return
    assert isinstance(parsed, dict)


@given(st.text(), st.sampled_from(["utf-8", "utf-16", "utf-32", "utf-8-sig"]))
def test_text_in_any_unicode_encoding_is_decoded(text, charset):
    raw = text.encode(charset, "replace")
    if not text.startswith(("\ufeff", "\ufffe", "\0")):
        assert decode(raw, charset) == raw.decode(charset)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1&a=2", {"a": "2"}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a[0][x]=1&a[1][x]=2", {"a": [{"x": "1"}, {"x": "2"}]}),
        ("a[5]=1&a[7]=2", {"a": {"5": "1", "7": "2"}}),
        ("a=1&a[b]=2", {"a": {"b": "2"}}),
        ("a[b=1", {"a[b": "1"}),
        ("a=", {"a": ""}),
        ("a", {"a": ""}),
        ("a=1+2%2B", {"a": "1 2+"}),
        ("a" + "[b]" * 64 + "=1", {"a" + "[b]" * 64: "1"}),
    ],
)
def test_names_of_a_form_are_read_as_php_reads_them(text, expected):
    assert read_url_encoded(text.encode()) == expected
    if "&" not in text and "%" not in text:
        name, _, value = text.partition("=")
        assert read_multipart(multipart((name, value))) == {name: value} or "[" in name
