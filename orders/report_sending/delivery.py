"""The delivery of a report to one recipient: by e-mail, or to a Telegram chat."""

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext

from cvety_crm import mail
from cvety_crm.outbox import Delivered, Deliverer, NoLongerNeededError, register_deliverer
from orders.models import ReportDelivery, ReportRun
from orders.report_sending.files import check_rights, content_type, with_file
from orders.services.report_schedules import note_receipt, recipients_of


def register() -> None:
    """Register the deliverer of reports."""
    register_deliverer(ReportDelivery._meta.label, Deliverer(deliver))


def deliver(delivery: ReportDelivery) -> Delivered:
    """Send the file of the run to the recipient. The rights of the schedule's user are checked each time.

    A delivery with a receipt is not sent again: the worker died before it recorded the outcome. Raise
    `NoLongerNeededError` if the schedule no longer has the recipient, and `DeliveryError` on failure.
    """
    if delivery.receipt:
        return Delivered(answer=delivery.receipt)
    run = ReportRun.objects.select_related("schedule__run_as").get(pk=delivery.run_id)
    if (delivery.channel, delivery.recipient) not in recipients_of(run.schedule):
        raise NoLongerNeededError(gettext("The scheduled report is no longer sent to this recipient."))
    check_rights(run)
    run = with_file(run)
    with run.file.open("rb") as file:
        content = file.read()
    is_email = delivery.channel == ReportDelivery.Channel.EMAIL
    send = mail.send_file if is_email else import_string(settings.REPORT_TELEGRAM_SENDER)
    receipt: str = send(
        delivery.recipient,
        title=run.title,
        text=run.summary,
        file_name=run.file_name,
        content=content,
        content_type=content_type(run),
        key=str(delivery.pk),
    )
    # The receipt is stored at once, because the worker may die before it records the outcome.
    note_receipt(delivery.pk, receipt)
    return Delivered(answer=receipt)
