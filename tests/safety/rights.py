"""The decisions who may open and post to which URL. `tests/safety/test_rights.py` checks them by requests.

Each letter is a role. `*` is everyone, also without signing in, `-` is only superusers, and `.` is no one: there is no
such page, the method is not allowed, or something else than a session decides. Superusers may do all that anyone may.
The rows of the tests are those of a superuser, so a page with only the own rows is decided as for rows of others.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from tests.safety.addresses import Address

LETTERS = {"O": "Владелец", "M": "Менеджер", "F": "Флорист", "D": "Диспетчер", "A": "Бухгалтер"}

STANDARD = """
model                           list     add      view     change   delete   log
cvety_crm.user                  O        O        O        -        -        O
auth.group                      O        -        O        -        -        O
cvety_crm.heartbeat             -        .        -        .        .        .
cvety_crm.signinevent           O        .        O        .        .        .
django_q.schedule               -        .        -        .        .        .
django_q.ormq                   -        .        -        .        .        .
django_q.success                -        .        -        .        .        .
django_q.failure                -        .        -        .        .        .
orders.bulkrun                  OMFDA    .        OM       .        .        .
orders.courier                  OMD      OMD      OMD      OMD      .        OMD
orders.phonelook                O        .        O        .        .        .
orders.customer                 OMA      OM       OMA      OM       .        OMA
orders.messagetemplate          OM       OM       OM       OM       O        OM
orders.product                  OMA      O        OMA      O        .        OMA
orders.status                   O        O        O        O        .        O
orders.city                     O        O        O        O        .        O
orders.shop                     O        O        O        O        .        O
orders.deliveryslot             O        O        O        O        .        O
orders.paysystem                O        O        O        O        .        O
orders.reportschedule           OA       O        OA       O        O        OA
orders.reportdelivery           OA       .        OA       .        .        .
orders.orderevent               OMA      .        OMA      .        .        .
orders.ordernote                OM       .        OM       .        .        .
orders.orderphoto               OM       .        OM       .        .        .
orders.exportrun                OMA      .        O        .        .        .
orders.order                    OMFDA    OM       OMFDA    OM       .        .
orders.monthplan                O        O        O        O        O        O
orders.peakday                  OMA      O        OMA      O        O        OMA
bitrix_bridge.difference        OM       .        OM       OM       .        .
bitrix_bridge.importrun         OM       .        OM       .        .        .
bitrix_bridge.importrow         OM       .        OM       .        .        .
bitrix_bridge.webhookevent      OM       .        OM       .        .        .
bitrix_bridge.push              OM       .        OM       .        .        .
bitrix_bridge.reconciliation    OM       .        OM       .        .        .
notifications.telegramchat      O        O        O        O        O        O
notifications.telegrammessage   OM       .        OM       .        .        .
"""
"""The standard pages of the models in the admin. `view` is to open the page of a row, and `change` to post to it; the
other columns are both. Any member of staff is redirected from `/<row>/` to the page of the row."""

PAGES = """
address                                                 GET     POST
home                                                    *       .
health                                                  *       .
ready                                                   OMFDA   .
system_status                                           OMFDA   .
sign_in                                                 *       *
sign_in_code                                            .       .
forgotten_password                                      *       *
new_password                                            *       *
sign_in_rules                                           O       O
account                                                 OMFDA   .
second_factor_set_up                                    OMFDA   OMFDA
second_factor_off                                       OMFDA   OMFDA
recovery_codes                                          OMFDA   OMFDA
sign_out_device                                         .       OMFDA
sign_out_everywhere                                     .       OMFDA
session_check                                           OMFDA   .
exchange_report                                         OM      .
day_board                                               OMFDA   .
dispatch                                                OMD     .
dispatch_act                                            .       OMD
dispatch_undo                                           .       OMD
dispatch_brief                                          OMD     .
dispatch_map                                            OMD     .
couriers_cash                                           OMDA    OMDA
till                                                    OA      OA
exports                                                 OMFDA   OMFDA
new_export                                              OMA     OMA
report_of_holidays                                      OMA     .
calls                                                   OMA     .
calls_reminders                                         OM      .
calls_record                                            .       OM
calls_undo                                              .       OM
report                                                  OMA     .
product_thumbnail                                       OMFDA   .
item_thumbnail                                          OMFDA   .
earlier_order                                           OMFDA   .
earlier_page                                            OMFDA   .
/crm/{url}                                              .       .
approval                                                *       *
approval_photo                                          *       .
earlier-api                                             *       *
docs                                                    *       .
schema                                                  *       .
admin:search                                            OMFDA   OMFDA
admin:index                                             OMFDA   OMFDA
admin:login                                             *       *
admin:logout                                            .       *
admin:password_change                                   OMFDA   OMFDA
admin:password_change_done                              OMFDA   .
admin:autocomplete                                      OMA     .
admin:jsi18n                                            OMFDA   .
admin:view_on_site                                      .       .
admin:auth_user_password_change                         -       -
admin:app_list                                          OMFDA   OMFDA
"""
"""Pages that belong to no model. The token in the link decides about `approval`, which every customer may open, and
about `new_password`. `sign_in_code` follows the right password."""

ORDERS = """
address                                                 GET     POST
admin:orders_order_select_all                           .       OMFDA
admin:orders_order_next_step                            .       OMFD
admin:orders_order_take                                 .       OMF
admin:orders_order_remake                               .       OMF
admin:orders_order_undo                                 .       OMFD
admin:orders_order_undo_one                             .       OMFD
admin:orders_order_apply_pending_change                 .       OMFD
admin:orders_order_accept_site                          .       OMFD
admin:orders_order_release                              .       OMFD
admin:orders_order_florist                              .       OMD
admin:orders_order_courier                              .       OMD
admin:orders_order_notified                             .       OMD
admin:orders_order_problem                              .       OMFD
admin:orders_order_solved                               .       OMFD
admin:orders_order_other_customer                       OM      .
admin:orders_order_set_customer                         .       OM
admin:orders_order_add_note                             .       OMFD
admin:orders_order_message                              .       OMD
admin:orders_order_here                                 .       OMFDA
admin:orders_order_send_again                           .       OMFD
admin:orders_order_print                                .       OMFDA
admin:orders_order_postcard                             OMFDA   .
admin:orders_order_add_payment                          .       OMDA
admin:orders_order_refund                               .       OMA
admin:orders_order_correct_payment                      .       OMA
admin:orders_order_add_photos                           .       OMFD
admin:orders_order_photo_link                           .       OMFD
admin:orders_order_withdraw_photo                       .       OMFD
admin:orders_order_export                               OMA     .
admin:orders_order_add_customers                        OM      .
admin:orders_order_add_customer                         OM      .
admin:orders_order_add_products                         OM      .
admin:orders_order_filters                              OMFDA   .
admin:orders_order_columns                              OMFDA   OMFDA
admin:orders_order_views                                OMFDA   .
admin:orders_order_save_view                            OMFDA   OMFDA
admin:orders_order_view_counts                          OMFDA   .
admin:orders_order_edit_view                            OM      OM
admin:orders_order_update_view                          .       OM
admin:orders_order_move_view                            .       OM
admin:orders_order_delete_view                          .       OM
admin:orders_order_contacts                             OMFDA   .
admin:orders_order_statuses                             OMFD    .
admin:orders_order_set_status                           .       OMFD
admin:orders_order_edit                                 OMD     OMD
admin:orders_order_pulse                                OMFDA   .
admin:orders_order_change_status_dialog                 OMFD    OMFD
"""
"""The buttons and dialogs of orders. The edited value of `order_edit` is the courier, and the views are the shop's."""

OTHERS = """
address                                                 GET     POST
admin:cvety_crm_user_sign_in                            -       .
admin:cvety_crm_user_sign_in_button                     .       -
admin:orders_bulkrun_undo                               .       OM
admin:orders_bulkrun_stop                               .       OM
admin:orders_bulkrun_resume                             .       OM
admin:orders_bulkrun_progress                           OM      .
admin:orders_courier_route                              OMD     .
admin:orders_courier_step                               .       OMD
admin:orders_customer_merge_with                        OM      .
admin:orders_customer_merge                             .       OM
admin:orders_customer_part                              .       OM
admin:orders_customer_data                              O       .
admin:orders_customer_download                          .       O
admin:orders_customer_erase                             .       O
admin:orders_messagetemplate_preview                    .       OM
admin:orders_status_refresh                             .       O
admin:orders_status_site                                O       .
admin:orders_status_profile                             .       O
admin:orders_status_decide                              .       O
admin:orders_city_refresh                               .       O
admin:orders_shop_refresh                               .       O
admin:orders_deliveryslot_refresh                       .       O
admin:orders_paysystem_refresh                          .       O
admin:orders_paysystem_methods                          O       .
admin:orders_paysystem_choose                           .       O
admin:orders_reportschedule_columns                     O       .
admin:orders_reportschedule_send_now_dialog             O       O
admin:orders_reportdelivery_retry_dialog                O       O
admin:orders_reportdelivery_deliver_now_dialog          O       O
admin:orders_reportdelivery_cancel_dialog               O       O
admin:orders_orderphoto_full                            OMFDA   .
admin:orders_orderphoto_small                           OMFDA   .
admin:orders_exportrun_file                             .       .
admin:orders_exportrun_stop                             .       -
admin:orders_exportrun_resume                           .       -
admin:orders_exportrun_progress                         O       .
admin:bitrix_bridge_importrun_stop                      .       OM
admin:bitrix_bridge_importrun_resume                    .       OM
admin:bitrix_bridge_importrun_progress                  OM      .
admin:bitrix_bridge_push_retry_dialog                   OM      OM
admin:bitrix_bridge_push_deliver_now_dialog             OM      OM
admin:bitrix_bridge_push_cancel_dialog                  OM      OM
admin:bitrix_bridge_reconciliation_decide               .       OM
admin:bitrix_bridge_reconciliation_stop                 .       OM
admin:bitrix_bridge_reconciliation_resume               .       OM
admin:bitrix_bridge_reconciliation_progress             OM      .
admin:bitrix_bridge_reconciliation_start                .       OM
admin:notifications_telegrammessage_retry_dialog        OM      OM
admin:notifications_telegrammessage_deliver_now_dialog  OM      OM
admin:notifications_telegrammessage_cancel_dialog       OM      OM
"""
"""The buttons and dialogs of other models. Only superusers may change how a superuser signs in. Only the user of an
export may stop it and load its file."""

BY_TOKEN = """
address                                                 GET     POST
admin:bitrix_bridge_webhookevent_reprocess_dialog       OM      OM
metrics                                                 .       .
webhook-order                                           .       .
webhook-product                                         .       .
webhook-other                                           .       .
webhook-order-slash                                     .       .
webhook-product-slash                                   .       .
telegram_webhook                                        .       .
earlier-webhook-order                                   .       .
earlier-webhook-status                                  .       .
/api/webhooks/bitrix/product                            .       .
"""
"""The URLs for other systems. A token in the request decides, and no session does."""

POSTED: Mapping[str, Mapping[str, str]] = {
    "couriers_cash": {"courier": "orders.courier"},
    "admin:orders_courier_step": {"order": "orders.order", "step": "delivered"},
    "admin:bitrix_bridge_reconciliation_decide": {"side": "site"},
    "admin:orders_order_print": {"paper": "work_order:a5", "order": "orders.order"},
}
"""What must be posted so that the row of an address is found. The label of a model stands for the key of its row."""


class Access(NamedTuple):
    """The letters of those who may open a URL, and of those who may post to it."""

    get: str = "."
    post: str = "."


def access_of(address: Address) -> Access:
    """Return the decision about a URL. Raise `KeyError` if there is none."""
    if address.pattern == f"/crm/{address.model.replace('.', '/')}/{{object_id}}/":
        return Access("OMFDA", "OMFDA")
    return DECISIONS[address.name]


def undecided(address: Address) -> bool:
    """Return whether there is no decision about a URL."""
    is_redirect = bool(address.model) and address.pattern.endswith(f"{address.model.split('.')[1]}/{{object_id}}/")
    return address.name not in DECISIONS and not is_redirect


def unknown(addresses: Iterable[Address]) -> list[str]:
    """Return the names in the decisions that are the names of no URL."""
    return sorted(DECISIONS.keys() - {one.name for one in addresses})


def _lines(table: str) -> Iterator[list[str]]:
    for line in table.strip().splitlines()[1:]:
        yield re.split(r"\s+", line.strip())


def _standard() -> Iterator[tuple[str, Access]]:
    for model, rows, add, view, change, delete, log in _lines(STANDARD):
        start = f"admin:{model.replace('.', '_')}_"
        both = {"changelist": rows, "add": add, "delete": delete, "history": log}
        yield from ((start + page, Access(letters, letters)) for page, letters in both.items())
        yield f"{start}change", Access(view, change)


DECISIONS: Mapping[str, Access] = {
    **dict(_standard()),
    **{name: Access(get, post) for table in (PAGES, ORDERS, OTHERS, BY_TOKEN) for name, get, post in _lines(table)},
}
