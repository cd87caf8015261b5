"""Tests of phone numbers in every format that customers of the shop have used."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.values import phones
from orders.values.phones import PhoneNumber, format_phone, normalize_phone, phone_digits

ALMATY_MOBILE = "+77011234567"


@pytest.mark.parametrize(
    "typed",
    [
        "+77011234567",
        "77011234567",
        "87011234567",
        "7011234567",
        "+7 (701) 123-45-67",
        "8 (701) 123 45 67",
        "8-701-123-45-67",
        "+7-701-123-45-67",
        " 8 701 1234567 ",
        "+7\u00a0701\u202f123 45 67",
        "\u202a+77011234567\u202c",
        "тел. 87011234567",
        "+87011234567",
        "+8 701 123 45 67",
    ],
)
def test_normalize_phone_reads_kazakh_mobile_in_any_spelling(typed):
    assert normalize_phone(typed) == PhoneNumber(ALMATY_MOBILE, is_valid=True)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        pytest.param("8 (727) 250-00-00", "+77272500000", id="landline of Almaty"),
        pytest.param("+7 916 123-45-67", "+79161234567", id="Russian"),
        pytest.param("89161234567", "+79161234567", id="Russian with 8"),
        pytest.param("+380501234567", "+380501234567", id="Ukrainian"),
        pytest.param("+1 415 555 2671", "+14155552671", id="American"),
        pytest.param("998901234567", "+998901234567", id="Uzbek without plus"),
        pytest.param("00998901234567", "+998901234567", id="Uzbek with 00"),
        pytest.param("+996 555 123456", "+996555123456", id="Kyrgyz"),
        pytest.param("+82 10 1234 5678", "+821012345678", id="Korean: +8 is not always a mistake"),
    ],
)
def test_normalize_phone_reads_landline_and_foreign_numbers(typed, stored):
    assert normalize_phone(typed) == PhoneNumber(stored, is_valid=True)


@pytest.mark.parametrize(
    "typed",
    [
        "87011234567, 87027654321",
        "87011234567; +7 702 765 43 21",
        "87011234567/87027654321",
        "87011234567 87027654321",
        "87011234567 или 87027654321",
        "+7 701 123-45-67\n+7 702 765-43-21",
        "8701123456787027654321",
        "+7701123456777027654321",
        "8701 123 45 67 8702 765 43 21",
        "+7 (701) 123-45-67+7 (702) 765-43-21",
        "7011234567 7027654321",
        "тел.: 87011234567, 8702 765 43 21, 7011234567",
    ],
)
def test_normalize_phone_returns_first_number_and_the_others(typed):
    assert normalize_phone(typed) == PhoneNumber(ALMATY_MOBILE, is_valid=True, others=("+77027654321",))


@pytest.mark.parametrize(
    ("typed", "others"),
    [
        ("87011234567 (Айгуль)", ()),
        ("8701 123 45 67 / 68", ()),
        ("8 701 123 45 67 доб. 12", ()),
        ("87011234567 8702765", ()),
        ("87011234567 12", ()),
        ("нет; 87011234567, 8702 765 43 21", ("+77027654321",)),
    ],
)
def test_normalize_phone_returns_text_that_contains_more_than_numbers(typed, others):
    number = normalize_phone(typed)
    assert number == PhoneNumber(ALMATY_MOBILE, is_valid=True, others=others, typed=typed)
    assert number.more.split("\n") == [*others, typed]


@pytest.mark.parametrize(
    "typed",
    [
        "17011234567",
        "12345678901",
        "9161234567",
        "3012345678",
        "870112345678",
        "8 701 123 45 678",
        "7011234567702765432",
    ],
)
def test_number_with_a_mistake_is_not_a_number_of_someone_else(typed):
    assert normalize_phone(typed) == PhoneNumber(typed, is_valid=False)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("", ""),
        ("  ", ""),
        ("нет телефона", "нет телефона"),
        ("8701123456", "8701123456"),
        ("870112345678", "870112345678"),
        ("250-00-00", "250-00-00"),
        ("+7 000 000 00 00", "+7 000 000 00 00"),
        ("позвоните мне пожалуйста вечером", "позвоните мне пожалуйста вечером"),
        ("\x00abc\ud800", "abc"),
    ],
)
def test_normalize_phone_keeps_text_without_number(typed, kept):
    assert normalize_phone(typed) == PhoneNumber(kept, is_valid=False)


@given(st.text())
def test_normalize_phone_accepts_any_text(typed):
    number = normalize_phone(typed)
    assert "\x00" not in number.value
    number.value.encode()
    assert number.value.startswith("+") or not number.is_valid


@given(st.text(alphabet="+78901 ()-,;/0\n", max_size=60))
def test_normalize_phone_accepts_any_digits_and_separators(typed):
    for value in (number := normalize_phone(typed)).others:
        assert value != number.value


@given(st.from_regex(r"70[1-8][0-9]{7}", fullmatch=True), st.sampled_from(["{}", "8{}", "7{}", "+7{}", "+7 {}"]))
def test_normalize_phone_does_not_change_stored_or_formatted_number(digits, spelling):
    number = normalize_phone(spelling.format(digits))
    if number.is_valid:
        assert number.value == f"+7{digits}"
        assert normalize_phone(number.value) == number
        assert normalize_phone(format_phone(number.value)) == number


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("+77011234567", "+7 701 123-45-67"),
        ("+79161234567", "+7 916 123-45-67"),
        ("+14155552671", "+1 415-555-2671"),
        ("нет", "нет"),
        ("", ""),
        ("+7701", "+7701"),
        ("+0000000", "+0000000"),
    ],
)
def test_format_phone_returns_usual_form(stored, shown):
    assert format_phone(stored) == shown


@given(st.text())
def test_format_phone_accepts_any_text(text):
    assert isinstance(format_phone(text), str)


def test_phone_digits_returns_only_ascii_digits():
    assert phone_digits("+7 (701) 123-45-67") == "77011234567"
    assert phone_digits("٣ и ½") == ""


@pytest.mark.parametrize("form", ["+7{}1234567", "8 ({}) 123-45-67"])
def test_usual_form_of_a_mobile_is_read_with_the_codes_of_the_library(form):
    codes = [f"{code:03}" for code in range(1000)]
    mobile = [
        code
        for code in codes
        if phonenumbers.number_type(phonenumbers.parse(f"+7{code}1234567")) == phonenumbers.PhoneNumberType.MOBILE
        and code.startswith("7")
    ]
    assert [code for code in codes if phones._MOBILE.fullmatch(form.format(code))] == mobile


separators = st.sampled_from(["", " ", "-"])


@given(
    st.sampled_from(["+7", "7", "8", "+8", "+77"]),
    separators,
    st.sampled_from(["701", "747", "760", "785", "703", "727", "916"]),
    st.sampled_from(["{}", "({})", "({}", "{})"]),
    st.lists(separators, min_size=3, max_size=3),
    st.from_regex(r"[0-9]{7}", fullmatch=True),
)
def test_usual_form_of_a_mobile_is_read_as_the_library_reads_it(first, after_first, code, brackets, between, digits):
    parts = (digits[:3], digits[3:5], digits[5:])
    typed = first + after_first + brackets.format(code)
    typed += "".join(separator + part for separator, part in zip(between, parts, strict=True))
    if phones._MOBILE.fullmatch(typed):
        assert ((normalize_phone(typed).value,), True) == phones._numbers_in(typed)
