"""The service that creates and updates customers from the orders and events of the site.

`orders.rules.same_person` decides to whom an order belongs.
"""

from dataclasses import replace

from django.db import transaction

from cvety_crm.bulk_writes import Writes
from orders.models import Customer
from orders.rules.same_person import Identity, Verdict, compare
from orders.services.inbound.people import Candidate, People, choose
from orders.services.inbound.shared_accounts import share_account
from orders.services.locking import lock_names
from orders.sync.agreement import Agreement
from orders.sync.snapshot import CustomerSnapshot
from orders.sync.three_way_merge import merge
from orders.values.person_names import is_fuller
from orders.values.phones import is_number


@transaction.atomic(savepoint=False)
def apply_customer(
    *,
    snapshot: CustomerSnapshot,
    current: Customer | None = None,
    is_settled: bool = False,
    may_create: bool = True,
    other_than: Customer | None = None,
    writes: Writes | None = None,
    people: People | None = None,
) -> tuple[Customer | None, bool]:
    """Create or update the customer that the snapshot describes. Return the customer and whether anything changed.

    The customer may be merged into another one, which then has its orders (`Customer.kept_id`). `current` is the
    order's customer, if there is one, and `is_settled` means that the site says the same of the customer as before. If
    the snapshot clearly describes the same customer, no query is made to find it. A field that staff have corrected is
    not overwritten until the site changes it. Return `current` if the snapshot identifies no customer, or if it is
    unknown and `may_create` is false. The customer is never found as `other_than`, whose orders are being sorted. The
    rows are added to `writes`, whose caller sends them to the database, or are saved at once. `people` are the
    customers that the batch has read.
    """
    collected = Writes() if writes is None else writes
    found = _apply(snapshot, current, is_settled, may_create, other_than, collected, people or People())
    if writes is None:
        collected.flush()
    return found


def _apply(
    snapshot: CustomerSnapshot,
    current: Customer | None,
    is_settled: bool,
    may_create: bool,
    other_than: Customer | None,
    writes: Writes,
    people: People,
) -> tuple[Customer | None, bool]:
    snapshot = _with_all_phones(snapshot)
    person = person_of(snapshot)
    if current is not None and _is_known(current, snapshot, person, is_settled=is_settled):
        is_owner = current.bitrix_user_id == snapshot.bitrix_user_id
        return current, _update(current, snapshot if is_owner else without_account(snapshot), writes)
    if person == Identity() and not any(snapshot.fields.values()) and snapshot.guest_account is None:
        return current, False
    customer, account = _find(snapshot, person, other_than, people)
    if customer is not None:
        if account is None:
            snapshot = without_account(snapshot)
        return customer, _update(customer, snapshot, writes)
    if account is None:
        snapshot = without_account(snapshot)
    if not may_create or (snapshot.bitrix_user_id is None and not any(snapshot.fields.values())):
        return current, False
    return people.same(_create(snapshot, writes)), True


def lock_of(phone: str) -> str:
    """Return the name that is locked while a customer is found by this phone or created with it.

    Phones are not unique, so without the lock two orders could create the same customer twice.
    """
    return f"customer {phone}"


def looked_up(snapshot: CustomerSnapshot) -> tuple[int | None, str]:
    """Return the account and the phone by which the customer of an order is found."""
    person = person_of(snapshot)
    return person.account or snapshot.guest_account, person.phone


def person_of(snapshot: CustomerSnapshot) -> Identity:
    """Return who has ordered: the account, and what was typed with the order or else what the account contains."""
    phone, name = (snapshot.typed.get(one) or snapshot.fields.get(one) or "" for one in ("phone", "name"))
    # A text that could not be read identifies no one.
    return Identity(snapshot.bitrix_user_id, phone if is_number(phone) else "", name)


def without_account(snapshot: CustomerSnapshot) -> CustomerSnapshot:
    """Return the snapshot of a person who has used an account that is not theirs: only what was typed remains."""
    if snapshot.bitrix_user_id is None:
        return snapshot
    typed: dict[str, str | None] = {name: value for name, value in snapshot.typed.items() if value}
    if typed.get("phone") and typed["phone"] == snapshot.fields.get("phone"):
        typed["other_phones"] = snapshot.fields.get("other_phones")
    return replace(snapshot, bitrix_user_id=None, fields=typed, of_account=frozenset(), metadata={})


def _is_known(customer: Customer, snapshot: CustomerSnapshot, person: Identity, *, is_settled: bool) -> bool:
    """Return whether the snapshot describes the order's customer, so that no query is needed.

    `is_settled` means that the site has said before who has ordered, and says the same now.
    """
    if snapshot.guest_account is not None and customer.bitrix_user_id == snapshot.guest_account:
        return False
    if person.account is None and not person.phone:
        return True  # a name alone does not identify a different customer
    if person.account is not None and person.account == customer.bitrix_user_id and is_settled:
        return True
    if person.account is not None and customer.bitrix_user_id is None and not snapshot.contacts_only:
        # The customer may get the account, unless someone else has ordered under it.
        return is_settled and not _fits_account(snapshot, person)
    known = Identity(customer.bitrix_user_id, customer.phone, customer.name)
    # A new phone under an account is counted.
    is_counted = bool(person.account and person.phone and customer.phone and person.phone != customer.phone)
    return compare(person, known) is Verdict.SAME and not is_counted


def _fits_account(snapshot: CustomerSnapshot, person: Identity) -> bool:
    """Return whether the contacts of the order do not contradict those of the account itself."""
    own = {name: snapshot.fields.get(name) or "" for name in snapshot.of_account & {"phone", "name"}}
    return compare(person, Identity(person.account, own.get("phone", ""), own.get("name", ""))) is Verdict.SAME


def _find(
    snapshot: CustomerSnapshot, person: Identity, other_than: Customer | None, people: People
) -> tuple[Customer | None, int | None]:
    """Return the customer, and the account if the customer is its owner or may become it."""
    account = person.account or snapshot.guest_account
    if not people.is_known(account, person.phone):
        if person.phone:
            lock_names([lock_of(person.phone)])
        people.read([(account, person.phone)])
    is_shared = people.is_shared(account)
    candidates = [one for one in people.candidates(account, person.phone) if one.customer != other_than]
    holder = next((one for one in candidates if account and one.customer.bitrix_user_id == account), None)
    is_used_by_many = snapshot.guest_account is not None or _has_many_phones(snapshot, person, holder, people)
    if account is not None and is_used_by_many and not is_shared:
        share_account(account, holder.customer if holder else None)
        people.share(account)
    if person.account is None or is_shared or is_used_by_many:
        return choose(candidates, replace(person, account=None)), None
    # The account's own name and phone may have changed since the customer was saved.
    own = Identity(person.account, *(_own(snapshot, holder, name) for name in ("phone", "name")))
    if compare(person, own) is Verdict.SAME:
        if holder is not None:
            return holder.customer, person.account
        return choose([one for one in candidates if one.customer.bitrix_user_id is None], person), person.account
    return choose(candidates, replace(person, account=None)), None


def _own(snapshot: CustomerSnapshot, holder: Candidate | None, name: str) -> str:
    if name in snapshot.of_account:
        return snapshot.fields.get(name) or ""
    if holder is not None and getattr(holder.customer, name):
        return str(getattr(holder.customer, name))
    return snapshot.fields.get(name) or ""


def _has_many_phones(snapshot: CustomerSnapshot, person: Identity, holder: Candidate | None, people: People) -> bool:
    """Return whether the order was placed with one phone too many for an account of one person."""
    if holder is None or person.account is None or not snapshot.typed.get("phone"):
        return False
    is_new = person.phone not in {known.phone for known in holder.identities}
    return is_new and people.has_many_phones(person.account, person.phone)


def _update(customer: Customer, snapshot: CustomerSnapshot, writes: Writes) -> bool:
    """Merge the snapshot into the customer, whose changes are added to `writes`. Return whether a value changed."""
    agreement = Agreement.from_json(customer.bitrix_state)
    before = agreement.as_json()
    theirs = {
        name: text for name, text in _texts(snapshot).items() if _is_news(customer, agreement, snapshot, name, text)
    }
    ours = {name: _text(getattr(customer, name)) for name in theirs}
    # Changes of customers are never sent to the site, so the site decides if both sides have changed a field.
    taken = list(merge(agreement, ours=ours, theirs=theirs, site_decides=theirs.keys()).taken)
    for name in taken:
        setattr(customer, name, (theirs[name] or None) if name == "email" else theirs[name])
    if customer.bitrix_user_id is None and snapshot.bitrix_user_id is not None and not snapshot.contacts_only:
        customer.bitrix_user_id = snapshot.bitrix_user_id
        taken.append("bitrix_user_id")
    if customer.needs_attention and customer.name and customer.phone:
        customer.needs_attention = False
        taken.append("needs_attention")
    customer.bitrix_state = agreement.as_json()
    if taken or customer.bitrix_state != before:
        writes.update(customer, [*taken, "bitrix_state", "updated_at"])
    return bool(taken)


def _is_news(customer: Customer, agreement: Agreement, snapshot: CustomerSnapshot, name: str, text: str) -> bool:
    """Return whether the site changes this value of the customer.

    What was typed with an order only completes the customer: it stays on its order. The order of an account that was
    received without properties, and an event about an account, contain the values of the account alone.
    """
    if name in snapshot.of_account or not snapshot.typed.get(name):
        return bool(text) or not snapshot.typed
    known = _text(getattr(customer, name))
    if not known:
        return bool(text)
    is_by_staff = name in agreement.agreed and agreement.agreed[name] != known
    return name == "name" and not is_by_staff and is_fuller(text, known)


def _texts(snapshot: CustomerSnapshot) -> dict[str, str]:
    return {name: _text(value) for name, value in snapshot.fields.items()}


def _with_all_phones(snapshot: CustomerSnapshot) -> CustomerSnapshot:
    """Return the snapshot with empty other phones if it has a phone and no others."""
    if "phone" not in snapshot.fields:
        return snapshot
    return replace(snapshot, fields={"other_phones": "", **snapshot.fields})


def _text(value: str | None) -> str:
    return value or ""


def _create(snapshot: CustomerSnapshot, writes: Writes) -> Customer:
    """Return a new customer. If another transaction creates one with the same account, `Writes.flush` raises an error.

    The caller of the transaction then repeats it (`orders.services.inbound.races`), and the other customer is found.
    """
    agreement = Agreement()
    agreement.settle(_texts(snapshot))
    customer = Customer(
        bitrix_user_id=snapshot.bitrix_user_id,
        name=_text(snapshot.fields.get("name")),
        phone=_text(snapshot.fields.get("phone")),
        other_phones=_text(snapshot.fields.get("other_phones")),
        email=snapshot.fields.get("email") or None,
        preferences=dict(snapshot.metadata),
        bitrix_state=agreement.as_json(),
    )
    customer.needs_attention = not (customer.name and customer.phone)
    writes.insert(customer)
    return customer
