"""Tests that no regular expression is slow on a hostile text, such as an address of 10,000 commas.

The tests find the regular expressions in the source. A function that builds one from its arguments must be listed in
`BUILT`.
"""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db import connection, transaction

from bitrix_bridge.history import grants
from bitrix_bridge.site_check import masking as site_check_masking
from cvety_crm import masking
from orders.presentation import addresses
from orders.values.phone_masking import start_of, without_phones
from orders.values.phones import normalize_phone
from orders.values.search_document import _PHONE_IN_TEXT
from orders.values.text import clean_line, clean_lines
from tests.hostile_texts import LENGTH, LIMIT, TooSlowError, hostile_texts, limited, slow_text
from tests.patterns_in_code import (
    PACKAGES,
    ROOT,
    Found,
    in_module,
    in_php,
    in_python,
    in_scripts,
    other_ways,
)

BUILT = {
    "orders/presentation/addresses.py: _word": lambda: addresses._word("Алматы"),
    "cvety_crm/masking.py: _secrets": lambda: masking._secrets(("aaaaaaaa", "made-up-token")),
    "bitrix_bridge/history/grants.py: _is_of": lambda: re.compile(grants._pattern("cvety\\_%")),
    "bitrix_bridge/site_check/masking.py: _pattern_of": lambda: site_check_masking._pattern_of("cvety.kz"),
}
"""The functions that build a regular expression from their arguments, each with an example."""


def all_patterns() -> list[Found]:
    return [
        replace(one, pattern=BUILT[one.where]()) if one.pattern is None and one.where in BUILT else one
        for one in in_python()
    ]


def test_no_pattern_is_slow_on_hostile_text():
    found = all_patterns()
    assert len(found) > 70
    assert [one.where for one in found if one.pattern is None] == [], "list an example in BUILT"
    measured = {(one.pattern, one.methods): one for one in found}.values()
    slow = {one.where: text for one in measured if (text := slow_text(one.pattern, one.methods))}
    assert slow == {}


def test_every_pattern_is_found_by_scan():
    sources = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    assert {str(path): ways for path in sources if (ways := other_ways(path.read_text()))} == {}


@pytest.mark.parametrize(
    ("pattern", "methods"),
    [
        (r"[\s,;(]*(?<!\w)кв.*", ["sub"]),
        (r"\b[\w-]+(?:ский|овский)\s+район\b", ["search"]),
        (r"(?:[\w-]+,?)+кв", ["fullmatch"]),
        (r"[0-9]+\.?[0-9]*", ["fullmatch"]),
        (r"\([^)]*\)", ["sub"]),
        (r"[\w.+-]+@[\w-]+", ["search"]),
        (r"(?:а|ва|ава)+$", ["search"]),
        (r"\s*T\s*|\s*,?\s+x", ["match"]),
        (r"(?:мкр\s*)+\d", ["search"]),
        (r"<b>.*?</b>", ["findall"]),
        (r"№\d+(?:\s*\d+)*x", ["search"]),
    ],
)
def test_slow_pattern_is_noticed(pattern, methods):
    assert slow_text(re.compile(pattern), methods) is not None


@pytest.mark.parametrize(
    ("pattern", "methods"),
    [
        (r"[\s,;(]{0,3}(?<!\w)кв.*", ["sub"]),
        (r"[0-9]+(?:\.[0-9]*)?", ["fullmatch"]),
        (r"\([^()]*\)", ["sub"]),
        (r"[\w.+-]+@[\w-]+", ["match"]),
        (r"\S{25,}", ["sub"]),
        (r"(?:a++b)*+c", ["match"]),
    ],
)
def test_linear_pattern_is_accepted(pattern, methods):
    assert slow_text(re.compile(pattern), methods) is None


PLANTED = """
import re
_END = r"\\)"
_USED = re.compile(rf"a+{_END}", re.IGNORECASE)
_PASSED = re.compile("b")
_SEVERAL = (re.compile("c"), re.compile("d"))
_BUILT = {"k": [re.compile(one + "i") for one in ("", "h")]}
def one(text):
    _USED.match(text)
    return _USED.sub("", text), list(map(_PASSED.sub, text)), use(_PASSED)
def two(text, word):
    return re.search(rf"x{word}", text), re.split("e", text), re.fullmatch("f", text, re.ASCII), re.escape(text)
urls = [re_path("^g$", one, "h")]
def three(texts):
    return [re.search(one, text) for one, text in texts]
"""


def test_scan_finds_every_pattern_with_its_flags_and_methods():
    values = {"re_path": print}
    exec(PLANTED, values)
    any_method = {"search", "fullmatch", "sub"}
    found = [
        (one.where, one.pattern and one.pattern.pattern, set(one.methods)) for one in in_module(PLANTED, "m", values)
    ]
    assert found == [
        ("m:4", r"a+\)", {"match", "sub"}),
        ("m:5", "b", any_method),
        ("m:6", "c", any_method),
        ("m:6", "d", any_method),
        ("m: two", None, {"search"}),
        ("m:12", "e", {"split"}),
        ("m:12", "f", {"fullmatch"}),
        ("m:13", "^g$", {"search"}),
        ("m: three", None, {"search"}),
        ("m: _BUILT", "i", any_method),
        ("m: _BUILT", "hi", any_method),
    ]  # fmt: skip
    flags = {one.pattern.pattern: one.pattern.flags for one in in_module(PLANTED, "m", values) if one.pattern}
    assert (flags[r"a+\)"], flags["f"]) == (re.IGNORECASE | re.UNICODE, re.ASCII)
    imported = list(in_module("import re", "m", {"LIMIT": re.compile("g")}))
    assert [(one.where, one.pattern.pattern) for one in imported] == [("m: LIMIT", "g")]


@pytest.mark.parametrize(
    "source",
    ["from re import search", "import regex", "import re as r", "RegexValidator('a+')", "forms.RegexField()",
     "orders.filter(comment__iregex='a')"],
)  # fmt: skip
def test_scan_refuses_patterns_that_it_does_not_see(source):
    assert len(other_ways(source)) == 1


SCRIPTS = sorted(path for path in (ROOT / "static").rglob("*.js") if "vendor" not in path.parts)
PHP = sorted((ROOT / "bitrix_bridge/php").glob("*.php"))


@pytest.mark.parametrize("path", [*SCRIPTS, *PHP], ids=lambda path: path.name)
def test_no_pattern_of_script_or_of_php_is_slow(path):
    source = path.read_text()
    found = in_php(source) if path.suffix == ".php" else in_scripts(source)
    assert source.count("preg_") == len(in_php(source))
    assert "RegExp(" not in source
    assert {one.pattern: slow for one in found if (slow := slow_text(one))} == {}


def test_patterns_of_scripts_and_of_php_are_found():
    script = 'a.replace(/[\\s\\u00a0/]+/g, "").split(/,\\//); const b = 4 / 2 / 1;\nif (!/(?<year>e)/i.test(f)) g();'
    assert [one.pattern for one in in_scripts(script)] == ["[\\s\\u00a0/]+", ",/", "(?P<year>e)"]
    php = "preg_match('/^a(?<!b)$/i', $x); preg_replace('~/c(/?)$~', '', $y); preg_replace('/[\\x{10000}]/u', '', $z);"
    assert [one.pattern for one in in_php(php)] == ["^a(?<!b)$", "/c(/?)$", "[\\U00010000]"]
    assert sum(len(in_scripts(path.read_text())) for path in SCRIPTS) == 7


@pytest.mark.parametrize(
    "function",
    [addresses.building, addresses.split_address, addresses.one_line, without_phones, normalize_phone, clean_line,
     lambda text: clean_lines(text, breaks=True), lambda text: start_of(text, LENGTH // 2)],
)  # fmt: skip
def test_function_for_texts_of_customers_is_fast(function: Callable[[str], object]):
    for hostile in hostile_texts():
        with limited(LIMIT):
            function(hostile.text(LENGTH))


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", [_PHONE_IN_TEXT, r"\D"])
def test_pattern_of_database_is_fast(pattern):
    texts = [hostile.text(LENGTH).replace("\0", "") for hostile in hostile_texts()]
    texts += [("1111111" + unit * LENGTH)[:LENGTH] for unit in ("1, ", "1,1,1,1,1,1,a", "123456 a", "1111111a")]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '20s'")  # all texts together take a second
        cursor.execute(
            "SELECT count(regexp_replace(text, %s, ' ', 'g')) FROM unnest(%s::text[]) AS text", [pattern, texts]
        )
        assert cursor.fetchone() == (len(texts),)


def test_limit_stops_slow_code():
    with pytest.raises(TooSlowError), limited(0.05):
        re.compile(r"(a|aa)+$").search("a" * LENGTH + "b")
