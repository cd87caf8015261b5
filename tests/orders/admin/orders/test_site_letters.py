"""Tests of the warning about texts that the site can't store, before they are saved."""

import pytest

from orders import services
from orders.sync.site_storage import CP1251, UTF8MB3, SiteLimits, TextLimit

TEXT = "Құттықтаймын 🌷"


@pytest.fixture
def order(make_order):
    return make_order()


def confirmed_in(answer):
    return answer.content.decode().partition('name="site_letters" value="')[2].partition('"')[0]


@pytest.mark.parametrize(("charset", "letters"), [(UTF8MB3, "🌷"), (CP1251, "Қ ұ қ 🌷")])
def test_text_that_the_site_can_t_store_is_saved_the_second_time(order, save, charset, letters):
    services.record_site_limits(SiteLimits({"postcard_text": TextLimit(charset, 500)}))
    answer = save(order, postcard_text=TEXT)
    assert f"Сайт не может хранить эти знаки: {letters}." in answer.content.decode()
    order.refresh_from_db()
    assert order.postcard_text != TEXT
    confirmed = confirmed_in(answer)
    assert save(order, postcard_text=TEXT + "!", site_letters=confirmed).status_code == 200, "another text"
    assert save(order, postcard_text=TEXT, site_letters=confirmed).status_code == 302
    order.refresh_from_db()
    assert order.postcard_text == TEXT


def test_longest_text_is_named(order, save):
    services.record_site_limits(SiteLimits({"comment": TextLimit("", 250)}))
    assert "только первые 250 из 300 знаков" in save(order, comment="я" * 300).content.decode()


def test_site_that_stores_everything_needs_no_warning(order, save):
    services.record_site_limits(SiteLimits({"postcard_text": TextLimit("utf8mb4", 500)}))
    assert save(order, postcard_text=TEXT).status_code == 302


def test_without_a_report_of_the_site_there_is_no_warning(order, save):
    assert save(order, postcard_text=TEXT).status_code == 302
