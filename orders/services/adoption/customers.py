"""The customers of the earlier CRM."""

from collections.abc import Sequence

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cvety_crm.adoption.rows import KEPT, Row
from cvety_crm.adoption.staff import is_staff
from cvety_crm.adoption.steps import Context, SiteIds, Step, Tally
from cvety_crm.bulk_writes import Writes
from orders.models import Customer
from orders.services.adoption.site_ids import refuse_twins, site_id
from orders.services.adoption.times import set_times
from orders.sync.agreement import Agreement
from orders.values.phones import normalize_phone

_KEYS = ("bitrix_user_id",)
LONGEST_EMAIL = 255


class CustomerStep(Step):
    """Store all users as customers, except staff who have never ordered."""

    name = "customers"
    table = "users"
    title = _("customers")
    model = Customer
    read = ("id", "name", "phone", "email", "role", "is_florist", "bitrix_user_id", "created_at", "updated_at")

    def prepare(self, context: Context, tally: Tally) -> None:
        """Read who has ordered, who is responsible for orders, and which rows have the same id of the site."""
        self._ordered = context.distinct("orders", "user_id")
        self._responsible = context.distinct("orders", "responsible_id")
        self._ids = SiteIds(context.options.keeps_newest)
        for batch in context.batches(self.table):
            for row in batch:
                if self._is_customer(row):
                    self._ids.add(site_id(row, _KEYS, document="preferences"), row)
        refuse_twins(self._ids, tally)

    def convert(self, batch: Sequence[Row], context: Context, tally: Tally) -> None:
        """Store the customers."""
        rows = [row for row in batch if self._is_customer(row)]
        tally.outcomes[gettext("customer")] += len(rows)
        tally.stored += len(rows)
        if len(batch) > len(rows):
            tally.outcomes[gettext("only a staff account: has never ordered")] += len(batch) - len(rows)
        if context.is_applied:
            writes = Writes(keeps_times=True)
            writes.insert(*map(self._customer, rows))
            writes.flush()

    def _is_customer(self, row: Row) -> bool:
        return row.text("id") in self._ordered or not is_staff(row, self._responsible)

    def _customer(self, row: Row) -> Customer:
        key = site_id(row, _KEYS, document="preferences")
        phone = normalize_phone(row.text("phone"))
        email = row.text("email").strip()
        customer = Customer(
            id=row.id,
            name=row.text("name"),
            phone=phone.value,
            other_phones=phone.more,
            email=email if 0 < len(email) < LONGEST_EMAIL else None,
            bitrix_user_id=key if self._ids.keeps(key, row) else None,
        )
        times = set_times(customer, row)
        customer.needs_attention = not (customer.name and customer.phone)
        agreement = Agreement()
        agreement.settle({name: getattr(customer, name) or "" for name in ("name", "phone", "other_phones", "email")})
        customer.bitrix_state = agreement.as_json()
        names = ("name", "phone", "email", "bitrix_user_id")
        kept = row.kept({name: getattr(customer, name) for name in names} | {"id": row.id, **times})
        customer.preferences = {KEPT: kept} if kept else {}
        return customer
