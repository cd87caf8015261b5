"""Finding an order or a customer: the generated `search` column and the query that reads it.

For the `simple` configuration: words in lower case, Kazakh letters as
their Russian neighbours, and a phone as its last 10, 7 and 4 digits, so that
any spelling of a phone and its last four digits find it. What may be asked by whoever may not see phones is told apart
by weight: A are words without any phone, B the endings of phones, D all words, with the phones that are typed in them.
"""

import re
from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db import connection, transaction
from django.db.models import CharField, Expression, F, Func, QuerySet, TextField, Value
from django.db.models.functions import Coalesce, Concat, Right

LAST, WHOLE = 4, 10
"""Digits by which a phone is found by whoever may not see it: those that are shown to him, or all of them."""
_PHONE_IN_TEXT = r"\d([^[:alnum:]]*\d){6,}"
"""Seven digits and more, whatever stands between them; for PostgreSQL."""
_SEPARATORS = "-/.,№#«»\"'():;+"
_SOUNDS = {"ё": "е", "ә": "а", "і": "и", "ұ": "у", "ү": "у", "қ": "к", "ғ": "г", "ң": "н", "ө": "о", "һ": "х"}
"""Letters that a Russian keyboard lacks, or that people write in two ways: Айгерім is found by Айгерим."""


def _words(name: str) -> Expression:
    text = Coalesce(F(name), Value(""), output_field=TextField())
    return Func(
        Func(text, function="lower"),
        Value("".join(_SOUNDS) + _SEPARATORS),
        Value("".join(_SOUNDS.values()) + " " * len(_SEPARATORS)),
        function="translate",
        output_field=TextField(),
    )


def _without_phones(words: Expression) -> Expression:
    return Func(
        words, Value(_PHONE_IN_TEXT), Value(" "), Value("g"), function="regexp_replace", output_field=TextField()
    )


def _phone_endings(name: str) -> Expression:
    digits = Func(
        Coalesce(F(name), Value(""), output_field=CharField()),
        Value(r"\D"),
        Value(""),
        Value("g"),
        function="regexp_replace",
        output_field=CharField(),
    )
    return Concat(
        Right(digits, 10), Value(" "), Right(digits, 7), Value(" "), Right(digits, 4), output_field=TextField()
    )


def search_document(*, words: Sequence[str], phones: Sequence[str] = (), keys: Sequence[str] = ()) -> Expression:
    """Return the expression of a generated tsvector column over these columns. It is immutable, as one must be.

    `keys` are words that hold no phone, however many digits they have: an order's number.
    """
    texts, numbers = list(map(_words, words)), list(map(_words, keys))
    if not phones:
        return _vector([*numbers, *texts])
    return _joined(
        _weighted([*numbers, *map(_without_phones, texts)], "A"),
        _weighted(list(map(_phone_endings, phones)), "B"),
        _vector(texts),
    )


def _vector(parts: Sequence[Expression]) -> Expression:
    spaced = [piece for part in parts for piece in (part, Value(" "))]
    return Func(
        Concat(*spaced, output_field=TextField()),
        function="to_tsvector",
        template="%(function)s('simple'::regconfig, %(expressions)s)",
    )


def _weighted(parts: Sequence[Expression], weight: str) -> Expression:
    return Func(_vector(parts), function="setweight", template=f"%(function)s(%(expressions)s, '{weight}')")


def _joined(*vectors: Expression) -> Expression:
    return Func(*vectors, template="(%(expressions)s)", arg_joiner=" || ")


def search_query(text: str, *, may_see_phones: bool) -> SearchQuery | None:
    """Return the query for what somebody typed: every word as a prefix, or a phone in any spelling; None if empty.

    Whoever may not see phones finds one by the whole of it or by its last four digits, never by a beginning: with
    enough questions that would spell it out. `orders.visibility.search_for` asks it for a user.
    """
    words = re.findall(r"\w+", text.lower().translate(str.maketrans("".join(_SOUNDS), "".join(_SOUNDS.values()))))
    if not words:
        return None
    digits = re.sub(r"\D", "", text)
    has_letters = re.search(r"[^\W\d_]", text) is not None
    if not may_see_phones:
        query = _raw(" & ".join(map(_word_or_phone, words)))
        ending = "" if has_letters else _hidden_ending(digits)
        return query | _raw(f"'{ending}':B") if ending else query
    query = _raw(" & ".join(f"'{word}':*" for word in words))
    if len(digits) >= LAST and not has_letters:
        if len(digits) == 11 and digits[0] in "78":
            digits = digits[1:]
        elif len(words) > 1 and words[0] in ("7", "8"):
            digits = digits[1:]  # the beginning of a phone, typed with its country code
        query |= _raw(f"'{digits[-WHOLE:]}':*")
    return query


def _word_or_phone(word: str) -> str:
    ending = _hidden_ending(word)
    return f"('{word}':*A | '{ending}':B)" if ending else f"'{word}':*A"


def _hidden_ending(digits: str) -> str:
    """Return what these digits find a hidden phone by; empty if they are neither its end nor the whole."""
    is_ending = re.fullmatch(r"[0-9]+", digits) and (len(digits) == LAST or len(digits) >= WHOLE)
    return digits[-WHOLE:] if is_ending else ""


def _raw(query: str) -> SearchQuery:
    return SearchQuery(query, config="simple", search_type="raw")


def keys_of_few(found: QuerySet[Any], most: int) -> list[Any] | None:
    """Return the keys of what is found, or None when that is more than `most`. By the index, whatever is looked for.

    The database can't tell a rare word from a common one, and would read the table from its beginning for either,
    hoping to have enough soon.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        keys = list(found.order_by().values_list("pk", flat=True)[: most + 1])
        cursor.execute("SET LOCAL enable_seqscan = on")
    return keys if len(keys) <= most else None
