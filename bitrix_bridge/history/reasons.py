"""What was odd about an order of the copy: none of it stops the order, each is noted on its timeline and in the report.

The words are for staff. A subject is what it is about: an id, a code, a column.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Code(StrEnum):
    """Kinds of reasons."""

    FAILED = "failed"
    RUNNING = "running"
    NEWER_HERE = "newer_here"
    UNKNOWN_STATUS = "unknown_status"
    UNKNOWN_CITY = "unknown_city"
    UNKNOWN_SHOP = "unknown_shop"
    UNKNOWN_SLOT = "unknown_slot"
    UNKNOWN_PRODUCT = "unknown_product"
    UNKNOWN_USER = "unknown_user"
    UNKNOWN_PAY_SYSTEM = "unknown_pay_system"
    NO_USER = "no_user"
    NO_PRODUCT = "no_product"
    NO_LINES = "no_lines"
    NO_NUMBER = "no_number"
    REPEATED_NUMBER = "repeated_number"
    ZERO_DATE = "zero_date"
    NEGATIVE_AMOUNT = "negative_amount"
    UNREADABLE = "unreadable"
    MENDED_TEXT = "mended_text"
    BROKEN_TEXT = "broken_text"
    LOST_CHARACTERS = "lost_characters"
    CUT_TEXT = "cut_text"
    ORPHAN_PROPERTY = "orphan_property"
    BROKEN_VALUE = "broken_value"
    BROKEN_CHANGE = "broken_change"


@dataclass(frozen=True, slots=True)
class Reason:
    """One oddity of one order."""

    code: Code
    subject: str = ""

    @property
    def text(self) -> str:
        """Return it in words, as the order's timeline has them."""
        return f"{self.what} — {self.outcome(is_dry=False)}"

    @property
    def what(self) -> str:
        """Return what is odd."""
        return str(_WORDS[self.code].what) % {"subject": self.subject}

    def outcome(self, *, is_dry: bool) -> str:
        """Return what becomes of it, or has become."""
        words = _WORDS[self.code]
        return str(words.will if is_dry else words.did)

    @property
    def advice(self) -> str:
        """Return what would make it better; empty when nothing would."""
        return str(_WORDS[self.code].advice)

    def as_json(self) -> dict[str, Any]:
        """Return the form that the row of the run stores."""
        return {"code": str(self.code), "subject": self.subject}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Return what was stored."""
        return cls(Code(value["code"]), str(value.get("subject", "")))


@dataclass(frozen=True, slots=True)
class _Words:
    what: Promise
    will: Promise
    did: Promise
    advice: Promise | str = ""


_STUB_WILL, _STUB_DID = _("a stub will be made"), _("a stub was made")
_AS_IT_IS_WILL, _AS_IT_IS_DID = _("will be kept as it is"), _("kept as it is")
_COPY_USERS = _("Copy the table b_user whole.")
_REFERENCE = _("Run sync_bitrix_reference, or give it a name in the admin.")
_DUMP = _("Make the copy again with mysqldump --default-character-set=utf8mb4.")
_ON_SITE = _("Look the order up on the site and correct it there.")
_CONTACTS_WILL = _("the customer will be known by the contacts in the order")
_CONTACTS_DID = _("the customer is known by the contacts in the order")

_WORDS = {
    Code.FAILED: _Words(
        _("error: %(subject)s"),
        _("the order will not come over"),
        _("the order has not come over"),
        _("Repeat the failed ones; if the error stays, send it to the developer."),
    ),
    Code.RUNNING: _Words(
        _("the order was being saved on the site when the copy was made"),
        _("will be skipped"),
        _("skipped"),
        _("It comes with a newer copy, or by webhook."),
    ),
    Code.NEWER_HERE: _Words(
        _("the CRM knows something newer of the order than the copy"), _AS_IT_IS_WILL, _AS_IT_IS_DID
    ),
    Code.UNKNOWN_STATUS: _Words(
        _("status %(subject)s is unknown"), _STUB_WILL, _STUB_DID, _("Give the status a name and a stage in the admin.")
    ),
    Code.UNKNOWN_CITY: _Words(_("city %(subject)s is unknown"), _STUB_WILL, _STUB_DID, _REFERENCE),
    Code.UNKNOWN_SHOP: _Words(_("shop %(subject)s is unknown"), _STUB_WILL, _STUB_DID, _REFERENCE),
    Code.UNKNOWN_SLOT: _Words(_("delivery time %(subject)s is unknown"), _STUB_WILL, _STUB_DID, _REFERENCE),
    Code.UNKNOWN_PRODUCT: _Words(
        _("product %(subject)s is unknown"),
        _STUB_WILL,
        _STUB_DID,
        _("Copy the table b_iblock_element whole; what the shop has deleted stays a stub."),
    ),
    Code.UNKNOWN_USER: _Words(_("user %(subject)s is not in the copy"), _CONTACTS_WILL, _CONTACTS_DID, _COPY_USERS),
    Code.UNKNOWN_PAY_SYSTEM: _Words(
        _("pay system %(subject)s is unknown"),
        _("the payment method will stay empty"),
        _("the payment method stayed empty"),
        _("Add the pay system to BITRIX_PAY_SYSTEMS and run the import again."),
    ),
    Code.NO_USER: _Words(_("ordered without an account"), _CONTACTS_WILL, _CONTACTS_DID),
    Code.NO_PRODUCT: _Words(
        _("a line without a product: %(subject)s"),
        _("the line will keep its name and price"),
        _("the line kept its name and price"),
    ),
    Code.NO_LINES: _Words(
        _("no lines"),
        _("will come over without lines"),
        _("came over without lines"),
        _("Copy the table b_sale_basket whole."),
    ),
    Code.NO_NUMBER: _Words(
        _("no number"), _("the id will serve as the number"), _("the id serves as the number"), _ON_SITE
    ),
    Code.REPEATED_NUMBER: _Words(
        _("number %(subject)s is given to several orders"), _("each will keep it"), _("each has kept it"), _ON_SITE
    ),
    Code.ZERO_DATE: _Words(
        _("%(subject)s is 0000-00-00"),
        _("the date will be taken from what lies next to it, or left empty"),
        _("the date was taken from what lies next to it, or left empty"),
    ),
    Code.NEGATIVE_AMOUNT: _Words(_("%(subject)s is below zero"), _AS_IT_IS_WILL, _AS_IT_IS_DID, _ON_SITE),
    Code.UNREADABLE: _Words(
        _("%(subject)s can't be read"),
        _("will be kept among the other fields as it came"),
        _("kept among the other fields as it came"),
        _ON_SITE,
    ),
    Code.MENDED_TEXT: _Words(_("broken letters in %(subject)s"), _("will be made whole"), _("were made whole"), _DUMP),
    Code.BROKEN_TEXT: _Words(_("letters are lost in %(subject)s"), _AS_IT_IS_WILL, _AS_IT_IS_DID, _DUMP),
    Code.LOST_CHARACTERS: _Words(_("question marks instead of emoji in %(subject)s"), _AS_IT_IS_WILL, _AS_IT_IS_DID),
    Code.CUT_TEXT: _Words(
        _("%(subject)s is as long as its column: perhaps the site has cut it"), _AS_IT_IS_WILL, _AS_IT_IS_DID
    ),
    Code.ORPHAN_PROPERTY: _Words(
        _("property %(subject)s is not described on the site"),
        _("will be kept among the other fields"),
        _("kept among the other fields"),
        _("Copy the table b_sale_order_props whole."),
    ),
    Code.BROKEN_VALUE: _Words(_("several values of %(subject)s are cut"), _AS_IT_IS_WILL, _AS_IT_IS_DID, _ON_SITE),
    Code.BROKEN_CHANGE: _Words(
        _("an entry of the order's history is cut: %(subject)s"),
        _("will be missing on the timeline"),
        _("is missing on the timeline"),
    ),
}
