"""Tests of the templates that replace templates of django-unfold."""

from hashlib import sha256
from pathlib import Path

import pytest
import unfold
from django.conf import settings

ORIGINALS = {
    "admin/base.html": "2ce9250b3c649e3a",
    "unfold/helpers/app_list.html": "6ab83ac498b2f50f",
    "unfold/helpers/boolean.html": "ccaf312fe7efd6b9",
    "unfold/helpers/edit_inline/inline_add.html": "e8bc669caf9a426b",
    "unfold/helpers/header_back_button.html": "e75451379d5507e6",
    "unfold/helpers/navigation_header.html": "35139b9d94580be9",
    "unfold/helpers/welcomemsg.html": "e8eab02522ba2319",
    "unfold/layouts/skeleton.html": "66af9f0bb45f98ba",
    "unfold/layouts/unauthenticated.html": "768501529f1a8dae",
}
"""The originals of our changed copies.

If django-unfold changes an original, this test fails: change the copy in the same way, then correct the hash.
"""


@pytest.mark.parametrize("name", ORIGINALS)
def test_original_of_a_changed_template_is_the_one_that_was_copied(name):
    original = Path(unfold.__file__).parent / "templates" / name
    assert sha256(original.read_bytes()).hexdigest()[:16] == ORIGINALS[name]


def test_every_replaced_template_is_listed():
    originals = Path(unfold.__file__).parent / "templates"
    ours = settings.BASE_DIR / "templates"
    names = {path.relative_to(ours).as_posix() for path in ours.rglob("*.html")}
    replaced = {
        name for name in names if (originals / name).exists() and "extends" not in (ours / name).read_text()[:80]
    }
    assert replaced == {name for name in ORIGINALS if "extends" not in (ours / name).read_text()[:80]}
