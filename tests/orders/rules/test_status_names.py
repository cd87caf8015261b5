"""Tests of the rules that judge to which stages a status of the site may belong, by its Russian name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.models import SiteStatus, Stage, Status
from orders.rules.status_names import fits, fitting_stages, is_agreed, suggested_stage

NEW, ACCEPTED, MAKING, WAITING, READY = Stage.NEW, Stage.ACCEPTED, Stage.MAKING, Stage.WAITING, Stage.READY
DELIVERING, DONE, PROBLEM, CANCELLED = Stage.DELIVERING, Stage.DONE, Stage.PROBLEM, Stage.CANCELLED

NAMES = {
    # The names of a new installation of Bitrix
    "Принят, ожидается оплата": {ACCEPTED, WAITING, NEW},
    "Оплачен, формируется к отправке": {ACCEPTED, NEW, MAKING, READY},
    "Выполнен": {DONE},
    "Ожидает обработки": {NEW, WAITING},
    "Отгружен": {DELIVERING},
    # The written specification
    "Новый": {NEW},
    "Принят": {ACCEPTED},
    "Доставляется": {DELIVERING},
    "Возврат": {CANCELLED},
    "Отклонён": {CANCELLED},
    "Завершён": {DONE},
    "В обработке": {MAKING, ACCEPTED},
    "Деньги возвращены": {CANCELLED},
    "Отменён": {CANCELLED},
    # The measured names of the shop
    "Подтверждён": {ACCEPTED},
    "Оплачен": {ACCEPTED, NEW},
    "Не оплачен": {WAITING, NEW, PROBLEM},
    "Собран": {READY},
    "Готов к доставке": {READY},
    "Готов к выдаче": {READY},
    "В пути": {DELIVERING},
    "Проблемный": {PROBLEM},
    "Нереализован": {CANCELLED},
    "Пересобрать": {MAKING, ACCEPTED},
    "Ждём одобрения заказчика": {WAITING, NEW},
    "Аукцион": {ACCEPTED, NEW},
    "Решить": {PROBLEM},
    "Ждём группового закупа": {WAITING, ACCEPTED},
    "Ошибка при оплате": {PROBLEM},
    "Kaspi: ждём скана": {WAITING, NEW},
    "Kaspi: скан есть": {WAITING, NEW},
    "Kaspi: ошибка": {PROBLEM},
    "CloudPayments: авторизован": {WAITING, NEW},
    "CloudPayments: отменён": {CANCELLED},
    # The buttons of the site's own CRM
    "Новый заказ": {NEW},
    "Ждём оплату": {WAITING, NEW},
    "Перенесён": {WAITING, ACCEPTED, NEW},
    "Передан курьеру": {DELIVERING},
    "Переназначен": {ACCEPTED, NEW},
    "Отменён системой": {CANCELLED},
    "У партнёра": {MAKING, ACCEPTED},
    # A negation, and a word that belongs to the next step, change the stage
    "Доставлен": {DONE},
    "Не доставлен": {PROBLEM, CANCELLED},
    "Ожидает доставки": {READY},
    "Не готов": {MAKING, WAITING},
    "Не принят": {CANCELLED, NEW},
    "Не выполнен": {CANCELLED},
    "Не реализован": {CANCELLED},
    "Получен": {DONE},
    "Не получен": {PROBLEM, CANCELLED},
    "Необработан": {NEW},
    "Ожидает отправки": {READY},
    "Передан в службу доставки": {DELIVERING},
    "Вручён получателю": {DONE},
    "Готовится": {MAKING},
    "Изготовлен": {READY},
}
"""The stages that fit each name, as a table of cases."""


@pytest.mark.parametrize(("name", "stages"), NAMES.items())
def test_name_fits_its_stages(name, stages):
    assert set(fitting_stages(name)) == stages
    assert {stage for stage in Stage if fits(name, stage)} == stages
    assert suggested_stage(name) == fitting_stages(name)[0]


@pytest.mark.parametrize(
    ("name", "stage"),
    [("Принят", ACCEPTED), ("В обработке", MAKING), ("Не оплачен", WAITING), ("Перенесён", WAITING), ("Собран", READY)],
)
def test_most_probable_stage_is_suggested(name, stage):
    assert suggested_stage(name) == stage


@pytest.mark.parametrize("name", ["", "Подарок", "VIP", "Completed", "—"])
def test_name_without_a_known_word_fits_no_stage(name):
    assert (fitting_stages(name), suggested_stage(name)) == ((), None)


@given(st.sampled_from(sorted(NAMES)), st.sampled_from(["", " ", "  "]))
def test_letter_case_spaces_and_the_letter_yo_make_no_difference(name, space):
    written = space + name.upper().replace("Ё", "Е").replace(" ", " " + space) + space
    assert fitting_stages(written) == fitting_stages(name)


@given(st.text())
def test_any_text_is_judged(name):
    assert len(set(fitting_stages(name))) == len(fitting_stages(name))


@pytest.mark.parametrize(
    ("confirmed", "stage", "questioned", "agreed"),
    [
        ("", "delivering", "", True),
        ("", "cancelled", "", False),
        ("В пути", "cancelled", "", True),  # a user has confirmed the stage for this name
        ("Едет", "cancelled", "", False),  # the site has renamed the status since then
        ("", "problem", "cancelled", False),  # the stage before the question counts
        ("", "problem", "delivering", True),
    ],
)
def test_name_is_agreed_if_it_fits_or_was_confirmed(confirmed, stage, questioned, agreed):
    named = SiteStatus(code="DE", name="В пути", confirmed_name=confirmed)
    assert is_agreed(named, Status(stage=stage, questioned_stage=questioned)) is agreed
