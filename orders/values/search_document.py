"""The expression of the generated `search` columns, in PostgreSQL's `simple` configuration.

Words are in lower case, with Kazakh letters replaced by similar Russian ones. A phone is stored as its last 10, 7 and
4 digits, so a row is found by its phone in any format. Weights separate what users who may not see phones may search:
A is for words without phones, B for the last digits of phones, and D for all words, including the phones in them.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from django.db.models import CharField, Expression, F, Func, TextField, Value
from django.db.models.functions import Coalesce, Concat, Right

_PHONE_IN_TEXT = r"\d([^[:alnum:]]*\d){6,}"
"""A PostgreSQL pattern of seven or more digits with any separators between them."""
_NO_PATHS: Mapping[str, Sequence[str]] = MappingProxyType({})
_SEPARATORS = "-/.,№#«»\"'():;+"
SIMILAR_LETTERS = {"ё": "е", "ә": "а", "і": "и", "ұ": "у", "ү": "у", "қ": "к", "ғ": "г", "ң": "н", "ө": "о", "һ": "х"}
"""Letters that a Russian keyboard does not have or that can be written in two ways, with the letters that replace them.
A search for Айгерим then finds Айгерім."""


_PHONE_IN_JSON = r'\d([^[:alnum:]"]*\d){6,}'
"""The same pattern for a JSON array of strings: the digits of two strings are not one phone."""
_LONGEST_TEXT = _LONGEST_JSON = 20_000
"""PostgreSQL limits the size of a tsvector. The end of a longer text, or JSON text, is not searched."""


def _words(name: str) -> Expression:
    text = Coalesce(F(name), Value(""), output_field=TextField())
    return _plain(Func(text, Value(_LONGEST_TEXT), function="left", output_field=TextField()))


def _plain(text: Expression) -> Expression:
    return Func(
        Func(text, function="lower"),
        Value("".join(SIMILAR_LETTERS) + _SEPARATORS),
        Value("".join(SIMILAR_LETTERS.values()) + " " * len(_SEPARATORS)),
        function="translate",
        output_field=TextField(),
    )


def _json_text(name: str, path: str) -> Expression:
    """Return the values at a JSON path of a jsonb column as the text of a JSON array, or `[]` if there are none."""
    values = Func(
        F(name),
        function="jsonb_path_query_array",
        template=f"%(function)s(%(expressions)s, '{path}', '{{}}', true)::text",
        output_field=TextField(),
    )
    # A line break within a string is written as an escape, whose letter would become part of the next word.
    spaced = _replaced(values, r"\\[bfnrt]", " ")
    return Func(spaced, Value(_LONGEST_JSON), function="left", output_field=TextField())


def _replaced(text: Expression, pattern: str, replacement: str) -> Expression:
    return Func(
        text, Value(pattern), Value(replacement), Value("g"), function="regexp_replace", output_field=TextField()
    )


def _without_phones(words: Expression) -> Expression:
    return _replaced(words, _PHONE_IN_TEXT, " ")


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


def _endings_of_lines(name: str) -> list[Expression]:
    """Return the last 10, 7 and 4 digits of each number in E.164 among the lines of a column."""
    text = Coalesce(F(name), Value(""), output_field=TextField())
    return [_replaced(text, rf"\+\d*(\d{{{count}}})(?!\d)", r"\1 ") for count in (10, 7, 4)]


def search_document(
    *,
    words: Sequence[str] = (),
    phones: Sequence[str] = (),
    other_phones: Sequence[str] = (),
    keys: Sequence[str] = (),
    json_paths: Mapping[str, Sequence[str]] = _NO_PATHS,
) -> Expression:
    """Return the expression of a generated tsvector column over these columns.

    PostgreSQL requires that this expression is immutable. `other_phones` are columns with several phones in E.164, each
    on a line, and with other texts. `keys` are columns, such as the number of an order, whose
    digits are never a phone. `json_paths` maps jsonb columns to the JSON paths of the values that are searched as well.
    """
    texts, numbers = list(map(_words, words)), list(map(_words, keys))
    values = [_json_text(name, path) for name, paths in json_paths.items() for path in paths]
    if not phones and not json_paths:
        return _vector([*numbers, *texts])
    visible = [
        *numbers,
        *map(_without_phones, texts),
        *(_plain(_replaced(value, _PHONE_IN_JSON, " ")) for value in values),
    ]
    ends = [*map(_phone_endings, phones), *(end for name in other_phones for end in _endings_of_lines(name))]
    endings = [_weighted(ends, "B")] if ends else []
    return _joined(
        _weighted(visible, "A"), *endings, _vector([*texts, *map(_words, other_phones), *map(_plain, values)])
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
