"""Finding an order or a customer: the generated `search` column and the query that reads it.

One text for the `simple` configuration: words in lower case with ё as е, and a phone as its last 10, 7 and 4
digits, so that any spelling of a phone and its last four digits find it.
"""

import re
from collections.abc import Sequence

from django.contrib.postgres.search import SearchQuery
from django.db.models import CharField, Expression, F, Func, TextField, Value
from django.db.models.functions import Coalesce, Concat, Right

_SEPARATORS = "-/.,№#«»\"'():;+"


def _words(name: str) -> Expression:
    text = Coalesce(F(name), Value(""), output_field=TextField())
    return Func(
        Func(text, function="lower"),
        Value("ё" + _SEPARATORS),
        Value("е" + " " * len(_SEPARATORS)),
        function="translate",
        output_field=TextField(),
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


def search_document(*, words: Sequence[str], phones: Sequence[str]) -> Expression:
    """Return the expression of a generated tsvector column over these columns. It is immutable, as one must be."""
    parts: list[Expression] = []
    for part in [*map(_words, words), *map(_phone_endings, phones)]:
        parts += [part, Value(" ")]
    return Func(
        Concat(*parts, output_field=TextField()),
        function="to_tsvector",
        template="%(function)s('simple'::regconfig, %(expressions)s)",
    )


def search_query(text: str) -> SearchQuery | None:
    """Return the query for what somebody typed: every word as a prefix, or a phone in any spelling; None if empty."""
    words = re.findall(r"\w+", text.lower().replace("ё", "е"))
    if not words:
        return None
    query = SearchQuery(" & ".join(f"'{word}':*" for word in words), config="simple", search_type="raw")
    digits = re.sub(r"\D", "", text)
    if len(digits) >= 4 and not re.search(r"[^\W\d_]", text):
        if len(digits) == 11 and digits[0] in "78":
            digits = digits[1:]
        elif len(words) > 1 and len(digits) > 3 and words[0] in ("7", "8"):
            digits = digits[1:]  # the beginning of a phone, typed with its country code
        query |= SearchQuery(f"'{digits[-10:]}':*", config="simple", search_type="raw")
    return query
