"""Functions that read the texts of an HTML page that a user sees or a screen reader speaks.

They read text nodes and some attributes.
"""

import re
from html.parser import HTMLParser

SHOWN_ATTRIBUTES = ("title", "placeholder", "aria-label", "alt", "label")
UNSEEN = {"script", "style", "template", "svg"}
NAMES_OF_KEYS = {"kbd"}
TYPED_BY_PEOPLE = {"textarea", "pre", "code"}
NAMES = {
    *("cvety", "telegram", "bitrix", "kaspi", "whatsapp", "instagram", "excel", "postgresql", "mysql", "qcluster"),
    *("commerceml", "esc", "control", "ctrl", "enter", "command", "mac", "n"),
    *("chrome", "safari", "windows", "linux", "iphone", "google", "microsoft", "authenticator"),
}
"""The names of products and keys that are the same in Russian.

Words in capitals, such as CRM and HTML, are also allowed.
"""

WITHOUT_END = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.texts = []
        self._skipped = []

    def handle_starttag(self, tag, attrs):
        attributes = {name: value or "" for name, value in attrs}
        self.texts += [attributes[name] for name in SHOWN_ATTRIBUTES if name in attributes]
        if tag == "input" and attributes.get("type") in ("submit", "button", "reset"):
            self.texts.append(attributes.get("value", ""))
        if tag not in WITHOUT_END:
            icon = "material-symbols-outlined" in attributes.get("class", "")
            self._skipped.append((tag, tag in UNSEEN | TYPED_BY_PEOPLE | NAMES_OF_KEYS or icon))

    def handle_endtag(self, tag):
        while self._skipped and tag in (open_tag for open_tag, _ in self._skipped):
            if self._skipped.pop()[0] == tag:
                break

    def handle_data(self, data):
        if data.strip() and not any(skipped for _, skipped in self._skipped):
            self.texts.append(data)


def visible_texts(page):
    """Return the texts of the elements and attributes of a page, except texts that users or programs have entered."""
    reader = _Reader()
    reader.feed(page)
    return [re.sub(r"\s+", " ", text).strip() for text in reader.texts]


def latin_words(text):
    """Return the words in Latin letters, except addresses, words with digits, and words masked with `***`."""
    text = re.sub(r"\S+@\S+|https?://\S+|\S*\d\S*|\S*\*\*\S*", " ", text)
    return re.findall(r"[A-Za-z]+(?:[._'’-][A-Za-z]+)*", text)


def english_words(text, also_known=frozenset()):
    """Return the English words of a text, except names, codes and words in capitals."""
    known = NAMES | also_known
    return {word for word in latin_words(text) if not (word.isupper() or _is_code(word) or word.lower() in known)}


def _is_code(word):
    return "_" in word or "." in word
