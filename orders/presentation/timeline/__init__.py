"""The presentation of the timeline to staff. There is one renderer for each kind of entry.

The names of statuses, slots, cities, shops, staff and products are looked up for all entries together, with one query
for each model.
"""

from orders.presentation.timeline import from_site, payments, photos, to_site, work  # noqa: F401 (they register their renderers)
from orders.presentation.timeline.entries import Change, Entry, timeline
from orders.presentation.timeline.labels import field_label, problem_text
from orders.presentation.timeline.names import Names, look_up
from orders.presentation.timeline.values import value_text

__all__ = ["Change", "Entry", "Names", "field_label", "look_up", "problem_text", "timeline", "value_text"]
