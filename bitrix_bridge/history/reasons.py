"""The reasons that an import reports for an order: unusual or missing data, and its effect on the imported order.

A reason does not stop the import. The order's timeline and the report show it with a text for staff. The subject of a
reason is an id, a code or a column.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Code(StrEnum):
    """The code of a reason, which is stored in the rows of a run."""

    FAILED = "failed"
    RUNNING = "running"
    NEWER_HERE = "newer_here"
    ARCHIVED = "archived"
    ARCHIVED_IN_PART = "archived_in_part"
    UNKNOWN_STATUS = "unknown_status"
    QUESTIONED_STATUS = "questioned_status"
    UNKNOWN_CITY = "unknown_city"
    UNKNOWN_LOCATION = "unknown_location"
    UNKNOWN_SHOP = "unknown_shop"
    UNKNOWN_SLOT = "unknown_slot"
    UNKNOWN_PRODUCT = "unknown_product"
    UNKNOWN_USER = "unknown_user"
    UNKNOWN_PAY_SYSTEM = "unknown_pay_system"
    NO_USER = "no_user"
    NO_PRODUCT = "no_product"
    NO_LINES = "no_lines"
    NOT_BOUGHT = "not_bought"
    NO_NUMBER = "no_number"
    REPEATED_NUMBER = "repeated_number"
    ZERO_DATE = "zero_date"
    NEGATIVE_AMOUNT = "negative_amount"
    UNREADABLE = "unreadable"
    REPAIRED_TEXT = "repaired_text"  # stored in rows of runs
    REPAIRED_ON_SITE = "repaired_on_site"
    BROKEN_TEXT = "broken_text"
    BROKEN_ON_SITE = "broken_on_site"
    LOST_CHARACTERS = "lost_characters"
    LOST_ON_SITE = "lost_on_site"
    CUT_TEXT = "cut_text"
    ORPHAN_PROPERTY = "orphan_property"
    BROKEN_VALUE = "broken_value"
    BROKEN_CHANGE = "broken_change"


@dataclass(frozen=True, slots=True)
class Reason:
    """A fact about the data of one order that the import reports to staff, with its effect on the imported order."""

    code: Code
    subject: str = ""

    @property
    def text(self) -> str:
        """Return the text for the order's timeline."""
        return f"{self.what} — {self.outcome(is_dry=False)}"

    @property
    def what(self) -> str:
        """Return the text that names the unusual data, without its effect on the import."""
        return str(_TEXTS[self.code].what) % {"subject": self.subject}

    def outcome(self, *, is_dry: bool) -> str:
        """Return the text about the outcome: in the future tense for a dry run, else in the past tense."""
        texts = _TEXTS[self.code]
        return str(texts.will if is_dry else texts.did)

    @property
    def advice(self) -> str:
        """Return a text that explains how to fix the cause, or an empty string if nothing can be done."""
        return str(_TEXTS[self.code].advice)

    def as_json(self) -> dict[str, Any]:
        """Return the reason as it is stored in the rows of a run."""
        return {"code": str(self.code), "subject": self.subject}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Return the reason that was stored with `as_json`."""
        return cls(Code(value["code"]), str(value.get("subject", "")))


@dataclass(frozen=True, slots=True)
class _Texts:
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

_TEXTS = {
    Code.FAILED: _Texts(
        _("error: %(subject)s"),
        _("the order will not be imported"),
        _("the order was not imported"),
        _("Repeat the failed ones; if the error stays, send it to the developer."),
    ),
    Code.RUNNING: _Texts(
        _("the order was being saved on the site when the copy was made"),
        _("will be skipped"),
        _("skipped"),
        _("A newer copy or a webhook will bring it."),
    ),
    Code.NEWER_HERE: _Texts(_("the CRM has a newer state of the order than the copy"), _AS_IT_IS_WILL, _AS_IT_IS_DID),
    Code.ARCHIVED: _Texts(
        _("the order is in the site's archive"), _("will be marked as archived"), _("was marked as archived")
    ),
    Code.ARCHIVED_IN_PART: _Texts(
        _("the order is in the site's archive, and a part of its data can't be read"),
        _("only what can be read will be imported"),
        _("only what can be read was imported"),
        _("Copy the tables b_sale_order_archive_packed and b_sale_basket_archive_packed whole."),
    ),
    Code.UNKNOWN_STATUS: _Texts(
        _("status %(subject)s is unknown"), _STUB_WILL, _STUB_DID, _("Give the status a name and a stage in the admin.")
    ),
    Code.QUESTIONED_STATUS: _Texts(
        _("the status means something else on the site — %(subject)s"),
        _("the order will have the stage “problem” until this is decided"),
        _("the order has the stage “problem” until this is decided"),
        _("Decide on the page of the site's statuses."),
    ),
    Code.UNKNOWN_CITY: _Texts(_("city %(subject)s is unknown"), _STUB_WILL, _STUB_DID, _REFERENCE),
    Code.UNKNOWN_LOCATION: _Texts(
        _("the city of the location %(subject)s is unknown"),
        _("the city will stay empty"),
        _("the city stayed empty"),
        _("Copy the tables b_sale_location, b_sale_loc_name and b_sale_loc_type whole, or add the city in the admin."),
    ),
    Code.UNKNOWN_SHOP: _Texts(_("shop %(subject)s is unknown"), _STUB_WILL, _STUB_DID, _REFERENCE),
    Code.UNKNOWN_SLOT: _Texts(_("delivery time %(subject)s is unknown"), _STUB_WILL, _STUB_DID, _REFERENCE),
    Code.UNKNOWN_PRODUCT: _Texts(
        _("product %(subject)s is unknown"),
        _STUB_WILL,
        _STUB_DID,
        _("Copy the table b_iblock_element whole; what the shop has deleted stays a stub."),
    ),
    Code.UNKNOWN_USER: _Texts(_("user %(subject)s is not in the copy"), _CONTACTS_WILL, _CONTACTS_DID, _COPY_USERS),
    Code.UNKNOWN_PAY_SYSTEM: _Texts(
        _("no payment method is chosen for the pay system %(subject)s"),
        _("the payment method will be unknown"),
        _("the payment method is unknown"),
        _("Choose its payment method on the page “Pay systems”: the orders get it at once, without another import."),
    ),
    Code.NO_USER: _Texts(_("ordered without an account"), _CONTACTS_WILL, _CONTACTS_DID),
    Code.NO_PRODUCT: _Texts(
        _("a line without a product: %(subject)s"),
        _("the line will keep its name and price"),
        _("the line kept its name and price"),
    ),
    Code.NO_LINES: _Texts(
        _("no lines"),
        _("will be imported without lines"),
        _("was imported without lines"),
        _("Copy the table b_sale_basket whole."),
    ),
    Code.NOT_BOUGHT: _Texts(
        _("a line that was set aside or is not for sale: %(subject)s"),
        _("the line will not be imported"),
        _("the line was not imported"),
    ),
    Code.NO_NUMBER: _Texts(
        _("no number"), _("the id will serve as the number"), _("the id serves as the number"), _ON_SITE
    ),
    Code.REPEATED_NUMBER: _Texts(
        _("number %(subject)s is given to several orders"), _("each will keep it"), _("each has kept it"), _ON_SITE
    ),
    Code.ZERO_DATE: _Texts(
        _("%(subject)s is 0000-00-00"),
        _("the date will be taken from related rows, or left empty"),
        _("the date was taken from related rows, or left empty"),
    ),
    Code.NEGATIVE_AMOUNT: _Texts(_("%(subject)s is below zero"), _AS_IT_IS_WILL, _AS_IT_IS_DID, _ON_SITE),
    Code.UNREADABLE: _Texts(
        _("%(subject)s can't be read"),
        _("will be kept among the other fields as it came"),
        _("kept among the other fields as it came"),
        _ON_SITE,
    ),
    Code.REPAIRED_TEXT: _Texts(_("broken letters in %(subject)s"), _("will be repaired"), _("were repaired"), _DUMP),
    Code.BROKEN_TEXT: _Texts(_("letters are lost in %(subject)s"), _AS_IT_IS_WILL, _AS_IT_IS_DID, _DUMP),
    Code.REPAIRED_ON_SITE: _Texts(
        _("broken letters in %(subject)s on the site itself"),
        _("will be repaired"),
        _("were repaired"),
        _("The copy is faithful: there is no need to make it again."),
    ),
    Code.BROKEN_ON_SITE: _Texts(
        _("letters are lost in %(subject)s on the site itself"),
        _AS_IT_IS_WILL,
        _AS_IT_IS_DID,
        _("The copy is faithful, so a new copy does not help. Look the order up on the site and correct it there."),
    ),
    Code.LOST_CHARACTERS: _Texts(
        _("question marks instead of emoji in %(subject)s"), _AS_IT_IS_WILL, _AS_IT_IS_DID, _DUMP
    ),
    Code.LOST_ON_SITE: _Texts(
        _("question marks instead of emoji in %(subject)s on the site itself"),
        _AS_IT_IS_WILL,
        _AS_IT_IS_DID,
        _("A new copy does not help. So that it does not happen again, have the site's tables converted to utf8mb4."),
    ),
    Code.CUT_TEXT: _Texts(
        _("%(subject)s is as long as its column: perhaps the site has cut it"),
        _AS_IT_IS_WILL,
        _AS_IT_IS_DID,
        _("Ask the customer for the rest. So that it does not happen again, have the column made TEXT on the site."),
    ),
    Code.ORPHAN_PROPERTY: _Texts(
        _("property %(subject)s is not described on the site"),
        _("will be kept among the other fields"),
        _("kept among the other fields"),
        _("Copy the table b_sale_order_props whole."),
    ),
    Code.BROKEN_VALUE: _Texts(_("several values of %(subject)s are cut"), _AS_IT_IS_WILL, _AS_IT_IS_DID, _ON_SITE),
    Code.BROKEN_CHANGE: _Texts(
        _("an entry of the order's history is cut: %(subject)s"),
        _("will be missing on the timeline"),
        _("is missing on the timeline"),
    ),
}
