"""The functions that write orders. No other code may write orders.

Each service is one transaction: it locks the order, changes it, writes one timeline entry and publishes the change to
the other apps. No service uses the network.
"""

from orders.exceptions import NotAllowedError
from orders.services.assignment import (
    assign_courier,
    assign_florist,
    mark_courier_notified,
    release_order,
    unmark_courier_notified,
)
from orders.services.callers import customer_for_call
from orders.services.calls import CALLED_FOR, LONGEST_CALL_NOTE, counts_as_called, record_call, undo_call
from orders.services.changes import change_status, conflicting_change, edit_order
from orders.services.creation import Caller, NewItem, create_order
from orders.services.customer_merges import merge_customers, part_customer
from orders.services.customers import add_customer, edit_customer
from orders.services.dispatch import Dispatched, Refused, assign_orders, mark_orders_notified, undo_assignment
from orders.services.erasure import erase_customer, is_erased_account
from orders.services.inbound.apply import apply_snapshot, apply_snapshots, store
from orders.services.inbound.batch import Arrived
from orders.services.inbound.checksums import ListedChecksum, note_checksums
from orders.services.inbound.customers import apply_customer
from orders.services.inbound.deletion import mark_archived, mark_deleted, mark_present
from orders.services.inbound.fetches import ATTEMPTS, changed_too_often, record_refetch_attempt, start_fetch
from orders.services.inbound.history import lock_absent_orders, record_histories, record_history_changes
from orders.services.inbound.outcomes import Applied, Doubt, Outcome
from orders.services.inbound.products import apply_product, retire_product
from orders.services.inbound.races import MOST_TRIES, is_race
from orders.services.inbound.reference_data import apply_reference
from orders.services.locking import dry_run
from orders.services.making import mark_ready, mark_taken, remake_order, take_order
from orders.services.messages import record_message
from orders.services.notes import LONGEST_NOTE, add_note
from orders.services.order_customer import LONGEST_NAME, change_customer
from orders.services.outbound.push_results import (
    accept_site_state,
    end_request,
    note_sending,
    reassess_sync_state,
    record_accepted,
    record_created_on_site,
    record_late_response,
    record_refused,
    record_site_status,
    record_value_refused,
    start_request,
)
from orders.services.outbound.reconciliation import keep_ours, send_again, take_site_value
from orders.services.pay_systems import MethodChoice, choose_payment_method, save_pay_system
from orders.services.payments import add_payment, correct_payment, refund
from orders.services.photo_approval import LinkExpiredError, answer_photos, make_photo_link, revoke_photo_link
from orders.services.photos import add_photo, withdraw_photo
from orders.services.printing import AlreadyPrintedError, Print, postcard_prints, record_postcards_printed
from orders.services.problems import LONGEST_REASON, report_problem, solve_problem
from orders.services.rehoming import sort_shared_accounts
from orders.services.route import move_stops, reset_route, set_route
from orders.services.saved_views import (
    MOST_VIEWS,
    change_view,
    choose_columns,
    delete_view,
    move_view,
    rename_view,
    save_view,
)
from orders.services.site_limits import current_limits, record_site_limits
from orders.services.status_decisions import StatusDecision, choose_stage, save_status, separate_status
from orders.services.status_profiles import PROFILES, ProfileOutcome, load_profile
from orders.services.status_questions import StatusQuestion, note_site_statuses, questions_about
from orders.services.till import close_till, settle_courier
from orders.services.undo import (
    changes_of_batch,
    held_until_of,
    release_status,
    released_status,
    undo_status,
    undoable_change,
)

__all__ = [
    "ATTEMPTS",
    "CALLED_FOR",
    "LONGEST_CALL_NOTE",
    "LONGEST_NAME",
    "LONGEST_NOTE",
    "LONGEST_REASON",
    "MOST_TRIES",
    "MOST_VIEWS",
    "PROFILES",
    "AlreadyPrintedError",
    "Applied",
    "Arrived",
    "Caller",
    "Dispatched",
    "Doubt",
    "LinkExpiredError",
    "ListedChecksum",
    "MethodChoice",
    "NewItem",
    "NotAllowedError",
    "Outcome",
    "Print",
    "ProfileOutcome",
    "Refused",
    "StatusDecision",
    "StatusQuestion",
    "accept_site_state",
    "add_customer",
    "add_note",
    "add_payment",
    "add_photo",
    "answer_photos",
    "apply_customer",
    "apply_product",
    "apply_reference",
    "apply_snapshot",
    "apply_snapshots",
    "assign_courier",
    "assign_florist",
    "assign_orders",
    "change_customer",
    "change_status",
    "change_view",
    "changed_too_often",
    "changes_of_batch",
    "choose_columns",
    "choose_payment_method",
    "choose_stage",
    "close_till",
    "conflicting_change",
    "correct_payment",
    "counts_as_called",
    "create_order",
    "current_limits",
    "customer_for_call",
    "delete_view",
    "dry_run",
    "edit_customer",
    "edit_order",
    "end_request",
    "erase_customer",
    "held_until_of",
    "is_erased_account",
    "is_race",
    "keep_ours",
    "load_profile",
    "lock_absent_orders",
    "make_photo_link",
    "mark_archived",
    "mark_courier_notified",
    "mark_deleted",
    "mark_orders_notified",
    "mark_present",
    "mark_ready",
    "mark_taken",
    "merge_customers",
    "move_stops",
    "move_view",
    "note_checksums",
    "note_sending",
    "note_site_statuses",
    "part_customer",
    "postcard_prints",
    "questions_about",
    "reassess_sync_state",
    "record_accepted",
    "record_call",
    "record_created_on_site",
    "record_histories",
    "record_history_changes",
    "record_late_response",
    "record_message",
    "record_postcards_printed",
    "record_refetch_attempt",
    "record_refused",
    "record_site_limits",
    "record_site_status",
    "record_value_refused",
    "refund",
    "release_order",
    "release_status",
    "released_status",
    "remake_order",
    "rename_view",
    "report_problem",
    "reset_route",
    "retire_product",
    "revoke_photo_link",
    "save_pay_system",
    "save_status",
    "save_view",
    "send_again",
    "separate_status",
    "set_route",
    "settle_courier",
    "solve_problem",
    "sort_shared_accounts",
    "start_fetch",
    "start_request",
    "store",
    "take_order",
    "take_site_value",
    "undo_assignment",
    "undo_call",
    "undo_status",
    "undoable_change",
    "unmark_courier_notified",
    "withdraw_photo",
]
