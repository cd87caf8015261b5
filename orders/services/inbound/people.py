"""The customers to whom the orders of a batch may belong, and the choice between them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db import connection
from django.utils import timezone

from orders.models import Customer, Order
from orders.rules.guests import MOST_PHONES
from orders.rules.same_person import Identity, Match, Verdict, compare, names_match

MOST_ORDERS = 200
"""The largest number of orders with one phone whose names are compared. The newest orders are compared."""
MOST_PHONE_LETTERS = 20
"""The beginning of a phone that the index of the orders contains. A text that is no phone may be longer."""

_COLUMNS = (
    "id", "created_at", "name", "phone", "other_phones", "email", "bitrix_user_id", "bitrix_state", "needs_attention",
    "merged_into_id",
)  # fmt: skip

PEOPLE_CTE = """
    phones AS (SELECT DISTINCT unnest(%(phones)s::text[]) AS phone),
    accounts AS (SELECT DISTINCT unnest(%(accounts)s::bigint[]) AS account),
    shared AS (
        SELECT bitrix_user_id AS account FROM shared_accounts WHERE bitrix_user_id = ANY(%(accounts)s::bigint[])
    ),
    links AS (
        SELECT 'phone' AS kind, phone AS key, ordered.customer_id, true AS has_phone,
            array_agg(DISTINCT ordered.contact_name) FILTER (WHERE ordered.contact_name <> '') AS typed_names
        FROM phones CROSS JOIN LATERAL (
            SELECT COALESCE(customer_before_merge_id, user_id) AS customer_id, contact_name
            FROM orders WHERE left(contact_phone, 20) = phone AND contact_phone <> '' AND user_id IS NOT NULL
            ORDER BY created_at DESC LIMIT %(most_orders)s
        ) AS ordered
        GROUP BY phone, ordered.customer_id
        UNION ALL SELECT 'phone', phones.phone, users.id, false, NULL
        FROM phones JOIN users ON users.phone = phones.phone AND users.phone <> ''
        UNION ALL SELECT 'account', account::text, users.id, false, NULL
        FROM accounts JOIN users ON users.bitrix_user_id = account
    ),
    people AS (
        SELECT links.kind, links.key, users.id, json_build_array(
            links.has_phone, links.typed_names,
            json_build_array(
                users.id, users.created_at, users.name, users.phone, users.other_phones, users.email,
                users.bitrix_user_id, users.bitrix_state, users.needs_attention, users.merged_into_id
            )
        ) AS data
        FROM links JOIN users ON users.id = links.customer_id
        FOR KEY SHARE OF users
    )
"""
"""Each part uses an index, which contains the beginning of a phone. The lock waits for a merge of these customers and
then reads its result. It does not wait for other orders, because a reference from an order takes the same lock."""
PEOPLE_ROWS = """
    SELECT kind, key, id, data FROM people
    UNION ALL SELECT 'shared', account::text, NULL, NULL FROM shared
    UNION ALL SELECT 'used_phone', account::text, NULL, to_json(used.phone)
    FROM accounts CROSS JOIN LATERAL (
        SELECT DISTINCT left(contact_phone, 20) AS phone FROM orders
        WHERE bitrix_user_id = account AND contact_phone <> '' AND contact_phone LIKE '+%%'
        LIMIT %(most_phones)s
    ) AS used
    WHERE account NOT IN (SELECT account FROM shared)
"""
PEOPLE_KINDS = frozenset({"phone", "account", "shared", "used_phone"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer to whom an order may belong, with the contacts of the customer's orders that have the same phone."""

    customer: Customer
    identities: tuple[Identity, ...]

    def verdict(self, person: Identity) -> Verdict:
        """Return whether the person is this customer, by the customer's contacts or by those of an earlier order."""
        verdicts = {compare(person, known) for known in self.identities}
        return next(verdict for verdict in Verdict if verdict in verdicts)


class People:
    """The customers with some phones and accounts, as the database has them and as the batch has changed them since.

    A customer has the phones of its orders too. Merged customers are included.
    """

    NO_ONE: ClassVar[Mapping[str, Any]] = {"phones": [], "accounts": [], "most_orders": 0, "most_phones": 0}
    """The parameters of `PEOPLE_CTE` that find no one."""

    def __init__(self) -> None:
        self._asked: set[tuple[str, Any]] = set()
        self._customers: dict[UUID, Customer] = {}
        self._names: dict[str, dict[UUID, set[str]]] = defaultdict(dict)
        """Phone -> customer who has ordered with it -> the names typed then."""
        self._shared: set[int] = set()
        self._used_phones: dict[int, set[str]] = defaultdict(set)

    def is_known(self, account: int | None, phone: str) -> bool:
        """Return whether everything about the account and the phone was read."""
        return all(key in self._asked for key in _keys(account, phone))

    def parameters(self, wanted: Iterable[tuple[int | None, str]]) -> dict[str, Any] | None:
        """Return the parameters of `PEOPLE_CTE` for what was not read yet, or None if there is nothing to read."""
        new = {key for account, phone in wanted for key in _keys(account, phone)} - self._asked
        self._asked |= new
        if not new:
            return None
        return {
            "phones": sorted(value for kind, value in new if kind == "phone"),
            "accounts": sorted(value for kind, value in new if kind == "account"),
            "most_orders": MOST_ORDERS,
            "most_phones": MOST_PHONES + 1,
        }

    def read(self, wanted: Iterable[tuple[int | None, str]]) -> None:
        """Read the customers with these accounts and phones, with one query, or none if they are known."""
        parameters = self.parameters(wanted)
        if parameters is None:
            return
        with connection.cursor() as cursor:
            cursor.execute(f"WITH {PEOPLE_CTE} {PEOPLE_ROWS}", parameters)
            for kind, key, _pk, data in cursor.fetchall():
                self.add_row(kind, key, data)

    def add_row(self, kind: str, key: str, data: Any) -> None:
        """Add a row of `PEOPLE_ROWS`."""
        if kind == "shared":
            self._shared.add(int(key))
        elif kind == "used_phone":
            self._used_phones[int(key)].add(data)
        else:
            has_phone, typed_names, values = data
            customer = self._customer(values)
            if has_phone:
                self._names[key].setdefault(customer.pk, set()).update(typed_names or ())

    def _customer(self, values: Sequence[Any]) -> Customer:
        known = self._customers.get(UUID(values[0]))
        if known is not None:
            return known
        row = dict(zip(_COLUMNS, values, strict=True))
        row["id"], row["created_at"] = UUID(row["id"]), datetime.fromisoformat(row["created_at"])
        row["merged_into_id"] = UUID(row["merged_into_id"]) if row["merged_into_id"] else None
        customer: Customer = Customer.from_db(connection.alias, list(row), list(row.values()))
        self._customers[customer.pk] = customer
        return customer

    def same(self, customer: Customer) -> Customer:
        """Return the batch's object of this customer, so that two orders of the customer change the same object."""
        return self._customers.setdefault(customer.pk, customer)

    def add_order(self, order: Order) -> None:
        """Add what was typed with an order of the batch, once its customer is known."""
        phone = order.contact_phone[:MOST_PHONE_LETTERS]
        customer = order.customer_before_merge or order.customer
        if not phone:
            return
        if customer is not None:
            names = self._names[phone].setdefault(self.same(customer).pk, set())
            if order.contact_name:
                names.add(order.contact_name)
        if order.bitrix_user_id is not None and phone.startswith("+"):
            self._used_phones[order.bitrix_user_id].add(phone)

    def share(self, account: int) -> None:
        """Record that many people order under this account."""
        self._shared.add(account)

    def is_shared(self, account: int | None) -> bool:
        """Return whether many people order under this account."""
        return account in self._shared

    def has_many_phones(self, account: int, phone: str) -> bool:
        """Return whether more than `MOST_PHONES` phones have ordered under this account, `phone` included."""
        return len(self._used_phones[account] - {phone[:MOST_PHONE_LETTERS]}) >= MOST_PHONES

    def candidates(self, account: int | None, phone: str) -> list[Candidate]:
        """Return the customers that have the account or the phone, the oldest first. They must be known."""
        names = self._names.get(phone, {}) if phone else {}
        found = [
            customer
            for customer in self._customers.values()
            if customer.pk in names
            or (phone and customer.phone == phone)
            or (account is not None and customer.bitrix_user_id == account)
        ]
        found.sort(key=_age)
        return [Candidate(customer, tuple(_identities(customer, phone, names.get(customer.pk)))) for customer in found]


def _keys(account: int | None, phone: str) -> Iterator[tuple[str, Any]]:
    if phone:
        yield "phone", phone
    if account is not None:
        yield "account", account


def _age(customer: Customer) -> tuple[datetime, str]:
    # A customer of this batch has no time yet: PostgreSQL chooses it.
    is_new = customer._state.adding
    return timezone.now() if is_new else customer.created_at, "" if is_new else str(customer.pk)


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


def _identities(customer: Customer, phone: str, typed_names: Collection[str] | None) -> Iterator[Identity]:
    """Yield the contacts of the customer. `typed_names` is None if it has no order with the phone."""
    account = customer.bitrix_user_id
    yield Identity(account, customer.phone, customer.name)
    yield from (Identity(account, phone, name) for name in sorted(typed_names or ()))
    if typed_names is not None and not typed_names:
        yield Identity(account, phone, customer.name)
