"""Tests of the module that sends e-mails, with a mail server over real SMTP."""

import socket

import pytest
from django.utils import translation

from cvety_crm import mail
from cvety_crm.masking import mask
from cvety_crm.outbox import DeliveryError, MisconfiguredError, PermanentDeliveryError, TemporaryDeliveryError
from tests.smtp_server import PASSWORD, MailServer

XML = "application/xml"


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


@pytest.fixture
def server(settings):
    with MailServer() as found:
        found.configure(settings)
        yield found


def send(address="buh@example.kz", content=b"<a/>"):
    return mail.send_file(
        address,
        title="Продажи\nза день",
        text="Заказы: 3\nСумма: 9 000 ₸",
        file_name="отчёт.xml",
        content=content,
        content_type=XML,
        key="5f0c",
    )


def test_mail_has_the_text_and_the_file(server):
    assert send() == "<5f0c@example.kz>"

    (received,) = server.received
    assert received.recipients == ("buh@example.kz",)
    assert received.mail["Subject"] == "Продажи за день"
    assert received.mail["From"] == "reports@example.kz"
    assert received.mail["Message-ID"] == "<5f0c@example.kz>"
    assert received.text.replace("\r\n", "\n").strip() == "Заказы: 3\nСумма: 9 000 ₸"
    assert received.file == ("отчёт.xml", XML, b"<a/>")


@pytest.mark.parametrize(
    ("command", "reply", "kind", "code"),
    [
        ("AUTH", "535 5.7.8 wrong password", MisconfiguredError, "535"),
        ("MAIL", "550 sender unknown", PermanentDeliveryError, "550"),
        ("RCPT", "550 no such user", PermanentDeliveryError, "550"),
        ("RCPT", "452 mailbox full", TemporaryDeliveryError, "452"),
        (".", "554 looks like spam", PermanentDeliveryError, "554"),
        (".", "451 try later", TemporaryDeliveryError, "451"),
    ],
)
def test_refusal_is_permanent_or_temporary_like_the_reply(server, command, reply, kind, code):
    server.refuse(command, reply)

    with pytest.raises(DeliveryError) as caught:
        send()

    assert type(caught.value) is kind
    assert caught.value.code == code
    assert reply[4:] in caught.value.answer
    assert server.received == []


def test_server_that_cannot_be_reached_is_a_temporary_failure(settings, server):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.EMAIL_PORT = closed.getsockname()[1]
        with pytest.raises(TemporaryDeliveryError, match="could not be reached"):
            send()


def test_server_that_does_not_answer_is_a_temporary_failure(settings, server):
    server.is_silent, settings.EMAIL_TIMEOUT = True, 0.2

    with pytest.raises(TemporaryDeliveryError):
        send()


def test_nothing_is_sent_without_a_mail_server(settings):
    settings.EMAIL_URL = ""

    with pytest.raises(MisconfiguredError, match="EMAIL_URL"):
        send()


def test_too_large_file_is_refused_before_it_is_sent(server):
    with pytest.raises(PermanentDeliveryError, match="16 MB, the limit is 15 MB"):
        send(content=bytes(mail.MOST_BYTES + 1))

    assert server.commands == []


def test_line_break_in_an_address_or_title_adds_no_header(server):
    with pytest.raises((DeliveryError, ValueError)):
        send("buh@example.kz\nBcc: other@example.kz")

    assert server.received == []


def test_password_is_masked(server):
    assert PASSWORD not in mask(f"535 {PASSWORD} is wrong")
