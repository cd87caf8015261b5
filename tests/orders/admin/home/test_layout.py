"""Tests of the layout of the home page: each combination of permissions has its blocks."""

from itertools import product

import pytest

from cvety_crm.roles import ACCOUNTANT, DISPATCHER, FLORIST, MANAGER, OWNER
from orders.admin.home import layout
from orders.admin.home.layout import Block, HomeRights, home_rights, layout_of
from orders.admin.home.page import BUILDERS
from tests.roles import person

LAYOUTS = (
    layout.OWNER, layout.MANAGER, layout.FLORIST, layout.DISPATCHER, layout.FLORIST_AND_DISPATCHER, layout.ACCOUNTANT,
    layout.READER, layout.OTHERS,
)  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (OWNER, layout.OWNER),
        (MANAGER, layout.MANAGER),
        (FLORIST, layout.FLORIST),
        (DISPATCHER, layout.DISPATCHER),
        (ACCOUNTANT, layout.ACCOUNTANT),
    ],
)
def test_each_role_has_its_own_blocks(role, expected):
    assert layout_of(home_rights(person(role))) == expected


def test_every_combination_of_permissions_has_a_layout():
    found = {layout_of(HomeRights(*flags)) for flags in product((False, True), repeat=6)}
    assert found == set(LAYOUTS)


def test_every_block_is_used_and_has_a_builder():
    assert {block for blocks in LAYOUTS for block in blocks} == set(Block)
    assert set(BUILDERS) | {Block.ATTENTION} == set(Block)
    assert all(len(blocks) == len(set(blocks)) for blocks in LAYOUTS)
