"""The staff of the earlier CRM, whose table `users` also contains the customers."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.adoption.rows import Row
from cvety_crm.adoption.steps import Context, Step, Tally
from cvety_crm.users import User

STAFF_ROLES = frozenset({
    "admin", "administrator", "owner", "director", "manager", "operator", "florist", "courier", "dispatcher",
    "accountant", "staff", "employee", "superuser",
})  # fmt: skip
"""The roles of staff in the earlier CRM. Other roles, such as `customer`, are those of customers."""


def is_staff(row: Row, responsible: set[str]) -> bool:
    """Return whether a row of `users` is a member of staff: by role, as a florist, or as responsible for an order."""
    return (
        row.text("role").strip().lower() in STAFF_ROLES
        or row.flag("is_florist", default=False)
        or row.text("id") in responsible
    )


class StaffStep(Step):
    """Create accounts without a password, a role and the right to sign in. The owner decides about each of them."""

    name = "staff"
    table = "users"
    title = _("staff")
    model = User
    read = ("id", "name", "phone", "email", "role", "is_florist")

    def prepare(self, context: Context, tally: Tally) -> None:
        """Read who is responsible for orders."""
        self._responsible = context.distinct("orders", "responsible_id")
        self._names = set(User.objects.values_list("username", flat=True)) if context.is_applied else set()
        tally.details["accounts"] = {}

    def convert(self, batch: Sequence[Row], context: Context, tally: Tally) -> None:
        """Create the accounts of those rows that are staff."""
        for row in batch:
            if not is_staff(row, self._responsible):
                continue
            tally.outcomes[gettext("staff account, switched off, without a password and a role")] += 1
            tally.stored += 1
            user = User(**self._values(row), is_active=False, is_staff=False)
            user.set_unusable_password()
            if context.is_applied:
                user.save(force_insert=True)
            tally.details["accounts"][row.text("id")] = user.pk

    def _values(self, row: Row) -> dict[str, Any]:
        email, phone, name = row.text("email").strip(), row.text("phone").strip(), row.text("name").strip()
        wanted = email if len(email) <= 140 else ""
        wanted = wanted or "".join(filter(str.isdigit, phone))[:20] or f"earlier-{row.text('id')[:8]}"
        username, number = wanted, 1
        while username in self._names:
            number += 1
            username = f"{wanted}-{number}"
        self._names.add(username)
        return {
            "username": username,
            "first_name": name[:150],
            "email": email if len(email) <= 254 else "",
            "phone": phone if len(phone) <= 20 else "",
        }
