"""Find the rights by which an account could change the site's database copy, in the output of `SHOW GRANTS`.

Only rights on the copy count: on all databases, on the database of the copy, its tables, columns and procedures, and on
the database `mysql`, which contains the rights themselves. Rights on other databases do not matter.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext

HARMLESS = frozenset(
    {
        "USAGE",
        "SELECT",
        "SHOW VIEW",
        "SHOW DATABASES",
        "SHOW CREATE ROUTINE",
        "SHOW_ROUTINE",
        "PROCESS",
        "REPLICATION CLIENT",
        "BINLOG MONITOR",
        "SLAVE MONITOR",
        "REPLICA MONITOR",
    }
)
"""The privileges of MySQL and MariaDB that do not allow writing. EXECUTE and FILE are missing, because procedures may
write and FILE allows creating files."""

_NAME = r"(?:`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'|\*|[\w$%\\]+)"
_KIND = r"(?:(?:TABLE|PROCEDURE|FUNCTION|PACKAGE BODY|PACKAGE) )?"
_PLACE = rf"{_KIND}(?P<first>{_NAME})(?P<sign>[.@])(?P<second>{_NAME})"
_GRANT = re.compile(rf"GRANT (?P<what>.+?) ON {_PLACE} TO (?P<rest>.*)", re.DOTALL)
_REVOKE = re.compile(rf"REVOKE (?P<what>.+?) ON {_PLACE} FROM ", re.DOTALL)
_ROLE = rf"{_NAME}(?:@{_NAME})?"
_ROLES = re.compile(rf"GRANT (?P<roles>{_ROLE}(?:, ?{_ROLE})*) TO ", re.DOTALL)
_GRANTEE = re.compile(_ROLE)
_PRIVILEGE = re.compile(r"(?P<name>[^,(]+)(?:\((?P<columns>[^()]*)\))?")
_GRANT_OPTION = re.compile(r"\bWITH\b.*\bGRANT OPTION\b", re.DOTALL)


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """A privilege on an object, such as INSERT on `site`.*, and the role that gives it to the account, if any."""

    name: str
    place: str
    role: str = ""

    def __str__(self) -> str:
        text = f"{self.name} ON {self.place}" if self.place else self.name
        return gettext("%(right)s (role %(role)s)") % {"right": text, "role": self.role} if self.role else text


def rights_to_change(show_grants: Callable[[str], Iterable[str] | None], database: str) -> list[Right]:
    """Return the rights of the account, and of its roles, that allow a change of the database or of rights on it.

    `show_grants` returns the lines of `SHOW GRANTS` for a role, or for the account itself if the role is `""`. It
    returns None if the account may not see the rights of the role.
    """
    found: dict[tuple[str, str], Right] = {}
    waiting, seen = [""], {""}
    while waiting:
        role = waiting.pop(0)
        lines = show_grants(role)
        if lines is None:
            found.setdefault((role, ""), Right(gettext("unknown rights"), "", role))
            continue
        lines = list(lines)
        new = [name for name in _roles(lines) if name not in seen]
        seen.update(new)
        waiting += new
        for right in _changing(lines, database, seen):
            found.setdefault((right.name, right.place), right)
    return sorted(found.values())


def _changing(lines: Iterable[str], database: str, roles: Collection[str]) -> Iterator[Right]:
    revoked = {
        name
        for line in lines
        if (match := _REVOKE.match(line)) and _is_of(match, database)
        for name, _columns in _privileges(match["what"])
    }
    for line in lines:
        match = _GRANT.match(line)
        if match is None or not _is_of(match, database):
            continue
        place = f"{match['first']}{match['sign']}{match['second']}"
        # MariaDB also lists the rights of an active role, with the role as the grantee.
        grantee = _GRANTEE.match(match["rest"])
        role = grantee[0] if grantee and grantee[0] in roles else ""
        for name, columns in _privileges(match["what"]):
            if name not in HARMLESS and not (match["first"] == "*" and name in revoked):
                yield Right(f"{name} ({columns})" if columns else name, place, role)
        if _GRANT_OPTION.search(match["rest"]):
            yield Right("GRANT OPTION", place, role)


def _privileges(what: str) -> Iterator[tuple[str, str]]:
    for match in _PRIVILEGE.finditer(what):
        if name := match["name"].strip().upper():
            yield name, (match["columns"] or "").replace("`", "").strip()


def _roles(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if not _GRANT.match(line) and (match := _ROLES.match(line)):
            yield from re.findall(_ROLE, match["roles"])


def _is_of(match: re.Match[str], database: str) -> bool:
    """Return whether the object of the grant is the database, a part of it, or contains rights on it."""
    if match["first"] == "*" or match["sign"] == "@":  # PROXY gives the rights of a different account
        return True
    name = _unquoted(match["first"])
    if name.casefold() == "mysql" or name.casefold() == database.casefold():
        return True
    # Only the name of a whole database may contain wildcards.
    return match["second"] == "*" and re.fullmatch(_pattern(name), database, re.IGNORECASE | re.DOTALL) is not None


def _unquoted(name: str) -> str:
    quote = name[0]
    return name[1:-1].replace(quote * 2, quote) if quote in "`\"'" else name


def _pattern(name: str) -> str:
    wildcards = {"%": ".*", "_": "."}
    parts = re.findall(r"\\.|.", name, re.DOTALL)
    return "".join(wildcards.get(part) or re.escape(part[-1]) for part in parts)
