"""The times of the earlier rows, which the new rows keep."""

from cvety_crm.adoption.rows import Row
from cvety_crm.tables import Table


def set_times(new: Table, row: Row) -> dict[str, object]:
    """Set the times of a new row that the earlier row has, and return them by the names of their columns.

    The row must be stored by `Writes(keeps_times=True)`. PostgreSQL chooses a time that is missing.
    """
    times = {name: row.moment(name) for name in ("created_at", "updated_at")}
    for name, moment in times.items():
        if moment is not None:
            setattr(new, name, moment)
    return dict(times)
