"""Queries that find orders, customers and products by the generated `search` column.

The column is defined in `orders.values.search_document`.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.search import SearchQuery
from django.db import connection, transaction
from django.db.models import QuerySet

from cvety_crm.users import User
from orders.rules.visibility import may_see_phones
from orders.values.search_document import SIMILAR_LETTERS

_LETTERS = str.maketrans("".join(SIMILAR_LETTERS), "".join(SIMILAR_LETTERS.values()))
LAST, WHOLE = 4, 10
"""The numbers of digits with which a user who may not see phones finds a phone: the digits that pages show, or all."""


def search_for(user: User | AnonymousUser, text: str) -> SearchQuery | None:
    """Return the query for a string that the user has entered, or None if the string is empty.

    A user who may not see phones finds a phone only as described in `search_query`.
    """
    return search_query(text, may_see_phones=may_see_phones(user))


def search_query(text: str, *, may_see_phones: bool) -> SearchQuery | None:
    """Return the query for an entered string: each word as a prefix, or a phone in any format.

    Return None if the string is empty.

    Without `may_see_phones`, a phone is found only by all of its digits or by its last four digits, and never by a
    prefix: a series of queries with prefixes would reveal the whole number.
    """
    terms = re.findall(
        r"\w+", text.lower().translate(str.maketrans("".join(SIMILAR_LETTERS), "".join(SIMILAR_LETTERS.values())))
    )
    if not terms:
        return None
    digits = re.sub(r"\D", "", text)
    has_letters = re.search(r"[^\W\d_]", text) is not None
    if not may_see_phones:
        query = _raw(" & ".join(map(_word_or_phone, terms)))
        ending = "" if has_letters else _hidden_ending(digits)
        return query | _raw(f"'{ending}':B") if ending else query
    # A whole phone consists of whole words. PostgreSQL would read a tenth of the index for a prefix of one digit.
    is_phone = len(digits) >= WHOLE and len(terms) > 1 and not has_letters
    query = _raw(" & ".join(f"'{term}'" if is_phone else f"'{term}':*" for term in terms))
    if len(digits) >= LAST and not has_letters:
        query |= _raw(f"'{_without_country_code(terms, digits)[-WHOLE:]}':*")
    return query


def _without_country_code(words: list[str], digits: str) -> str:
    if len(digits) == 11 and digits[0] in "78":
        return digits[1:]
    is_start_of_phone = len(words) > 1 and words[0] in ("7", "8")
    return digits[1:] if is_start_of_phone else digits


def _word_or_phone(word: str) -> str:
    ending = _hidden_ending(word)
    return f"('{word}':*A | '{ending}':B)" if ending else f"'{word}':*A"


def _hidden_ending(digits: str) -> str:
    """Return the digits if a hidden phone may be found by them: all digits or the last four. Else an empty string."""
    is_ending = re.fullmatch(r"[0-9]+", digits) and (len(digits) == LAST or len(digits) >= WHOLE)
    return digits[-WHOLE:] if is_ending else ""


def _raw(query: str) -> SearchQuery:
    return SearchQuery(query, config="simple", search_type="raw")


@contextmanager
def by_index() -> Iterator[None]:
    """Let PostgreSQL find the rows of all queries in the block with an index, and never scan a table that has one.

    PostgreSQL can't estimate how rare a word is. For a rare word, it may scan the whole table by primary key, because
    it expects to find enough rows soon.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        yield
        cursor.execute("SET LOCAL enable_seqscan = on")


def has_more_than(found: QuerySet[Any], number: int) -> bool:
    """Return whether there are more rows than this number. The query stops after them."""
    return found.order_by().values("pk")[number : number + 1].exists()


def ids_if_few(found: QuerySet[Any], most: int) -> list[Any] | None:
    """Return the primary keys of the rows, or None if there are more than `most`."""
    keys = list(found.order_by().values_list("pk", flat=True)[: most + 1])
    return keys if len(keys) <= most else None
