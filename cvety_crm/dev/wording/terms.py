"""The retired words, each with the terms to use instead.

A key lists the forms of a word. A space in a form matches white space, a line break or an underscore; an underscore
matches only itself. Names in CamelCase are split before the search.
"""

import re
from collections.abc import Iterator

RETIRED = {
    "whoever|whomever|whosever": "the one that, the user that",
    "nobody": "no one, or a passive sentence",
    "anybody": "anyone",
    "whatever": "any, or leave it out",
    "anew": "again",
    "meanwhile": "in the meantime, since then, or leave it out",
    "by now": "already, or leave it out",
    "nudge|nudges|nudged|nudging": "schedule_delivery, wake_worker",
    "rehearse|rehearses|rehearsed|rehearsing|rehearsal|rehearsals": "dry run",
    "trouble|troubles|troubled|troubling": "error, failure, problem",
    "wish|wishes|wished|wishing": "pending change, desired value; of a customer: request",
    "mend|mends|mended|mending": "fix, repair",
    "told|tell rows": "notified, reported, said; of time: notified_at",
    "hear|hears|heard|hearing": "receive; of time: received_at",
    "take over|takes over|taken over|taking over|took over|takeover": "import (history), apply (a snapshot), store",
    "look around|looks around|looked around|looking around": "load_import_context",
    "surrounding|surroundings|stand around|stands around|standing around": "ImportContext, header context",
    "hurry|hurries|hurried|hurrying": "wake_worker, soon",
    "pause|pauses|paused|pausing|patience|patient|patiently": "backoff, retry delay",
    "grace": "hold, hold period; of a process: shutdown timeout",
    "going back": "redirect_back",
    "other room|another room|every room|each room|no room|for room|in room": "module, package, app",
    "other rooms|other house|other houses|the rooms|all rooms|rooms are": "modules, packages, apps",
    "let go|lets go|letting go": "release",
    "take up|takes up|taken up|taking up|took up": "pick up",
    "go on|goes on|going on|went on|gone on": "continue, resume",
    "in words": "as text, the label",
    "stand in|stand ins": "sandbox, fake Bitrix classes",
    "take back|takes back|taken back|taking back|took back": "undo",
}

_FORMS = {form: instead for forms, instead in RETIRED.items() for form in forms.split("|")}
_FIRST = frozenset(re.split("[ _]", form)[0] for form in _FORMS)
_GAP = r"[\s_-]+"
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TOKEN = re.compile(r"[A-Za-z]+")
# The longest form comes first, so that "other rooms" is not found as "other room".
_PATTERN = re.compile(
    rf"(?:{'|'.join(form.replace(' ', _GAP) for form in sorted(_FORMS, key=len, reverse=True))})(?![A-Za-z0-9])",
    re.IGNORECASE,
)


def retired_words(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line, the retired word and the terms to use instead, for each use in the text."""
    text = _CAMEL.sub(" ", text)
    for token in _TOKEN.finditer(text):
        if token[0].lower() in _FIRST and (match := _PATTERN.match(text, token.start())):
            word = " ".join(match[0].split())
            yield text.count("\n", 0, token.start()) + 1, word, instead_of(word)


def instead_of(word: str) -> str:
    """Return the terms to use instead of a retired word."""
    lower = word.lower()
    return _FORMS.get(lower) or _FORMS[re.sub(r"[\s_-]+", " ", lower)]
