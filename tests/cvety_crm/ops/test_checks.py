"""Tests of the system check of the time zone database."""

from datetime import timedelta, timezone

from django.core.checks import run_checks

from cvety_crm.ops import checks


def test_present_time_zone_database_passes():
    assert not [error for error in run_checks() if error.id == "cvety_crm.W001"]


def test_time_zone_database_from_before_2024_is_reported(monkeypatch):
    monkeypatch.setattr(checks, "ZoneInfo", lambda _name: timezone(timedelta(hours=6)))
    (error,) = [error for error in run_checks() if error.id == "cvety_crm.W001"]
    assert "Asia/Almaty" in error.msg
