"""The rules that decide to which stages a status of the site may belong, judged by the Russian name of the status.

The functions are pure. A name says nothing certain, so the rules never choose the stage of a status that has one: they
only find names that do not fit. A name without a known word fits no stage.
"""

import re
from collections.abc import Iterator

from orders.models.reference import SiteStatus, Stage, Status

_NEW, _ACCEPTED, _MAKING, _WAITING = Stage.NEW, Stage.ACCEPTED, Stage.MAKING, Stage.WAITING
_READY, _DELIVERING, _DONE = Stage.READY, Stage.DELIVERING, Stage.DONE
_PROBLEM, _CANCELLED = Stage.PROBLEM, Stage.CANCELLED

# The stems of each rule are regular expressions for the start of a word. A rule hides the words that it has matched
# from the rules below it, so "не оплачен" is above "оплач". The first stage of a rule is the one that is suggested.
_RULES: tuple[tuple[tuple[Stage, ...], tuple[str, ...]], ...] = (
    # Something went wrong
    ((_PROBLEM,), ("ошиб", "проблем", "жалоб", "рекламац", "претензи", "просроч", "решить", "на решени", "внимани")),
    ((_PROBLEM,), ("спорн", "сбой", "не удал", "неудач", "задерж", "задержк", "опозд", "опазд")),
    ((_PROBLEM, _WAITING), ("недозв", "не дозв", "не отвеча", "уточн", "проверк", "проверит")),
    ((_PROBLEM, _CANCELLED), ("не достав", "недостав", "не вруч", "невруч", "не получен", "не забра", "не выкуп")),
    # The order has ended without a delivery
    ((_CANCELLED,), ("не ?реализ", "не ?выполн", "не ?заверш", "не ?состоял", "не ?актуал", "не ?действ")),
    ((_CANCELLED,), ("отмен", "отклон", "отказ", "аннулир", "возвра", "удал", "дубл", "спам", "сторн", "расторг")),
    ((_CANCELLED, _NEW), ("не ?принят",)),
    ((_CANCELLED,), ("деньги верн", "средства верн", "вернул")),
    # Payment
    ((_WAITING, _NEW, _PROBLEM), ("не ?оплач", "не ?опл")),
    ((_WAITING, _NEW), ("(ожида|жд)[а-я]* (предоплат|оплат|платеж|скан|денег|деньги|одобр|согласов|подтвержд)",)),
    ((_WAITING, _NEW), ("частично оплач", "авторизов", "счет выставлен", "выставлен счет", "в кредит", "рассроч")),
    # Waiting for the next step: the words after "waiting" name the step that has not happened yet
    ((_READY,), ("(ожида|жд)[а-я]* (достав|отправ|отгруз|выдач|курьер|самовывоз|забор|получ|вруч|клиент)",)),
    ((_NEW, _WAITING), ("(ожида|жд)[а-я]* (обработ|принят|рассмотр|звонк|оператор|менеджер)",)),
    ((_WAITING, _ACCEPTED), ("(ожида|жд)[а-я]* (сборк|изготов|флорист|товар|цвет|поставк|закуп|групп)",)),
    # Ready, before the words of the delivery and of the making, because its name often contains one of them
    ((_MAKING, _WAITING), ("не ?готов", "не ?собран", "не ?изготов")),
    ((_READY,), ("готов[а-я]* (к|на|для) [а-я]",)),
    ((_MAKING,), ("готовит", "готовят", "приготовл", "изготавл", "изготовлени", "на изготов")),
    ((_READY,), ("готов", "изготовлен", "собран", "укомплектов", "упакован", "сделан", "к выдаче", "к отправке")),
    ((_READY,), ("к отгрузке", "к доставке", "на выдач", "в пункте", "самовывоз")),
    # On its way
    ((_DELIVERING,), ("доставляет", "доставляют", "в (пути|дороге|доставке|рейсе)", "на (доставке|маршруте)")),
    ((_DELIVERING,), ("едет", "везет", "везут", "выехал", "отправлен", "отгружен", "у курьер", "курьер[а-я]* забрал")),
    ((_DELIVERING,), ("(передан|отдан|вручен)[а-я]* (курьер|в доставк|на доставк|в служб|водител|перевозч)",)),
    # Done
    ((_DONE,), ("доставлен", "выполнен", "заверш", "вручен", "получен", "выдан", "закрыт", "исполнен", "реализован")),
    ((_DONE,), ("продан", "архив", "успешн", "забрал", "состоялся")),
    ((_DELIVERING,), ("доставк",)),
    # The work of the florists
    ((_MAKING, _ACCEPTED), ("пересоб", "собира", "сборк", "комплект", "упаков", "формир", "флорист", "в работ")),
    ((_MAKING, _ACCEPTED), ("делаем", "делает", "исполня", "выполня", "производств")),
    ((_NEW,), ("не ?обработ", "не ?подтвержд", "не ?просмотр", "не ?разобран")),
    ((_MAKING, _ACCEPTED), ("обраб", "у партнер", "передан партнер")),
    # Accepted
    ((_ACCEPTED, _NEW), ("оплач", "предоплат", "оплата (получен|прошл|подтвержд)")),
    ((_ACCEPTED,), ("принят", "подтвержд", "согласован", "одобрен", "назначен", "взят", "запланир", "заказан")),
    ((_ACCEPTED, _NEW), ("переназнач", "аукцион", "распредел", "резерв", "зарезерв")),
    ((_WAITING, _ACCEPTED, _NEW), ("перенес", "перенос", "предзаказ", "отлож", "отсроч")),
    # Waiting without a word about the reason
    (
        (_WAITING, _NEW),
        ("ожида", "жд(е|у)", "скан", "на (согласовани|рассмотрени|удержани|паузе|подтверждени)", "пауз", "заморож"),
    ),
    # New
    (
        (_NEW,),
        ("нов", "поступ", "создан", "оформл", "заявк", "чернов", "входящ", "открыт", "необработ"),
    ),
)
_PATTERNS = tuple((stages, re.compile("|".join(rf"\b(?:{stem})[а-я]*" for stem in stems))) for stages, stems in _RULES)

_REMAKE = re.compile(r"\b(?:пересоб|передел|перекомплект|переупаков|собрать заново)")
_PICKUP = re.compile(r"\b(?:выдач|выдан|самовывоз|забор)")
_DELIVERY = re.compile(r"\b(?:доставк|курьер|отправк|отгрузк)")


def fitting_stages(name: str) -> tuple[Stage, ...]:
    """Return the stages that fit the name of a status, the most probable one first. The result may be empty."""
    return tuple(dict.fromkeys(stage for _position, stages in sorted(_matches(name)) for stage in stages))


def suggested_stage(name: str) -> Stage | None:
    """Return the stage that fits the name best, or None if the name contains no known word."""
    return next(iter(fitting_stages(name)), None)


def fits(name: str, stage: str) -> bool:
    """Return whether a status with this name on the site may belong to the stage."""
    return stage in fitting_stages(name)


def means_remake(name: str) -> bool:
    """Return whether a status with this name means that a bouquet is made again."""
    return bool(_REMAKE.search(_tidy(name)))


def suits(name: str, *, is_pickup: bool) -> bool:
    """Return whether the name suits an order that is picked up, or else delivered.

    A name such as "ready for delivery" suits only an order that is delivered. Most names suit both.
    """
    text = _tidy(name)
    is_for_pickup, is_for_delivery = bool(_PICKUP.search(text)), bool(_DELIVERY.search(text))
    return is_for_pickup in (is_for_delivery, is_pickup)


def is_agreed(site_status: SiteStatus, status: Status) -> bool:
    """Return whether the site's name of a code fits the stage of its status, or a user has confirmed this stage."""
    return site_status.confirmed_name == site_status.name or fits(site_status.name, status.intended_stage)


def _matches(name: str) -> Iterator[tuple[int, tuple[Stage, ...]]]:
    """Yield the position in the name and the stages of each rule that matches."""
    text = _tidy(name)
    for stages, pattern in _PATTERNS:
        if match := pattern.search(text):
            yield match.start(), stages
            text = pattern.sub(lambda found: " " * len(found.group()), text)


def _tidy(name: str) -> str:
    return " ".join(name.lower().replace("ё", "е").split())
