"""Tests of the worker's pings to a monitoring service, over real HTTP."""

from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from django.utils import timezone

from cvety_crm.masking import mask
from cvety_crm.models import Heartbeat
from cvety_crm.ops import outside_heartbeat, schedules
from cvety_crm.ops.health import Level
from cvety_crm.ops.probes import outside

pytestmark = pytest.mark.django_db

HERE = "tests.cvety_crm.ops.test_outside_heartbeat."
KEY = "9f1f3c1e-made-up-key"


class Service(BaseHTTPRequestHandler):
    """A monitoring service that notes each ping."""

    status = 200
    pings: list[tuple[str, str]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.pings.append((self.path, body))
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def service(settings) -> Iterator[type[Service]]:
    handler = type("OneService", (Service,), {"pings": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        settings.HEARTBEAT_URL = f"http://127.0.0.1:{server.server_address[1]}/{KEY}"
        settings.MINUTE_JOBS = [f"{HERE}job"]
        yield handler
        server.shutdown()


def job():
    pass


def failing_job():
    raise RuntimeError("broken")


def test_worker_pings_after_its_jobs(service):
    schedules.each_minute()
    assert service.pings == [(f"/{KEY}", '{"failed": []}')]
    assert outside.run().level == Level.GREEN


def test_failed_job_is_named_in_the_ping(service, settings):
    settings.MINUTE_JOBS = [f"{HERE}failing_job", f"{HERE}job"]
    schedules.each_minute()
    assert service.pings == [(f"/{KEY}/fail", f'{{"failed": ["{HERE}failing_job"]}}')]


def test_database_that_is_away_is_a_failure(service, monkeypatch):
    def fail(name):
        raise RuntimeError("no database")

    monkeypatch.setattr(Heartbeat, "beat", fail)
    with pytest.raises(RuntimeError):
        schedules.each_minute()
    assert service.pings == [(f"/{KEY}/fail", '{"failed": ["database"]}')]


def test_refused_ping_is_reported_and_does_not_stop_the_worker(service, caplog):
    service.status = 404
    schedules.each_minute()
    assert (outside.run().level, "404" in caplog.text) == (Level.YELLOW, True)


def test_service_that_does_not_answer_does_not_stop_the_worker(settings, caplog):
    settings.MINUTE_JOBS, settings.HEARTBEAT_URL = [], f"http://127.0.0.1:9/{KEY}"
    schedules.each_minute()
    assert (outside.run().level, KEY in mask(caplog.text)) == (Level.YELLOW, False)


def test_old_ping_is_a_remark(service):
    schedules.each_minute()
    Heartbeat.objects.filter(name=outside_heartbeat.OUTSIDE).update(beat_at=timezone.now() - timedelta(minutes=6))
    assert outside.run().level == Level.YELLOW


def test_nothing_is_sent_without_an_address(service, settings):
    settings.HEARTBEAT_URL = ""
    schedules.each_minute()
    assert (service.pings, outside.run().level) == ([], Level.GREEN)
