"""Renderers of timeline entries about the work of the shop: bouquets, problems, couriers, postcards and messages."""

from collections.abc import Iterator

from django.utils.translation import gettext

from orders.models import Addressee
from orders.models.message import MessageChannel
from orders.presentation.timeline import notes
from orders.presentation.timeline.names import Names
from orders.presentation.timeline.registry import renders
from orders.sync.fields import MAKING_FACTS
from orders.timeline_payloads import (
    BouquetReady,
    BouquetRemade,
    BouquetTaken,
    CourierNotified,
    CustomerReplaced,
    MessageSent,
    PostcardPrinted,
    ProblemReported,
    ProblemSolved,
)
from orders.values.languages import Language
from orders.values.paper_formats import format_label


@renders(BouquetTaken, icon="local_florist", hides=MAKING_FACTS)
def bouquet_taken(payload: BouquetTaken, names: Names) -> Iterator[str]:
    """Yield the name of the florist. The entry itself shows who recorded it, and when."""
    if payload.florist:
        yield gettext("Florist: %(name)s") % {"name": payload.florist}


@renders(BouquetReady, icon="inventory", hides=MAKING_FACTS)
def bouquet_ready(payload: BouquetReady, names: Names) -> Iterator[str]:
    """Yield nothing: the title and a change of the status are enough."""
    yield from ()


@renders(BouquetRemade, icon="autorenew", hides=MAKING_FACTS)
def bouquet_remade(payload: BouquetRemade, names: Names) -> Iterator[str]:
    """Yield the comment."""
    yield from notes.comment(payload.comment, names)


@renders(ProblemReported, icon="warning")
def problem_reported(payload: ProblemReported, names: Names) -> Iterator[str]:
    """Yield the text of the problem, with phones masked if the reader may not see them."""
    if payload.problem:
        yield names.masked(payload.problem)


@renders(ProblemSolved, icon="check_circle")
def problem_solved(payload: ProblemSolved, names: Names) -> Iterator[str]:
    """Yield the text of the problem, and the comment on its solution."""
    if payload.problem:
        yield names.masked(payload.problem)
    yield from notes.comment(payload.comment, names)


@renders(CourierNotified, icon="notifications_active", shows_changes=False)
def courier_notified(payload: CourierNotified, names: Names) -> Iterator[str]:
    """Yield the courier's name. The title says that the courier was notified."""
    yield from notes.courier(payload.courier)


@renders(CustomerReplaced, icon="person")
def customer_replaced(payload: CustomerReplaced, names: Names) -> Iterator[str]:
    """Yield nothing: the changes name both customers, and the reason says why."""
    yield from ()


@renders(PostcardPrinted, icon="print")
def postcard_printed(payload: PostcardPrinted, names: Names) -> Iterator[str]:
    """Yield the label of the paper size."""
    if payload.paper_format:
        yield gettext("Size: %(size)s") % {"size": format_label(payload.paper_format)}


def _message_title(payload: MessageSent) -> str:
    texts: dict[str, str] = {
        MessageChannel.WHATSAPP: gettext("Message “%(name)s” sent in WhatsApp"),
        MessageChannel.COPY: gettext("Message “%(name)s” copied"),
    }
    text = texts.get(payload.channel) if payload.template else None
    return text % {"name": payload.template} if text else ""


@renders(MessageSent, icon="chat", title=_message_title)
def message_sent(payload: MessageSent, names: Names) -> Iterator[str]:
    """Yield the addressee and the language. The title contains the name of the template."""
    addressees: dict[str, str] = {
        Addressee.CUSTOMER: gettext("To the customer"),
        Addressee.RECIPIENT: gettext("To the recipient"),
    }
    languages: dict[str, str] = {Language.RUSSIAN: gettext("in Russian"), Language.KAZAKH: gettext("in Kazakh")}
    parts = (addressees.get(payload.addressee), languages.get(payload.language))
    if text := ", ".join(part for part in parts if part):
        yield text
