"""Texts of 10,000 characters on which a bad pattern takes seconds or hours, and the measuring of their search.

A backtracking search is slow on a long run of one unit, such as a comma or a syllable, that the pattern can divide in
many ways or from many starts. The units are taken from a list and from the pattern itself.
"""

import importlib
import math
import re
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple

LENGTH = 10_000
LIMIT = 0.2
"""The limit of processor time in seconds, for a text four times as long as `LENGTH`. A linear search takes a tenth of
it, and a quadratic search takes several times as long."""
_SHORT = LENGTH // 4
_SUSPICIOUS = 0.001
"""A search of a text of `_SHORT` characters that takes longer (seconds) is measured again with longer texts. A linear
search takes a fifth of it, and a quadratic search takes many times as long."""

_MOST_GROWTH = 8
"""The largest growth of the time for a text four times as long. Linear time grows by 4, and quadratic time by 16."""

_CHARACTERS = (*",.;:-_()[]{}<>«»\"'`/\\|@#№&%+*=!?~^$ \t\n\r0194aAzаяЁәё", "\u00a0", "\u2014", "\0", "😀")
_WORDS = (", ", " ,", "()", "[]", "1,", "1 ", "1-", "1.", "1:", "(1", "а ", "а-", "а1", "a.", "a@", "a.b", "-1", "кв",
          "кв ", "эт.", "ский", "ский ", "мкр ", "район ", "\r\n", "<br", "&#1", "%41", "+7", " до ", "//")  # fmt: skip
_ENDS = ("\0", "кв")
_ALL = ("search", "fullmatch", "sub")
_METHODS = {"split": "sub", "findall": "sub", "finditer": "sub", "subn": "sub"}

_parser: Any = importlib.import_module("re._parser")
_op: Any = importlib.import_module("re._constants")
_CATEGORIES = {
    _op.CATEGORY_DIGIT: "1",
    _op.CATEGORY_NOT_DIGIT: ",x",
    _op.CATEGORY_SPACE: " \n",
    _op.CATEGORY_NOT_SPACE: "x,",
    _op.CATEGORY_WORD: "a1_",
    _op.CATEGORY_NOT_WORD: ", ",
}
_SINGLE = (_op.LITERAL, _op.NOT_LITERAL, _op.ANY, _op.IN)
_REPEATS = (_op.MAX_REPEAT, _op.MIN_REPEAT, _op.POSSESSIVE_REPEAT)


class Hostile(NamedTuple):
    """A prefix, a unit that is repeated, and an end."""

    prefix: str
    unit: str
    end: str

    def text(self, length: int) -> str:
        """Return the text. Its run of units has this number of characters."""
        run = self.unit * (length // len(self.unit) + 1)
        return self.prefix + run[:length] + self.end


def hostile_texts(pattern: re.Pattern[str] | None = None) -> Iterator[Hostile]:
    """Yield the texts for a pattern, or only the texts for any code."""
    own: set[tuple[str, str]] = set()
    whole = _sample(_parser.parse(pattern.pattern, pattern.flags), own, "") if pattern else "Абая 10"
    units = {("", unit) for unit in (*_CHARACTERS, *_WORDS)} | own | {(whole, unit) for unit in _CHARACTERS}
    ends = dict.fromkeys((*_ENDS, whole))
    for prefix, unit in sorted(units):
        for end in ends:
            if unit:
                yield Hostile(prefix, unit, end)


def slow_text(pattern: re.Pattern[str], methods: Iterable[str] = _ALL) -> tuple[str, Hostile] | None:
    """Return a method of the pattern and a text for which it is slow, or None."""
    calls = sorted({_METHODS.get(method, method) for method in methods})
    for hostile in hostile_texts(pattern):
        for call in calls:
            shortest = _seconds(pattern, call, hostile.text(_SHORT))
            if shortest < _SUSPICIOUS:
                continue
            # The other load of the machine may have slowed down one measurement, and a slow pattern would be missed.
            shortest = min(shortest, *(_seconds(pattern, call, hostile.text(_SHORT)) for _ in range(2)))
            short = _seconds(pattern, call, hostile.text(LENGTH))
            if short <= min(_MOST_GROWTH * shortest, LIMIT):
                continue
            long = _seconds(pattern, call, hostile.text(4 * LENGTH), limit=2 * LIMIT)
            if short == math.inf or (long >= LIMIT and long > _MOST_GROWTH * short):
                return call, hostile
    return None


class TooSlowError(Exception):
    """The code took more processor time than allowed."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `TooSlowError` in the code of the block when it has taken this processor time. It stops a search too."""
    before = signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise TooSlowError


def _seconds(pattern: re.Pattern[str], call: str, text: str, limit: float = LIMIT) -> float:
    arguments = ("", text) if call == "sub" else (text,)
    method = getattr(pattern, call)
    started = time.process_time()
    try:
        with limited(limit):
            method(*arguments)
    except TooSlowError:
        return math.inf
    return time.process_time() - started


def _sample(nodes: Any, units: set[tuple[str, str]], before: str) -> str:
    """Return a short text that the parsed pattern matches. Add its beginnings and its repeated parts to `units`.

    `before` is the text that the pattern matches before these nodes. Lookarounds are not respected.
    """
    text = ""
    for operation, argument in nodes:
        text += _sample_of_node(operation, argument, units, before + text)
        units.add(("", before + text))
    return text


def _sample_of_node(operation: Any, argument: Any, units: set[tuple[str, str]], before: str) -> str:
    if operation in _SINGLE:
        return _matching(operation, argument)[:1]
    if operation in _REPEATS:
        least, most, body = argument
        inner = _sample(body, units, before)
        if most > 1:
            units.update((before, unit) for unit in _repeated(body, inner))
        return inner * max(least, 1)
    if operation is _op.SUBPATTERN:
        return _sample(argument[3], units, before)
    if operation is _op.ATOMIC_GROUP:
        return _sample(argument, units, before)
    if operation is _op.BRANCH:
        choices = [_sample(choice, units, before) for choice in argument[1]]
        units.update((before, choice) for choice in choices)
        return choices[0]
    return ""


def _repeated(body: Any, sample: str) -> Iterable[str]:
    return _matching(*body[0]) if len(body) == 1 and body[0][0] in _SINGLE else [sample]


def _matching(operation: Any, argument: Any) -> str:
    """Return some characters that one node of a parsed pattern matches."""
    if operation is _op.LITERAL:
        return chr(argument)
    if operation is _op.NOT_LITERAL:
        return "b" if argument != ord("b") else "c"
    if operation is _op.RANGE:
        return chr(argument[0])
    if operation is _op.CATEGORY:
        return _CATEGORIES[argument]
    if operation is _op.IN and argument[0][0] is not _op.NEGATE:
        return "".join(_matching(*one) for one in argument)[:8]
    if operation is _op.IN:
        excluded = {char for one in argument[1:] for char in _matching(*one)}
        return "".join(char for char in "ab1, -(" if char not in excluded)[:3]
    return "b"
