"""Tests of the log of sign-ins: what it records, who may read it, and how long it is kept."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cvety_crm.models import SignInEvent
from cvety_crm.roles import ACCOUNTANT, DISPATCHER, FLORIST, MANAGER
from cvety_crm.sign_in import limits, log
from tests.authenticator import CHROME, code_of, enter_code, enter_password, secure, texts
from tests.roles import browser_of, person

pytestmark = pytest.mark.django_db
LIST = "/crm/cvety_crm/signinevent/"


def kinds():
    return list(SignInEvent.objects.order_by("created_at").values_list("kind", flat=True))


def test_sign_in_and_sign_out_are_recorded(aigul):
    client = Client(headers={"user-agent": CHROME})
    enter_password(client, REMOTE_ADDR="203.0.113.5")
    client.post(reverse("admin:logout"))
    signed_in, signed_out = SignInEvent.objects.order_by("created_at")
    assert (signed_in.kind, signed_in.method, signed_in.user) == ("signed_in", "password", aigul)
    assert (signed_in.address, signed_in.device, signed_in.actor) == ("203.0.113.5", "Chrome, Windows", None)
    assert (signed_out.kind, signed_out.user) == ("signed_out", aigul)


def test_failed_attempts_are_recorded(client, aigul):
    key, _ = secure(aigul)
    enter_password(client, password="wrong")
    enter_password(client)
    enter_code(client, "000000")
    enter_code(client, code_of(key))
    assert kinds() == ["failed", "failed", "signed_in"]
    methods = SignInEvent.objects.order_by("created_at").values_list("method", flat=True)
    assert list(methods) == ["password", "code", "code"]


def test_what_was_typed_is_not_recorded_if_it_is_no_account(client, aigul):
    """A password in the wrong field must not be shown to the owner."""
    enter_password(client, "correct horse battery")
    entry = SignInEvent.objects.get()
    assert (entry.kind, entry.user, entry.username, entry.details) == ("failed", None, "", "")


def test_many_refused_attempts_make_one_entry(aigul):
    for number in range(limits.ACCOUNT.attempts):
        enter_password(Client(), password="wrong", REMOTE_ADDR=f"203.0.{number}.1")
    for _ in range(5):
        enter_password(Client(), REMOTE_ADDR="198.51.100.7")
    assert kinds() == ["failed"] * limits.ACCOUNT.attempts + ["throttled"]


def test_owner_reads_filters_and_searches(owners, aigul):
    enter_password(Client(headers={"user-agent": CHROME}), REMOTE_ADDR="203.0.113.5")
    enter_password(Client(), password="wrong")
    page = texts(owners.get(LIST))
    assert "Журнал входов" in page
    assert "неудачная попытка" in page
    assert "Chrome, Windows" in page
    failed = texts(owners.get(LIST, {"kind__exact": "failed"})).split("result_list")[1]
    assert "Chrome, Windows" not in failed
    for typed, is_found in (("203.0.113", True), ("aigul", True), ("marat", False)):
        assert ("Chrome, Windows" in texts(owners.get(LIST, {"q": typed}))) is is_found
    assert "Chrome, Windows" in texts(owners.get(LIST, {"user__id__exact": aigul.pk}))
    assert "Chrome, Windows" not in texts(owners.get(LIST, {"user__id__exact": aigul.pk + 1}))


def test_entries_are_not_changed(owners, aigul):
    enter_password(Client())
    entry = SignInEvent.objects.get()
    change = reverse("admin:cvety_crm_signinevent_change", args=[entry.pk])
    assert owners.get(change).status_code == 200
    assert owners.post(change, {"kind": "failed"}).status_code == 403
    assert (
        owners.post(reverse("admin:cvety_crm_signinevent_delete", args=[entry.pk]), {"post": "yes"}).status_code == 403
    )
    assert SignInEvent.objects.get() == entry


@pytest.mark.parametrize("role", [MANAGER, FLORIST, DISPATCHER, ACCOUNTANT], ids=lambda role: role.name)
def test_others_may_not_read_it(role):
    assert browser_of(person(role)).get(LIST).status_code == 403
    assert Client().get(LIST).status_code == 302


def test_page_needs_the_same_queries_for_many_entries(owners, aigul, owner, django_assert_max_num_queries):
    def queries():
        with django_assert_max_num_queries(30) as found:
            assert owners.get(LIST).status_code == 200
        return len(found)

    log.record(log.Kind.SIGNED_IN, aigul)
    queries()  # fills the caches of the menu
    before = queries()
    for number in range(20):
        user = person(FLORIST, f"florist{number}")
        SignInEvent.objects.create(kind="allowed", user=user, username=user.username, actor=owner)
    assert queries() == before


def test_old_entries_are_deleted(aigul, settings):
    for days in (179, 181):
        entry = SignInEvent.objects.create(kind="signed_in", user=aigul)
        SignInEvent.objects.filter(pk=entry.pk).update(created_at=timezone.now() - timedelta(days=days))
    settings.KEEP_SIGN_INS_DAYS = 0
    assert log.prune() == 0
    settings.KEEP_SIGN_INS_DAYS = 180
    assert log.prune() == 1
    assert SignInEvent.objects.count() == 1


def test_entry_stays_when_the_user_is_deleted(aigul):
    log.record(log.Kind.SIGNED_IN, aigul)
    aigul.delete()
    entry = SignInEvent.objects.get()
    assert (entry.user, entry.username) == (None, "aigul")
