"""The query that finds the customers to whom an order may belong, and the choice between them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orders.models import Customer
from orders.rules.same_person import Identity, Match, Verdict, compare, names_match

MOST_ORDERS = 200
"""The largest number of orders with one phone whose names are compared. The newest orders are compared."""

_CANDIDATES = """
    WITH known AS (
        SELECT COALESCE(customer_before_merge_id, user_id) AS id, contact_name
        FROM orders WHERE left(contact_phone, 20) = %(phone)s AND contact_phone <> '' AND user_id IS NOT NULL
        ORDER BY created_at DESC LIMIT %(most_orders)s
    )
    SELECT found.*, account.is_shared,
        ARRAY(
            SELECT DISTINCT contact_name FROM known WHERE known.id = found.id AND contact_name <> ''
        ) AS typed_names,
        EXISTS(SELECT FROM known WHERE known.id = found.id) AS has_phone
    FROM (SELECT EXISTS(SELECT FROM shared_accounts WHERE bitrix_user_id = %(account)s) AS is_shared) AS account
    LEFT JOIN (
        SELECT id, name, phone, email, bitrix_user_id, bitrix_state, needs_attention, merged_into_id, created_at
        FROM users
        WHERE id IN (
            SELECT id FROM known
            UNION SELECT id FROM users WHERE phone = %(phone)s AND phone <> ''
            UNION SELECT id FROM users WHERE bitrix_user_id = %(account)s
        )
        FOR KEY SHARE
    ) AS found ON TRUE
    ORDER BY found.created_at, found.id
"""
"""Each part uses an index, which contains the beginning of a phone. The lock waits for a merge of these customers and
then reads its result. It does not wait for other orders, because a reference from an order takes the same lock."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer to whom an order may belong, with the contacts of the customer's orders that have the same phone."""

    customer: Customer
    identities: tuple[Identity, ...]

    def verdict(self, person: Identity) -> Verdict:
        """Return whether the person is this customer, by the customer's contacts or by those of an earlier order."""
        verdicts = {compare(person, known) for known in self.identities}
        return next(verdict for verdict in Verdict if verdict in verdicts)


def find_candidates(account: int | None, phone: str) -> tuple[list[Candidate], bool]:
    """Return the customers that have the account or the phone, the oldest first, and whether the account is shared.

    A customer has the phones of its orders too. The result contains merged customers. This makes one query.
    """
    rows = list(Customer.objects.raw(_CANDIDATES, {"account": account, "phone": phone, "most_orders": MOST_ORDERS}))
    found = [Candidate(row, tuple(_identities(row, phone))) for row in rows if row.pk is not None]
    return found, bool(rows[0].is_shared)  # type: ignore[attr-defined]


def choose(candidates: Sequence[Candidate], person: Identity) -> Customer | None:
    """Return the customer that is this person, or None if it is none of them.

    If several are, the one with the account is preferred, then one whose name is known to be the same, then the oldest.
    """
    same = [one for one in candidates if one.verdict(person) is Verdict.SAME]
    return min(same, key=lambda one: _rank(one, person)).customer if same else None


def _rank(candidate: Candidate, person: Identity) -> tuple[bool, bool]:
    """Return the key by which candidates are sorted. `min` returns the first of equal candidates."""
    has_account = person.account is not None and candidate.customer.bitrix_user_id == person.account
    has_name = any(names_match(person, known) is Match.EQUAL for known in candidate.identities)
    return not has_account, not has_name


def _identities(row: Customer, phone: str) -> Iterator[Identity]:
    account = row.bitrix_user_id
    yield Identity(account, row.phone, row.name)
    yield from (Identity(account, phone, name) for name in row.typed_names)  # type: ignore[attr-defined]
    if row.has_phone and not row.typed_names:  # type: ignore[attr-defined]
        yield Identity(account, phone, row.name)
