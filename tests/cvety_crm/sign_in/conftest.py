"""Users for the tests of signing in."""

import pytest

from cvety_crm.roles import FLORIST, OWNER
from cvety_crm.users import User
from tests.authenticator import PASSWORD
from tests.roles import browser_of, person


@pytest.fixture
def aigul(db):
    """Return a florist with a password."""
    user = person(FLORIST, "aigul")
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def owner(db) -> User:
    return person(OWNER, "owner")


@pytest.fixture
def owners(owner):
    """Return the owner's browser."""
    return browser_of(owner)
