"""Tests of the customer of an order, in the formats in which the site sends the customer."""

import pytest

from bitrix_bridge.payloads import read_customer, read_order
from orders.sync.snapshot import CustomerSnapshot, Problem
from orders.sync.snapshot import ProblemReason as Reason


def customer_of(**data):
    return read_order({"ID": 1, **data}).customer


def test_user_update_is_read():
    customer = read_customer(
        {
            "ID": "1079",
            "LOGIN": "assel",
            "NAME": " Асель ",
            "LAST_NAME": "Нурланова",
            "SECOND_NAME": "К.",
            "EMAIL": "Assel@Mail.KZ",
            "PERSONAL_PHONE": "8 701 123 45 67",
        }
    )
    assert customer == CustomerSnapshot(
        bitrix_user_id=1079,
        fields={"name": "Асель Нурланова", "phone": "+77011234567", "email": "assel@mail.kz"},
        metadata={"LOGIN": "assel", "SECOND_NAME": "К."},
        of_account=frozenset({"name", "phone", "email"}),
    )


@pytest.mark.parametrize("data", [{}, {"ID": "0"}, {"NAME": "", "EMAIL": "noemail@cvety.kz"}, {"LOGIN": "x"}])
def test_user_without_any_value_is_no_customer(data):
    assert read_customer(data) is None


def test_only_sent_columns_are_read():
    assert read_customer({"ID": 5}).fields == {}
    assert read_customer({"ID": 5, "PERSONAL_PHONE": ""}).fields == {"phone": ""}
    assert read_customer({"ID": 5, "EMAIL": None}).fields == {"email": None}
    assert read_customer({"ID": 5, "NAME": "", "LAST_NAME": ""}).fields == {"name": ""}


def test_last_name_alone_is_not_the_name():
    customer = read_customer({"ID": 5, "LAST_NAME": "Нурланова"})
    assert customer.fields == {}
    assert customer.metadata == {"LAST_NAME": "Нурланова"}


@pytest.mark.parametrize("key", ["phone", "PHONE", "PERSONAL_PHONE", "PERSONAL_MOBILE", "PHONE_NUMBER"])
def test_phone_is_read_from_each_column(key):
    assert read_customer({"ID": 5, key: "87011234567"}).fields == {"phone": "+77011234567"}


def test_first_valid_phone_is_used():
    customer = read_customer(
        {"ID": 5, "phone": "нет", "PERSONAL_PHONE": "87011234567 Асель", "PERSONAL_MOBILE": "87027654321"}
    )
    others = "нет\n+77027654321"
    assert customer.fields == {"phone": "+77011234567", "other_phones": f"87011234567 Асель\n{others}"}
    assert customer.problems == ()
    assert customer.metadata == {
        "phone": "нет",
        "PERSONAL_PHONE": "87011234567 Асель",
        "PERSONAL_MOBILE": "87027654321",
    }


@pytest.mark.parametrize(
    ("name", "raw", "reason"),
    [
        ("ID", "x", Reason.NOT_A_NUMBER),
        ("NAME", {"a": 1}, Reason.NOT_TEXT),
        ("LAST_NAME", {"a": 1}, Reason.NOT_TEXT),
        ("PHONE_NUMBER", ["x", {}], Reason.NOT_TEXT),
    ],
)
def test_unreadable_column_is_kept_with_a_problem(name, raw, reason):
    values = {"ID": 5, "NAME": "Асель", name: raw}
    for data in (values, {key.lower(): value for key, value in values.items()}):
        customer = read_customer(data)
        assert customer.problems == (Problem(name, raw, reason),)
        assert customer.metadata == {name: raw}


@pytest.mark.parametrize("code", ["name", "fio", "phone"])
def test_unreadable_contact_of_the_order_is_a_problem(code):
    for spelling in (code, code.upper()):
        snapshot = read_order({"ID": 1, "properties": {spelling: {"a": 1}}})
        assert snapshot.problems == (Problem(f"properties.{code}", {"a": 1}, Reason.NOT_TEXT),)
        assert snapshot.metadata == {"properties": {spelling: {"a": 1}}}


@pytest.mark.parametrize(
    ("account", "metadata"), [("socservices", {"EXTERNAL_AUTH_ID": "socservices"}), ("", {}), (None, {}), ([], {})]
)
def test_kind_of_account_is_kept_if_it_is_known(account, metadata):
    assert read_customer({"ID": 5, "EXTERNAL_AUTH_ID": account}).metadata == metadata


def test_invalid_phone_is_kept_as_typed():
    customer = read_customer({"ID": 5, "PERSONAL_PHONE": "нет"})
    assert customer.fields == {"phone": "нет"}
    assert customer.metadata == {"PERSONAL_PHONE": "нет"}
    assert customer.problems == (Problem("PERSONAL_PHONE", "нет", Reason.NOT_A_PHONE),)


@pytest.mark.parametrize(
    "email",
    [
        "noemail@cvety.kz",
        "noemail_1756@cvety.kz",
        "no-email@mail.ru",
        "no_mail@mail.ru",
        "noreply@cvety.kz",
        "anna@example.com",
        "anna@mail.example",
        "anna@shop.local",
        "anna@server.localhost",
        "77011234567@noemail.kz",
        "anna",
        "anna@",
        "@mail.ru",
        "anna@mail",
        "anna@@mail.ru",
        "anna smith@mail.ru",
        "a" * (255 - len("@mail.ru")) + "@mail.ru",
        {"a": 1},
        5,
    ],
)
def test_placeholder_email_is_ignored(email):
    customer = read_customer({"ID": 5, "EMAIL": email})
    assert customer.fields == {"email": None}
    assert customer.metadata == {"EMAIL": email}


@pytest.mark.parametrize(
    "email",
    [
        "anna@mail.ru",
        "a.b+c@sub.mail.kz",
        "нурлан@почта.рф",
        "norma@gmail.com",
        "a" * (254 - len("@mail.ru")) + "@mail.ru",
    ],
)
def test_email_is_read_in_lower_case(email):
    assert read_customer({"ID": 5, "email": email}).fields == {"email": email}


def test_passwords_are_not_kept():
    secrets = {"PASSWORD": "x1", "CHECKWORD": "x2", "storedHash": "x3", "CONFIRM_CODE": "x4"}
    assert read_customer({"ID": 5, **secrets}).metadata == {}
    snapshot = read_order({"ID": 1, "user": {"TITLE": "x", **secrets}})
    assert snapshot.metadata == {"fields": {"user": {"TITLE": "x"}}}


@pytest.mark.parametrize("user", [None, [], "", False, {}])
def test_order_without_user_has_its_contacts_as_customer(user):
    assert customer_of(user=user) is None
    assert customer_of(user=user, USER_ID="0") is None
    assert customer_of(user=user, USER_ID="1079") == CustomerSnapshot(bitrix_user_id=1079, contacts_only=True)


def test_contacts_of_the_order_are_read():
    properties = {"phone": "87011234567", "email": "A@mail.ru", "fio": "Асель &amp; Ко"}
    snapshot = read_order({"ID": 1, "properties": properties})
    contacts = {"name": "Асель & Ко", "phone": "+77011234567", "email": "a@mail.ru"}
    assert snapshot.customer == CustomerSnapshot(bitrix_user_id=None, fields=contacts, typed=contacts)
    assert {name: snapshot.fields[f"contact_{name}"] for name in contacts} == contacts
    assert snapshot.metadata == {"properties": properties}


def test_contacts_of_order_fill_missing_values_of_user():
    user = {"ID": "9", "NAME": "", "EMAIL": "noemail@cvety.kz", "PERSONAL_PHONE": "87011234567"}
    properties = {"name": "Асель", "phone": "87027654321", "email": "a@mail.ru"}
    customer = customer_of(user=user, properties=properties)
    assert customer.bitrix_user_id == 9
    assert customer.fields == {"name": "Асель", "phone": "+77011234567", "email": "a@mail.ru"}
    assert customer.metadata == {"EMAIL": "noemail@cvety.kz"}
    assert customer.typed == {"name": "Асель", "phone": "+77027654321", "email": "a@mail.ru"}
    assert customer.of_account == {"phone"}


@pytest.mark.parametrize(
    ("properties", "typed"),
    [
        ({}, {}),
        ({"name": None, "phone": "", "email": ""}, {"name": "", "phone": "", "email": ""}),
        ({"name": "", "fio": "Асель"}, {"name": "Асель"}),
        ({"phone": ["87011234567"]}, {"phone": "+77011234567"}),
        ({"phone": "позвонить мужу"}, {"phone": "позвонить мужу"}),
        ({"email": "noemail@cvety.kz"}, {"email": ""}),
        ({"name": {"a": 1}}, {"name": ""}),
    ],
)
def test_contacts_are_read_as_they_were_typed(properties, typed):
    snapshot = read_order({"ID": 1, "USER_ID": "9", "properties": properties})
    found = {name.removeprefix("contact_"): value for name, value in snapshot.fields.items() if "contact_" in name}
    assert found == typed


def test_phone_of_order_replaces_invalid_phone_of_user():
    customer = customer_of(user={"ID": "9", "PERSONAL_PHONE": "нет"}, properties={"phone": "87027654321"})
    assert customer.fields == {"phone": "+77027654321", "other_phones": "нет"}
    assert customer.metadata == {"PERSONAL_PHONE": "нет"}
    assert customer.problems == ()


@pytest.mark.parametrize(
    "contacts",
    [
        {},
        {"phone": None},
        {"phone": ""},
        {"phone": "&nbsp;"},
        {"phone": []},
        {"phone": "тоже нет"},
        {"phone": {"a": 1}},
    ],
)
def test_invalid_phone_of_user_is_kept_when_order_has_no_phone(contacts):
    customer = customer_of(user={"ID": "9", "PERSONAL_PHONE": "нет"}, properties=contacts)
    assert customer.fields == {"phone": "нет"}
    assert customer.metadata == {"PERSONAL_PHONE": "нет"}
    assert customer.problems == (Problem("user.PERSONAL_PHONE", "нет", Reason.NOT_A_PHONE),)


@pytest.mark.parametrize("blank", ["", None, False, " ", "&nbsp;"])
def test_blank_phone_does_not_hide_next_one(blank):
    customer = read_customer({"ID": 5, "PERSONAL_PHONE": blank, "PERSONAL_MOBILE": "87011234567"})
    assert customer.fields == {"phone": "+77011234567"}
    assert customer_of(user={"ID": 5, "PHONE": blank}, properties={"phone": "87011234567"}).fields == customer.fields


def test_problems_of_customer_are_listed_with_the_order():
    snapshot = read_order(
        {"ID": 1, "user": {"ID": "x", "NAME": {}}, "properties": {"phone": "нет", "name": {"a": 1}}, "USER_ID": 5}
    )
    assert snapshot.customer.bitrix_user_id == 5
    assert {problem.field: problem.reason for problem in snapshot.problems} == {
        "user.ID": Reason.NOT_A_NUMBER,
        "user.NAME": Reason.NOT_TEXT,
        "properties.name": Reason.NOT_TEXT,
        "properties.phone": Reason.NOT_A_PHONE,
    }
    assert snapshot.customer.problems == snapshot.problems


def test_user_id_is_also_a_field_of_the_order():
    assert read_order({"ID": 1, "user": {"ID": "1079"}}).fields["bitrix_user_id"] == 1079
    snapshot = read_order({"ID": 1, "user": {"ID": "1079"}, "USER_ID": "5"})
    assert snapshot.fields["bitrix_user_id"] == 5
    assert snapshot.customer.bitrix_user_id == 1079
