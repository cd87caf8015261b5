"""Tests of the page `/metrics`: who may read it, what it counts, and its queries."""

import fcntl
import multiprocessing
import time
from contextlib import suppress
from pathlib import Path

import pytest
from django.db import DatabaseError, connection
from prometheus_client.parser import text_string_to_metric_families

from bitrix_bridge.models import Push, WebhookEvent
from cvety_crm import measurements
from cvety_crm.measurements import BUCKETS, FILE_BYTES, MeasurementFile
from cvety_crm.models import Heartbeat
from cvety_crm.outbox import deliver_due
from orders import services
from tests.samples import order_data

pytestmark = pytest.mark.django_db
TOKEN = "made-up-metrics-token"


@pytest.fixture(autouse=True)
def _own_file(settings, tmp_path):
    settings.METRICS_TOKEN = TOKEN
    settings.THROTTLE_CACHE_DIR = str(tmp_path)


@pytest.fixture
def scrape(client):
    """Return a function that returns the value of each sample by its name and its labels."""

    def scrape():
        response = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert response.status_code == 200
        return {
            (sample.name.removeprefix("cvety_crm_"), *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(response.content.decode())
            for sample in family.samples
        }

    return scrape


class TestAccess:
    @pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN])
    def test_page_needs_the_token(self, client, header):
        response = client.get("/metrics", headers={"Authorization": header} if header else {})
        assert (response.status_code, response.content) == (401, b"")

    def test_token_in_the_url_does_not_count(self, client):
        assert client.get(f"/metrics?token={TOKEN}").status_code == 401

    def test_staff_need_the_token_too(self, client, manager):
        client.force_login(manager)
        assert client.get("/metrics").status_code == 401

    def test_page_does_not_exist_without_a_token(self, client, settings):
        settings.METRICS_TOKEN = ""
        assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404

    def test_page_is_only_read(self, client):
        assert client.post("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 405


class TestCounts:
    def test_webhooks_are_counted_by_outcome(self, scrape, post_webhook):
        post_webhook("order.create", order_data())
        post_webhook("order.create", order_data())
        post_webhook("order.create", order_data(), token="wrong")
        post_webhook("{", token="made-up-webhook-token")
        found = scrape()
        counts = {key[1]: value for key, value in found.items() if key[0] == "webhook_duration_seconds_count"}
        assert counts == {"created": 1, "duplicate": 1, "invalid_token": 1, "invalid_payload": 1}
        assert found["webhook_duration_seconds_bucket", "+Inf", "created"] == 1
        assert 0 < found["webhook_duration_seconds_sum", "created"] < 30

    def test_deliveries_and_the_queue_are_counted(self, scrape, site, shared_order):
        services.change_status(order_id=shared_order.pk, status="accepted", actor=None)
        before = scrape()
        assert before["outbox_entries", "bitrix_pushes", "pending"] == 1
        assert before["outbox_oldest_seconds", "bitrix_pushes"] > 0
        while deliver_due():
            pass
        found = scrape()
        assert found["outbox_entries", "bitrix_pushes", "pending"] == 0
        assert any(key[:2] == ("delivery_duration_seconds_count", "bitrix_pushes") for key in found)

    def test_failed_and_retried_entries_are_counted(self, scrape, shared_order):
        Push.objects.all().delete()
        Push.objects.create(order=shared_order, state="failed")
        Push.objects.create(order=shared_order, failures=2)
        found = scrape()
        assert found["outbox_entries", "bitrix_pushes", "failed"] == 1
        assert found["outbox_retried_entries", "bitrix_pushes"] == 1

    def test_worker_inbox_and_database_are_measured(self, scrape):
        Heartbeat.beat(Heartbeat.WORKER)
        WebhookEvent.objects.create(event="order.update", payload={}, state="failed", action="stored")
        found = scrape()
        assert found["webhook_events", "failed"] == 1
        assert 0 <= found["worker_heartbeat_age_seconds",] < 60
        assert (found["database_up",], found["webhooks_lost_in_a_day",]) == (1, 0)
        assert 0 < found["database_seconds",] < 30

    def test_queries_do_not_depend_on_the_number_of_rows(self, scrape, shared_order, django_assert_num_queries):
        with django_assert_num_queries(12):
            scrape()
        for _ in range(5):
            WebhookEvent.objects.create(event="order.update", payload={}, state="failed", action="stored")
            Push.objects.create(order=shared_order, state="failed")
        with django_assert_num_queries(12):
            scrape()

    def test_page_answers_without_the_database(self, scrape, post_webhook, monkeypatch):
        post_webhook("order.create", order_data())

        def fail(*_arguments):
            raise DatabaseError("away")

        with connection.execute_wrapper(fail):
            found = scrape()
        assert (found["database_up",], found["webhook_duration_seconds_count", "created"]) == (0, 1)


def _add(path, number):
    added = 0
    while added < number:
        with suppress(BlockingIOError):
            MeasurementFile(path).add("webhook created", 0.02)
            added += 1


class TestFile:
    def test_processes_count_together(self, tmp_path):
        path = tmp_path / "measurements"
        context = multiprocessing.get_context("fork")
        processes = [context.Process(target=_add, args=(path, 100)) for _ in range(3)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        (found,) = MeasurementFile(path).read().values()
        assert (found.count, found.seconds, found.buckets[BUCKETS.index(0.025)]) == (300, 6.0, 300)

    def test_size_is_limited(self, tmp_path):
        file = MeasurementFile(tmp_path / "measurements")
        for number in range(128):
            file.add(f"webhook {number}", 1)
        with pytest.raises(OSError, match="too many"):
            file.add("webhook more", 1)
        assert (tmp_path / "measurements").stat().st_size == FILE_BYTES

    @pytest.mark.parametrize("size", [0, 10, 200])
    def test_cut_file_starts_again(self, tmp_path, size):
        file = MeasurementFile(tmp_path / "measurements")
        file.add("webhook created", 1)
        file.add("webhook updated", 1)
        with Path(tmp_path / "measurements").open("r+b") as opened:
            opened.truncate(size)
        file.add("webhook updated", 1)
        assert file.read()["webhook updated"].count == 1

    def test_file_that_cannot_be_used_does_no_harm(self, settings, post_webhook, caplog):
        settings.THROTTLE_CACHE_DIR = "/dev/null/nothing"
        measurements._log_failure_once.cache_clear()
        assert post_webhook("order.create", order_data()).json()["action"] == "created"
        assert "not measured" in caplog.text

    def test_stopped_process_that_holds_the_file_delays_nothing(self, settings, tmp_path, caplog):
        measurements.measure("webhook created", 1)
        with (tmp_path / "measurements").open() as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            started = time.monotonic()
            measurements.measure("webhook created", 1)
            assert (measurements.measured(), caplog.text) == ({}, "")
            assert time.monotonic() - started < 1
        assert measurements.measured()["webhook created"].count == 1

    def test_long_durations_count_in_the_total(self, tmp_path):
        file = MeasurementFile(tmp_path / "measurements")
        file.add("webhook created", 100)
        assert file.read()["webhook created"].buckets == (0,) * len(BUCKETS)
