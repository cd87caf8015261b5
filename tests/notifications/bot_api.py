"""A small Bot API server over real HTTP. It validates messages as strictly as Telegram and can simulate errors.

A test uses it in this way:

    with BotApi() as api:
        settings.TELEGRAM_BASE_URL, settings.TELEGRAM_BOT_TOKEN = api.url, api.token
        …
        api.messages[-1].text
"""

import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs

from tests.notifications import telegram_html

TOKEN = "123456:made-up-token-of-the-tests"
LIMIT = 4096
CAPTION_LIMIT = 1024


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file that was sent with `sendDocument` and accepted."""

    message_id: int
    chat_id: str
    caption: str
    """The caption without tags."""
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was sent with `sendMessage` and accepted."""

    message_id: int
    chat_id: str
    html: str
    params: dict[str, str]

    @property
    def text(self) -> str:
        """Return the text of the message without tags, as Telegram shows it."""
        return telegram_html.read(self.html)

    @property
    def buttons(self) -> dict[str, str]:
        """Return the URL of each button that opens one, by the title of the button."""
        return {button["text"]: button["url"] for button in self._keyboard() if "url" in button}

    @property
    def presses(self) -> dict[str, str]:
        """Return the data of each button whose press is reported to the CRM, by the title of the button."""
        return {button["text"]: button["callback_data"] for button in self._keyboard() if "callback_data" in button}

    def _keyboard(self) -> list[dict[str, str]]:
        markup = json.loads(self.params.get("reply_markup", "{}"))
        return [button for row in markup.get("inline_keyboard", []) for button in row]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response with a status, and JSON or raw bytes as body."""

    status: int
    body: dict[str, Any] | bytes = field(default_factory=dict)


class BotApi:
    """The server. `messages` are the accepted messages, and `requests` are all requests as (method, parameters)."""

    def __init__(self, token: str = TOKEN) -> None:
        self.token = token
        self.messages: list[Sent] = []
        self.files: list[SentFile] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.webhook: dict[str, str] = {}
        """The parameters of the last `setWebhook`."""
        self.moved: dict[str, int] = {}
        """The new id of each group that has become a supergroup, by its old id."""
        self._chat_faults: dict[str, Answer] = {}
        self._faults: deque[Answer | Callable[[], None]] = deque()
        self._released = threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """Return the URL for `TELEGRAM_BASE_URL`."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def requested_chats(self) -> list[str]:
        """Return the chats of all requests, including those of refused requests."""
        return [params.get("chat_id", "") for _method, params in self.requests]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # --- faults: each call makes one more request fail

    def fail(self, status: int, description: str, **parameters: int) -> None:
        """Refuse the next request with an error of the Bot API."""
        self._faults.append(Answer(status, _refusal(status, description, parameters)))

    def fail_for(self, chat_id: str, status: int, description: str, **parameters: int) -> None:
        """Refuse the next request for this chat with an error of the Bot API."""
        self._chat_faults[chat_id] = Answer(status, _refusal(status, description, parameters))

    def answer_raw(self, body: bytes, status: int = 200) -> None:
        """Respond to the next request with a body that is not the Bot API's JSON."""
        self._faults.append(Answer(status, body))

    def hang(self) -> None:
        """Do not respond to the next request until the server is closed."""
        self._faults.append(self._wait_until_released)

    def _wait_until_released(self) -> None:
        self._released.wait(30)

    # --- called by the request handler

    def answer(self, path: str, params: dict[str, str], file: tuple[str, bytes] = ("", b"")) -> Answer:
        """Return the response to one request. `file` is the name and the content of an uploaded file."""
        token, _, method = path.removeprefix("/bot").partition("/")
        with self._lock:
            self.requests.append((method, params))
            fault: Answer | Callable[[], None] | None = self._chat_faults.pop(params.get("chat_id", ""), None)
            if fault is None and self._faults:
                fault = self._faults.popleft()
        if isinstance(fault, Answer):
            return fault
        if fault is not None:
            fault()
        if token != self.token:
            return Answer(401, _refusal(401, "Unauthorized"))
        if method == "sendMessage":
            return self._accept_message(params)
        if method == "sendDocument":
            return self._accept_file(params, *file)
        if method == "editMessageText":
            return self._edit_message(params)
        if method == "setWebhook":
            self.webhook = params
            return Answer(200, {"ok": True, "result": True})
        if method == "getMe":
            bot = {"id": 123456, "is_bot": True, "first_name": "Цветы", "username": "cvety_made_up_bot"}
            return Answer(200, {"ok": True, "result": bot})
        return Answer(404, _refusal(404, "Not Found"))

    def _accept_message(self, params: dict[str, str]) -> Answer:
        chat_id = params.get("chat_id", "")
        if chat_id in self.moved:
            moved = {"migrate_to_chat_id": self.moved[chat_id]}
            return Answer(400, _refusal(400, "Bad Request: group chat was upgraded to a supergroup chat", moved))
        html = params.get("text", "")
        try:
            text = telegram_html.read(html)
        except telegram_html.BadHtmlError as error:
            return Answer(400, _refusal(400, f"Bad Request: can't parse entities: {error}"))
        if not text.strip():
            return Answer(400, _refusal(400, "Bad Request: message text is empty"))
        if telegram_html.length(text) > LIMIT:
            return Answer(400, _refusal(400, "Bad Request: message is too long"))
        with self._lock:
            sent = Sent(len(self.messages) + 1, chat_id, html, params)
            if any("localhost" in url or not url.startswith("http") for url in sent.buttons.values()):
                return Answer(400, _refusal(400, "Bad Request: BUTTON_URL_INVALID"))
            if any(not 1 <= len(data.encode()) <= 64 for data in sent.presses.values()):
                return Answer(400, _refusal(400, "Bad Request: BUTTON_DATA_INVALID"))
            self.messages.append(sent)
        return _message(sent)

    def _accept_file(self, params: dict[str, str], name: str, content: bytes) -> Answer:
        chat_id = params.get("chat_id", "")
        if chat_id in self.moved:
            moved = {"migrate_to_chat_id": self.moved[chat_id]}
            return Answer(400, _refusal(400, "Bad Request: group chat was upgraded to a supergroup chat", moved))
        caption = telegram_html.read(params.get("caption", ""))
        if telegram_html.length(caption) > CAPTION_LIMIT:
            return Answer(400, _refusal(400, "Bad Request: message caption is too long"))
        if not content:
            return Answer(400, _refusal(400, "Bad Request: file must be non-empty"))
        with self._lock:
            sent = SentFile(1000 + len(self.files), chat_id, caption, name, content)
            self.files.append(sent)
        return _message(sent)

    def _edit_message(self, params: dict[str, str]) -> Answer:
        with self._lock:
            number = int(params["message_id"])
            known = next((sent for sent in self.messages if sent.message_id == number), None)
            if known is None or known.chat_id != params["chat_id"]:
                return Answer(400, _refusal(400, "Bad Request: message to edit not found"))
            edited = Sent(number, known.chat_id, params["text"], params)
            if (edited.html, edited.params.get("reply_markup")) == (known.html, known.params.get("reply_markup")):
                return Answer(400, _refusal(400, "Bad Request: message is not modified: the new message is the same"))
            telegram_html.read(edited.html)
            self.messages[self.messages.index(known)] = edited
        return _message(edited)


def _message(sent: Sent | SentFile) -> Answer:
    chat_id = sent.chat_id
    chat = {"id": int(chat_id) if chat_id.lstrip("-").isdigit() else 1, "type": "supergroup"}
    content = {"text": sent.text} if isinstance(sent, Sent) else {"caption": sent.caption}
    result = {"message_id": sent.message_id, "date": 1756100000, "chat": chat, **content}
    return Answer(200, {"ok": True, "result": result})


def _refusal(status: int, description: str, parameters: dict[str, int] | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    return body | ({"parameters": parameters} if parameters else {})


def _parts(kind: str, raw: bytes) -> tuple[dict[str, str], tuple[str, bytes]]:
    """Return the parameters and the file of a form with an upload."""
    params: dict[str, str] = {}
    file = ("", b"")
    for part in message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + raw, policy=HTTP).iter_parts():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if part.get_filename() is not None:
            file = (str(part.get_filename()), content)
        else:
            params[str(part.get_param("name", header="content-disposition"))] = content.decode()
    return params, file


def _handler(api: BotApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kind = self.headers.get("Content-Type", "")
            if kind.startswith("multipart/"):
                answer = api.answer(self.path, *_parts(kind, raw))
            else:
                answer = api.answer(self.path, {name: values[-1] for name, values in parse_qs(raw.decode()).items()})
            body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
            try:
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                pass  # the client has closed the connection

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing, because the URL contains the token."""

    return Handler
