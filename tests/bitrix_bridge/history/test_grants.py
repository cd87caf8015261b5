"""Tests of the rights that are found in the output of SHOW GRANTS, in the spellings of MySQL and MariaDB."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrix_bridge.history.grants import rights_to_change


def rights(*lines, roles=None, database="bitrix"):
    shown = {"": list(lines)} | (roles or {})
    return [str(right) for right in rights_to_change(shown.get, database)]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("GRANT USAGE ON *.* TO `reader`@`%` IDENTIFIED BY PASSWORD '*0D3C ON x.y TO z'", []),
        ("GRANT SELECT, SHOW VIEW ON `bitrix`.* TO `reader`@`%`", []),
        ("GRANT SELECT ON *.* TO 'reader'@'%' REQUIRE SSL WITH MAX_USER_CONNECTIONS 3", []),
        ("GRANT SELECT, LOCK TABLES ON `bitrix`.* TO `reader`@`%`", ["LOCK TABLES ON `bitrix`.*"]),
        ("GRANT INSERT ON `bitrix`.`b_user` TO `reader`@`%`", ["INSERT ON `bitrix`.`b_user`"]),
        (
            "GRANT SELECT (`ID`, `NAME`), UPDATE (`NAME`, `EMAIL`) ON `bitrix`.`b_user` TO `a`@`%`",
            ["UPDATE (NAME, EMAIL) ON `bitrix`.`b_user`"],
        ),
        ("GRANT EXECUTE ON PROCEDURE `bitrix`.`clean` TO `a`@`%`", ["EXECUTE ON `bitrix`.`clean`"]),
        ("GRANT EXECUTE ON FUNCTION `shop`.`sum` TO `a`@`%`", []),
        ("GRANT ALL PRIVILEGES ON `shop`.* TO `a`@`%` WITH GRANT OPTION", []),
        ("GRANT ALL PRIVILEGES ON `BITRIX`.* TO `a`@`%`", ["ALL PRIVILEGES ON `BITRIX`.*"]),
        ("GRANT DELETE ON `bit%`.* TO `a`@`%`", ["DELETE ON `bit%`.*"]),
        ("GRANT DELETE ON `bitri_`.* TO `a`@`%`", ["DELETE ON `bitri_`.*"]),
        ("GRANT DELETE ON `bitri\\_`.* TO `a`@`%`", []),
        ("GRANT DELETE ON `bitri_`.`b_user` TO `a`@`%`", []),
        ('GRANT DELETE ON "bitrix".* TO "a"@"%"', ['DELETE ON "bitrix".*']),
        ("GRANT BACKUP_ADMIN,SHOW_ROUTINE ON *.* TO `a`@`%`", ["BACKUP_ADMIN ON *.*"]),
        (
            "GRANT PROXY ON `root`@`%` TO `a`@`%` WITH GRANT OPTION",
            ["GRANT OPTION ON `root`@`%`", "PROXY ON `root`@`%`"],
        ),
        ("GRANT SELECT ON `bitrix`.* TO `a`@`%` WITH GRANT OPTION", ["GRANT OPTION ON `bitrix`.*"]),
        ("GRANT UPDATE ON `mysql`.* TO `a`@`%`", ["UPDATE ON `mysql`.*"]),
        ("SET DEFAULT ROLE `x` FOR `a`@`%`", []),
    ],
)
def test_right_on_the_database_is_found_with_its_object(line, found):
    assert rights(line) == found


def test_right_revoked_on_the_database_does_not_count():
    lines = ["GRANT SELECT, INSERT, UPDATE ON *.* TO `a`@`%`", "REVOKE INSERT ON `bitrix`.* FROM `a`@`%`"]
    assert rights(*lines) == ["UPDATE ON *.*"]
    assert rights(*lines, database="shop") == ["INSERT ON *.*", "UPDATE ON *.*"]


def test_roles_of_roles_are_read_once_and_named():
    roles = {
        "`a`@`%`": ["GRANT SELECT ON `bitrix`.* TO `a`@`%`", "GRANT `b`@`%`,`c`@`%` TO `a`@`%`"],
        "`b`@`%`": ["GRANT INSERT ON `bitrix`.* TO `b`@`%`", "GRANT `a`@`%` TO `b`@`%`"],
        "`c`@`%`": ["GRANT INSERT ON `shop`.* TO `c`@`%`"],
    }
    assert rights("GRANT `a`@`%` TO `me`@`%`", roles=roles) == ["INSERT ON `bitrix`.* (роль `b`@`%`)"]


def test_rights_of_an_active_role_that_are_listed_with_the_account_name_the_role():
    lines = ["GRANT `a` TO `me`@`%`", "GRANT SELECT ON `bitrix`.* TO `me`@`%`", "GRANT DROP ON `bitrix`.* TO `a`"]
    assert rights(*lines, roles={"`a`": lines[2:]}) == ["DROP ON `bitrix`.* (роль `a`)"]


def test_role_whose_rights_are_hidden_counts_as_a_right():
    assert rights("GRANT `a`@`%` TO `me`@`%`") == ["неизвестные права (роль `a`@`%`)"]


@given(
    st.lists(
        st.text(alphabet="GRANTONSELC`'\\\"*.@(), %_TOINSERTMYRIGHT", max_size=60).map("GRANT ".__add__), max_size=3
    )
)
def test_any_line_is_read_without_an_error(lines):
    rights(*lines)
