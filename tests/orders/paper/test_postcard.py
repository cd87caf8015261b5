"""Tests of the postcard: every letter has a glyph, the whole text is printed, and nothing else is printed.

The text fits on the card, or it continues on further cards.
"""

import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from orders.paper.postcard import has_postcard, postcards
from orders.paper.typesetting import COLOUR_EMOJI
from orders.values.paper_formats import A6, FORMATS, ROLL, SMALL_CARD, Paper
from tests.orders.paper.pdf import (
    fonts,
    has_missing_glyphs,
    letters,
    page_text,
    pdf_text,
    read,
    size_in_mm,
    type_sizes,
)

SIZES = pytest.mark.parametrize("size", FORMATS[Paper.POSTCARD], ids=lambda size: size.name)
KAZAKH = "Құттықтаймын, сүйікті әжем! ә ғ қ ң ө ұ ү һ і Ә Ғ Қ Ң Ө Ұ Ү Һ І"
SENTENCE = "Дорогая мама, поздравляем тебя с днём рождения и желаем здоровья. "


@SIZES
def test_every_letter_and_emoji_has_glyph(make, size):
    text = f"{KAZAKH}\n5 000 ₸ № «ёлочки» — 🌹❤️👩‍❤️‍👨🇰🇿👍🏽 ☺ ♥"
    pdf = postcards([make(postcard_text=text)], size)
    for piece in (*KAZAKH.split(), "₸", "№", "«ёлочки»", "🌹", "👍"):
        assert piece in pdf_text(pdf)
    assert not has_missing_glyphs(pdf)
    assert all(fonts(pdf).values())


def test_missing_glyph_is_detected(make):
    assert has_missing_glyphs(postcards([make(postcard_text="漢")], A6))


def test_emoji_are_in_colour_except_on_roll(make):
    order = make(postcard_text="Люблю 🌹")
    expected = "Type3" if COLOUR_EMOJI.exists() else "NotoEmoji-Regular"
    assert set(fonts(postcards([order], A6))) == {"Lora-Regular", expected}
    assert set(fonts(postcards([order], ROLL))) == {"Lora-Regular", "NotoEmoji-Regular"}


@pytest.mark.parametrize(("size", "width", "height"), [(A6, 105, 148), (SMALL_CARD, 100, 70), (ROLL, 80, None)])
def test_sheet_has_exact_size_of_format(make, size, width, height):
    short, long = postcards([make(postcard_text="Люблю")], size), postcards([make(postcard_text=SENTENCE * 8)], size)
    for page in (*read(short).pages, *read(long).pages):
        assert size_in_mm(page)[0] == width
        assert height in (None, size_in_mm(page)[1])
    if height is None:  # the paper from a roll is cut at the end of the text
        assert size_in_mm(read(short).pages[0])[1] < size_in_mm(read(long).pages[0])[1]


@SIZES
def test_line_breaks_of_customer_are_kept(make, size):
    lines = read(postcards([make(postcard_text="Маме\n\nот Димы\nи Светы")], size)).pages[0].extract_text().splitlines()
    assert [line.strip() for line in lines if line.strip()] == ["Маме", "от Димы", "и Светы"]


def test_line_stays_whole_when_type_is_reduced_little(make):
    (page,) = read(postcards([make(postcard_text="С днём рождения, мама! 🌹")], A6)).pages
    assert page.extract_text().strip().splitlines()[0].startswith("С днём рождения, мама!")


def test_final_emoji_stay_on_line_of_last_word(make):
    text = "Туған күніңізбен шын жүректен құттықтаймыз, немерелеріңіз 💐❤️"
    for size in FORMATS[Paper.POSTCARD]:
        last = read(postcards([make(postcard_text=text)], size)).pages[0].extract_text().strip().splitlines()[-1]
        assert "немерелеріңіз" in last
        assert "❤" in last


@pytest.mark.parametrize("size", [A6, SMALL_CARD], ids=lambda size: size.name)
def test_longer_text_has_smaller_type_and_is_complete(make, size):
    largest = []
    for count in (1, 3, 7):  # the site stores at most 500 characters
        text = (SENTENCE * count).strip()
        pdf = postcards([make(postcard_text=text)], size)
        assert len(read(pdf).pages) == 1
        assert letters(pdf_text(pdf)) == letters(text)
        largest.append(max(type_sizes(read(pdf).pages[0])))
    assert largest == sorted(largest, reverse=True)
    assert largest[0] > largest[-1] >= 8.5


@pytest.mark.parametrize("size", [A6, SMALL_CARD], ids=lambda size: size.name)
def test_too_long_text_continues_on_further_cards(make, size):
    text = " ".join(f"слово{n}" for n in range(900))
    short = make(postcard_text="Люблю")
    pages = read(postcards([short, make(postcard_text=text), short], size)).pages
    assert len(pages) > 4
    long = [page_text(page) for page in pages[1:-1]]
    for number, page in enumerate(long, start=1):
        assert page.endswith(f"{number} / {len(long)}")
    found = " ".join(page.removesuffix(f" {number} / {len(long)}") for number, page in enumerate(long, start=1))
    assert letters(found) == letters(text)
    assert [page_text(pages[0]), page_text(pages[-1])] == ["Люблю", "Люблю"]  # these pages have no page numbers


@SIZES
def test_text_without_spaces_is_broken_into_lines(make, size):
    text = "ж" * 150
    (page,) = read(postcards([make(postcard_text=text)], size)).pages
    lines = page.extract_text().split()
    assert len(lines) > 3
    assert letters("".join(lines)) == text


@SIZES
def test_long_word_reduces_type_instead_of_breaking(make, size):
    word = "Достопримечательностями"
    long, short = read(postcards([make(postcard_text=f"{word} и ещё"), make(postcard_text="Люблю")], size)).pages
    assert word in long.extract_text()
    assert max(type_sizes(long)) < max(type_sizes(short))


@SIZES
def test_postcard_contains_only_the_text(make, size):
    order = make(postcard_text="С днём рождения!", comment="без лилий", total_amount=Decimal(17000))
    content = postcards([order], size)
    assert pdf_text(content) == "С днём рождения!"
    assert read(content).metadata.title == "Открытка"
    assert order.order_number.encode() not in content


def test_each_postcard_has_own_page_and_empty_ones_are_skipped(make):
    orders = [make(postcard_text=f"Открытка номер {'а' * n}") for n in range(1, 101)]
    orders.insert(50, make(postcard_text="  \n "))
    assert not has_postcard(orders[50])
    pages = read(postcards(orders, A6)).pages
    expected = [f"Открытканомер{'а' * n}" for n in range(1, 101)]
    assert [letters(page_text(page)) for page in pages] == expected


MARKUP = [
    "<b>жирно</b> <script>alert(1)</script> &amp; &lt;",
    '#image("/etc/passwd") #read("/etc/passwd") #import "@preview/cetz:0.3.0"',
    "*не жирно* _нет_ = заголовок\n- пункт\n$ x^2 $ \\ @label ~ -- \"прямые\" 'кавычки'",
    '<img src="file:///etc/passwd"> file:///etc/hostname https://example.com/x.png',
]


@pytest.mark.parametrize("text", MARKUP)
def test_markup_in_text_is_printed_as_text(make, text):
    content = postcards([make(postcard_text=text)], A6)
    assert letters(pdf_text(content)) == letters(text)
    for page in read(content).pages:
        assert not page.images
        assert "/Annots" not in page


def test_url_in_text_is_not_fetched(make):
    asked = []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/x.png"
        text = f'<img src="{url}"> #image("{url}") url({url}) {url}'
        content = postcards([make(postcard_text=text)], A6)
        server.shutdown()
    assert letters(pdf_text(content)) == letters(text)
    assert asked == []


def test_preview_has_watermark(make):
    order = make(postcard_text="Люблю")
    assert pdf_text(postcards([order], A6)) == "Люблю"
    assert "ПРОСМОТР" in pdf_text(postcards([order], A6, is_preview=True))
