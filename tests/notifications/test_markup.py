"""Tests of escaping HTML, and of the length limit of messages."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications.markup import LongList, LongText, clean, compose, fit, line, units
from tests.notifications import telegram_html

ANY_TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from("<>&\"'\n😀👩‍💻әғқ₸"), max_size=300)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("<b>&\"'", "&lt;b&gt;&amp;&quot;&#x27;"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("a\n\n\n\nb", "a\n\nb"),
        ("a\x00b\x1fc\x7f", "abc"),
        ("tab\there", "tab here"),
        ("\u202eturned\u2069", "turned"),
        ("half \ud83d", "half"),
        ("👩\u200d💻 Әлия", "👩\u200d💻 Әлия"),
    ],
)
def test_fit_escapes_and_cleans_text(text: str, expected: str) -> None:
    assert fit(text, 100) == expected


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "abcd…"),
        ("ab cdef", 4, "ab…"),
        ("&&&", 15, "&amp;&amp;&amp;"),
        ("&&&", 14, "&amp;&amp;…"),
        ("😀😀😀", 6, "😀😀😀"),
        ("😀😀😀", 5, "😀😀…"),
        ("😀😀😀", 4, "😀…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
    ],
)
def test_fit_cuts_text_to_the_limit(text: str, limit: int, expected: str) -> None:
    assert fit(text, limit) == expected


def test_line_replaces_line_breaks_by_spaces() -> None:
    assert line("a\n b\r\n\tc\u2028d") == "a b c d"
    assert line("9\u00a0000") == "9\u00a0000"


def test_compose_keeps_short_parts_and_cuts_long_parts_equally() -> None:
    text = compose(["head", LongText("1 ", "short"), LongText("2 ", "x" * 500), LongText("3 ", "y" * 500)], limit=200)

    first, short, second, third = text.split("\n")
    assert (first, short) == ("head", "1 short")
    assert abs(len(second) - len(third)) <= 1
    assert 190 < len(text) <= 200


def test_compose_omits_empty_parts() -> None:
    assert compose(["a", "", LongText("", " "), "b"]) == "a\nb"


def test_cut_list_states_the_number_of_omitted_lines() -> None:
    lines = [f"line {number}" for number in range(100)]

    text = compose(["head", LongList(lines, lambda count: f"and {count} more"), "tail"], limit=60)

    assert text.split("\n") == ["head", "line 0", "line 1", "line 2", "line 3", "line 4", "and 95 more", "tail"]


@settings(deadline=None)
@given(text=ANY_TEXT, limit=st.integers(0, 400))
def test_fit_returns_valid_html_within_the_limit_for_any_text(text: str, limit: int) -> None:
    cut = fit(text, limit)

    assert units(cut) == telegram_html.length(cut) <= limit
    shown = telegram_html.read(cut)
    assert shown == clean(text) or clean(text).startswith(shown.removesuffix("…"))


@settings(deadline=None)
@given(texts=st.lists(ANY_TEXT, max_size=8), lines=st.lists(ANY_TEXT, max_size=30), limit=st.integers(0, 900))
def test_compose_returns_valid_html_within_the_limit_for_any_parts(
    texts: list[str], lines: list[str], limit: int
) -> None:
    parts = [LongText("<b>!</b> ", text) for text in texts]
    items = LongList([line(one) for one in lines], lambda count: f"{count} more")

    text = compose([*parts, items], limit=limit)

    assert telegram_html.length(text) <= limit
    telegram_html.read(text)
