"""A small mail server over real SMTP. It can refuse any command, and it can stay silent.

A test uses it in this way:

    with MailServer() as server:
        server.configure(settings)
        …
        server.mails[-1].get_body().get_content()
"""

import base64
import email
import threading
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any, Self

USER, PASSWORD = "reports", "made-up p@ssword"


@dataclass(frozen=True, slots=True)
class Received:
    """An accepted message, with the recipients of its envelope."""

    recipients: tuple[str, ...]
    mail: EmailMessage

    @property
    def text(self) -> str:
        """Return the text of the message."""
        return self.mail.get_body(("plain",)).get_content()

    @property
    def file(self) -> tuple[str, str, bytes]:
        """Return the name, the type and the content of the only attached file."""
        (part,) = self.mail.iter_attachments()
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        return part.get_filename(), part.get_content_type(), content


class MailServer:
    """The server. `received` are the accepted messages, and `commands` are the first words of all commands."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.commands: list[str] = []
        self._faults: dict[str, list[str]] = {}
        self.is_silent = False
        self._released = threading.Event()
        self._server = ThreadingTCPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"mail_server": self}))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def configure(self, settings: Any) -> None:
        """Let Django send e-mails to this server."""
        settings.EMAIL_URL = "smtp://set-below"
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = self._server.server_address[:2]
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = USER, PASSWORD
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_TIMEOUT = 3.0  # seconds
        settings.DEFAULT_FROM_EMAIL = "reports@example.kz"

    def refuse(self, command: str, reply: str) -> None:
        """Answer the next command (`MAIL`, `RCPT`, `DATA`, or `.` for the contents) with this reply."""
        self._faults.setdefault(command, []).append(reply)

    def fault(self, command: str) -> str:
        """Return the reply with which the command must be refused, or an empty string."""
        waiting = self._faults.get(command, [])
        return waiting.pop(0) if waiting else ""

    def wait_until_closed(self) -> None:
        """Wait, at most some seconds, until the test ends."""
        self._released.wait(20)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(StreamRequestHandler):
    mail_server: MailServer

    def handle(self) -> None:
        if self.mail_server.is_silent:
            self.mail_server.wait_until_closed()
            return
        self._recipients: list[str] = []
        self._reply("220 made-up mail server")
        while line := self.rfile.readline():
            command = line.decode().strip()
            word = command.partition(" ")[0].upper()
            self.mail_server.commands.append(word)
            if fault := self.mail_server.fault(word):
                self._reply(fault)
            elif word == "QUIT":
                self._reply("221 bye")
                return
            else:
                self._answer(word, command)

    def _answer(self, word: str, command: str) -> None:
        if word == "EHLO":
            self._reply("250-made-up\r\n250 AUTH PLAIN")
        elif word == "AUTH":
            sent = base64.b64decode(command.split()[2]).decode()
            is_right = sent == f"\0{USER}\0{PASSWORD}"
            self._reply("235 ok" if is_right else "535 5.7.8 wrong password")
        elif word == "RCPT":
            self._recipients.append(command.partition("<")[2].partition(">")[0])
            self._reply("250 ok")
        elif word == "DATA":
            self._reply("354 continue")
            self._data()
        else:
            self._reply("250 ok")

    def _data(self) -> None:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        if fault := self.mail_server.fault("."):
            self._reply(fault)
            return
        mail = email.message_from_bytes(b"".join(lines), policy=default)
        self.mail_server.received.append(Received(tuple(self._recipients), mail))
        self._reply("250 queued")

    def _reply(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")
