"""The expression of the generated `search` columns, in PostgreSQL's `simple` configuration.

Words are in lower case, with Kazakh letters replaced by similar Russian ones. A phone is stored as its last 10, 7 and
4 digits, so a row is found by its phone in any format. Weights separate what users who may not see phones may search:
A is for words without phones, B for the last digits of phones, and D for all words, including the phones in them.
"""

from collections.abc import Sequence

from django.db.models import CharField, Expression, F, Func, TextField, Value
from django.db.models.functions import Coalesce, Concat, Right

_PHONE_IN_TEXT = r"\d([^[:alnum:]]*\d){6,}"
"""A PostgreSQL pattern of seven or more digits with any separators between them."""
_SEPARATORS = "-/.,№#«»\"'():;+"
SIMILAR_LETTERS = {"ё": "е", "ә": "а", "і": "и", "ұ": "у", "ү": "у", "қ": "к", "ғ": "г", "ң": "н", "ө": "о", "һ": "х"}
"""Letters that a Russian keyboard does not have or that can be written in two ways, with the letters that replace them.
A search for Айгерим then finds Айгерім."""


def _words(name: str) -> Expression:
    text = Coalesce(F(name), Value(""), output_field=TextField())
    return Func(
        Func(text, function="lower"),
        Value("".join(SIMILAR_LETTERS) + _SEPARATORS),
        Value("".join(SIMILAR_LETTERS.values()) + " " * len(_SEPARATORS)),
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
    """Return the expression of a generated tsvector column over these columns.

    PostgreSQL requires that this expression is immutable. `keys` are columns, such as the number of an order, whose
    digits are never a phone.
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
