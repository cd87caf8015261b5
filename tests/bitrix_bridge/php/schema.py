"""The tables of the test shop, which are defined once and can be created in either database.

Most tables are those of the import's tests, in the version that the installer of Bitrix 25 creates. The others are
defined in this module, in the same notation. MariaDB in strict mode checks lengths and empty columns itself. SQLite
checks the same rules in CHECK constraints, and the name of a type contains the number of decimals.
"""

from __future__ import annotations

import re
from functools import cache

from tests.bitrix_bridge.history.tables import TABLES, Schema, Table

MORE_TABLES = (
    Table(
        "b_option",
        "MODULE_ID varchar(50); NAME varchar(100); VALUE mediumtext?; DESCRIPTION varchar(255)?; SITE_ID char(2)?",
        keys="MODULE_ID,NAME",
    ),
    Table(
        "b_agent",
        """
        ID int +; MODULE_ID varchar(50)?; SORT int ='100'; NAME varchar(500)?; ACTIVE char(1) ='Y'; LAST_EXEC datetime?;
        NEXT_EXEC datetime; DATE_CHECK datetime?; AGENT_INTERVAL int? ='86400'; IS_PERIOD char(1)? ='Y'; USER_ID int?;
        RUNNING char(1) ='N'; RETRY_COUNT int? ='0'
        """,
        keys="ID",
    ),
    Table(
        "b_event",
        """
        ID int +; EVENT_NAME varchar(255); MESSAGE_ID int?; LID varchar(255); C_FIELDS longtext?; DATE_INSERT datetime?;
        DATE_EXEC datetime?; SUCCESS_EXEC char(1) ='N'; DUPLICATE char(1) ='Y'; LANGUAGE_ID char(2)?
        """,
        keys="ID",
    ),
    Table(
        "b_sale_order_dlv_basket",
        """
        ID int +; ORDER_DELIVERY_ID int; BASKET_ID int; DATE_INSERT datetime; QUANTITY decimal(18,4);
        RESERVED_QUANTITY decimal(18,4); XML_ID varchar(255)?
        """,
        keys="ID; ORDER_DELIVERY_ID; BASKET_ID",
    ),
    Table(
        "b_sale_user_account",
        """
        ID int +; USER_ID int; TIMESTAMP_X datetime; CURRENT_BUDGET decimal(18,4) ='0.0'; CURRENCY char(3);
        LOCKED char(1) ='N'; DATE_LOCKED datetime?; NOTES text?
        """,
        keys="ID; !USER_ID,CURRENCY",
    ),
    Table(
        "b_sale_user_transact",
        """
        ID int +; USER_ID int; TIMESTAMP_X datetime; TRANSACT_DATE datetime; CURRENT_BUDGET decimal(18,4) ='0.0';
        AMOUNT decimal(18,4) ='0.0'; CURRENCY char(3); DEBIT char(1) ='N'; ORDER_ID int?; DESCRIPTION varchar(255);
        NOTES text?; PAYMENT_ID int?; EMPLOYEE_ID int?
        """,
        keys="ID; USER_ID; ORDER_ID",
    ),
    Table(
        "b_sale_entity_marker",
        """
        ID int +; ORDER_ID int; ENTITY_TYPE varchar(25); ENTITY_ID int; TYPE varchar(10); CODE varchar(255);
        MESSAGE varchar(255); COMMENT varchar(500)?; USER_ID int?; DATE_CREATE datetime?; DATE_UPDATE datetime?;
        SUCCESS char(1) ='N'
        """,
        keys="ID; ORDER_ID",
    ),
    Table(
        "b_sale_order_archive",
        """
        ID int +; LID char(2); ORDER_ID int; ACCOUNT_NUMBER varchar(100); DATE_INSERT datetime; PERSON_TYPE_ID int;
        USER_ID int; STATUS_ID varchar(2); PAYED char(1) ='N'; DEDUCTED char(1) ='N'; CANCELED char(1) ='N';
        PRICE decimal(18,4); SUM_PAID decimal(18,2)?; CURRENCY char(3); XML_ID varchar(255)?; ID_1C varchar(36)?;
        ORDER_DATA mediumtext?; RESPONSIBLE_ID int?; COMPANY_ID int?; VERSION int; DATE_ARCHIVED datetime
        """,
        keys="ID; ORDER_ID; XML_ID",
    ),
    # Only the tests need this table. It has one row for each request that has started a session.
    Table("fake_session", "ID int +; URI varchar(255)", keys="ID"),
)
USED = {
    "b_sale_order",
    "b_sale_basket",
    "b_sale_basket_props",
    "b_sale_order_props",
    "b_sale_order_props_value",
    "b_sale_order_props_variant",
    "b_sale_location",
    "b_sale_loc_name",
    "b_sale_status",
    "b_sale_status_lang",
    "b_sale_order_payment",
    "b_sale_order_delivery",
    "b_sale_order_change",
    "b_sale_person_type",
    "b_sale_delivery_srv",
    "b_sale_pay_system_action",
    "b_user",
    "b_user_phone_auth",
    "b_iblock_element",
    "b_catalog_product",
    "b_catalog_price",
}
DECIMALS = {
    "decimal(18,4)": "decimal4",
    "decimal(18,2)": "decimal2",
    "double(18,4)": "double4",
    "double(18,2)": "double2",
}
"""SQLite's names of MySQL's numeric types.

A column with such a type has numeric affinity, and the name of the type contains the number of decimals.
"""

_TYPE = re.compile(r"(\w+(?:\([\d,]+\))?) (NULL|NOT NULL)( AUTO_INCREMENT)?(?: DEFAULT (.+))?")


def _tables() -> list[Table]:
    return [table for table in TABLES if table.name in USED] + list(MORE_TABLES)


@cache
def mariadb_schema() -> str:
    """Return the statements for MariaDB, separated by semicolons."""
    return ";\n".join(table.sql(Schema.NEW) for table in _tables())


@cache
def sqlite_schema() -> str:
    """Return the statements for SQLite, separated by semicolons."""
    return ";\n".join(_sqlite_table(table) for table in _tables()) + ";"


def _sqlite_table(table: Table) -> str:
    columns = table.column_types(Schema.NEW)
    lines = [_sqlite_column(name, kind) for name, kind in columns.items()]
    primary, *others = [" ".join(key.split()) for key in table.keys.split(";")]
    if "AUTO_INCREMENT" not in columns[primary.split(",")[0]]:
        lines.append(f"PRIMARY KEY ({primary})")
    lines += [f"UNIQUE ({re.sub('[(][0-9]+[)]', '', key[1:])})" for key in others if key.startswith("!")]
    body = ",\n  ".join(lines)
    statements = [f"CREATE TABLE `{table.name}` (\n  {body}\n)"]
    statements += [
        f"CREATE INDEX `{table.name}_{number}` ON `{table.name}` ({key})"
        for number, key in enumerate(others)
        if not key.startswith("!")
    ]
    return ";\n".join(statements)


def _sqlite_column(name: str, kind: str) -> str:
    match = _TYPE.fullmatch(kind)
    assert match, f"{name}: {kind!r} is no type"
    types, null, counts, default = match.groups()
    if counts:
        return f"`{name}` integer PRIMARY KEY AUTOINCREMENT"
    stored, check = types, ""
    if types in DECIMALS:
        stored, check = DECIMALS[types], f"typeof(`{name}`) <> 'text'"
    elif types in ("int", "bigint", "double"):
        check = f"typeof(`{name}`) <> 'text'"
    elif length := re.fullmatch(r"(?:var)?char\((\d+)\)", types):
        stored, check = f"{types} COLLATE NOCASE", f"length(`{name}`) <= {length[1]}"
    elif types in ("datetime", "timestamp"):
        stored, check = "datetime", f"`{name}` LIKE '____-__-__ __:__:__'"
    elif types == "date":
        # The type is not named `date`, because Python's own converter would convert its values.
        stored, check = "day", f"`{name}` LIKE '____-__-__'"
    default = "(CURRENT_TIMESTAMP)" if default == "current_timestamp" else default
    rest = f" DEFAULT {default}" if default else ""
    checked = f" CHECK (`{name}` IS NULL OR {check})" if check else ""
    return f"`{name}` {stored} {null}{rest}{checked}"
