"""Tests of the runs that write large files: progress, rights at the download, restarts, and the deletion of files."""

import json
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.utils import timezone
from openpyxl import load_workbook

from cvety_crm.long_runs.engine import LeaseLostError
from cvety_crm.roles import ACCOUNTANT, FLORIST, MANAGER, OWNER
from orders.admin.exports import answers
from orders.export import pages, worker
from orders.export.request import ExportRequest
from orders.models import ExportRun, Order
from orders.services import exports
from tests.roles import browser_of, person

pytestmark = pytest.mark.django_db
LIST = "/crm/orders/exportrun/"
EXPORT = "/crm/orders/order/export/"


@pytest.fixture(autouse=True)
def _files(settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = str(tmp_path)
    monkeypatch.setattr(answers, "AT_ONCE", 2)
    monkeypatch.setattr(pages, "PAGE", 2)


@pytest.fixture
def manager(db):
    return person(MANAGER)


@pytest.fixture
def orders(db):
    return Order.objects.bulk_create(
        Order(order_number=str(number), status_id="new", total_amount=100, recipient_phone="+77011234567")
        for number in range(5)
    )


@pytest.fixture
def run(manager, orders):
    """Return a run that no worker has begun."""
    answer = browser_of(manager).get(EXPORT, {"preset": "all", "format": "xlsx"})
    assert answer.status_code == 302
    return ExportRun.objects.get(state="running")


def files():
    return list((Path(exports.new_path("x")).parent).iterdir())


def status_of(browser, url):
    answer = browser.get(url)
    if answer.streaming:
        b"".join(answer)  # the client closes the file after its last byte
    return answer.status_code


def test_many_rows_are_written_by_the_worker(manager, orders, django_capture_on_commit_callbacks):
    browser = browser_of(manager)
    with django_capture_on_commit_callbacks() as queued:
        answer = browser.get(EXPORT, {"preset": "all", "format": "xlsx"})
    run = ExportRun.objects.get()
    assert answer["Location"] == f"{LIST}{run.pk}/change/"
    assert (len(queued), run.state, run.expected, run.rows) == (1, "running", 5, 0)
    assert status_of(browser, f"{LIST}{run.pk}/file/") == 404
    assert "из 5 строк" in browser.get(f"{LIST}{run.pk}/progress/").content.decode()

    worker.write(str(run.pk))

    run.refresh_from_db()
    assert (run.state, run.rows, run.shown) == ("done", 5, ["phones", "prices"])
    assert f"{LIST}{run.pk}/file/" in browser.get(answer["Location"]).content.decode()
    file = browser.get(f"{LIST}{run.pk}/file/")
    assert "no-store, private" in file["Cache-Control"]
    sheet = load_workbook(BytesIO(b"".join(file))).worksheets[0]
    assert sheet.max_row == 7
    assert len(run.file) > 40


def test_few_rows_are_sent_at_once_and_logged(manager, orders):
    answer = browser_of(manager).get(EXPORT, {"q": "3", "format": "csv"})
    assert b"".join(answer).count(b"\r\n") == 2
    run = ExportRun.objects.get()
    assert (run.state, run.rows, run.file) == ("done", 1, "")
    html = browser_of(manager).get(f"{LIST}{run.pk}/change/").content.decode()
    assert "Файл отдан сразу" in html
    assert not files()


def test_progress_is_saved_and_stop_deletes_the_file(run, monkeypatch):
    seen = []

    def stop_after_a_page(run, rows):
        seen.append(rows)
        record(run, rows)
        if rows == 4:
            exports.export_runs.stop(ExportRun.objects.get(pk=run.pk))

    record = exports.record_rows
    monkeypatch.setattr(exports, "record_rows", stop_after_a_page)
    claimed = exports.export_runs.claim(run.pk)
    with pytest.raises(LeaseLostError):
        worker.work(claimed)
    run.refresh_from_db()
    assert (run.state, run.rows, seen) == ("stopped", 4, [2, 4, 5])
    assert not files()


def test_file_is_begun_again_after_its_worker_has_ended(run):
    for _attempt in range(2):
        dead = exports.export_runs.claim(run.pk)
        exports.begin_file(dead)
        exports.record_rows(dead, 4)
        assert exports.export_runs.claim(run.pk) is None
        ExportRun.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    worker.write(str(run.pk))
    run.refresh_from_db()
    assert (run.state, run.rows) == ("done", 5)


def test_file_fails_after_several_ended_workers_and_can_be_resumed(run, manager, django_capture_on_commit_callbacks):
    ExportRun.objects.update(failures=exports.MOST_ATTEMPTS)
    worker.write(str(run.pk))
    run.refresh_from_db()
    assert (run.state, run.error) == ("failed", "Файл записать не удалось: обработчик несколько раз прерывался.")
    with django_capture_on_commit_callbacks():
        browser_of(manager).post(f"{LIST}{run.pk}/resume/")
    worker.write(str(run.pk))
    run.refresh_from_db()
    assert (run.state, run.rows) == ("done", 5)


def test_run_without_worker_ends_as_failed(run):
    ExportRun.objects.update(updated_at=timezone.now() - timedelta(hours=2))
    assert not worker.pick_up()
    run.refresh_from_db()
    assert run.state == "failed"


def test_run_of_user_who_lost_the_right_fails(run, manager):
    manager.groups.clear()
    worker.write(str(run.pk))
    run.refresh_from_db()
    assert (run.state, run.error) == ("failed", "Этот сотрудник не может выгружать таблицу «Заказы».")
    assert not files()


def test_only_starter_and_owner_get_the_file(run, manager):
    worker.write(str(run.pk))
    page, file = f"{LIST}{run.pk}/change/", f"{LIST}{run.pk}/file/"
    owner = browser_of(person(OWNER))
    assert (status_of(owner, page), status_of(owner, file)) == (200, 200)
    assert str(run.pk) in owner.get(LIST).content.decode()
    for role in (MANAGER, ACCOUNTANT, FLORIST):
        other = browser_of(person(role))
        assert status_of(other, file) in (403, 404)
        assert str(run.pk) not in other.get(LIST).content.decode()
    assert browser_of(person(FLORIST)).get(LIST).status_code == 403
    assert owner.post(f"{LIST}{run.pk}/stop/").status_code == 403


@pytest.mark.parametrize("lost", ["view_phones", "view_all_prices", "export_order"])
def test_user_who_lost_a_right_does_not_get_the_old_file(run, manager, lost):
    worker.write(str(run.pk))
    browser = browser_of(manager)
    assert status_of(browser, f"{LIST}{run.pk}/file/") == 200
    manager.user_permissions.set(manager.groups.get().permissions.exclude(codename=lost))
    manager.groups.clear()
    assert status_of(browser, f"{LIST}{run.pk}/file/") in (403, 404)
    assert b"/file/" not in browser.get(f"{LIST}{run.pk}/change/").content


def test_expired_and_unfinished_files_are_deleted_and_runs_stay(run, manager, monkeypatch):
    worker.write(str(run.pk))
    unfinished = exports.new_path("csv")
    unfinished.write_text("")
    assert exports.delete_expired() == 0
    ExportRun.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    browser = browser_of(manager)
    assert status_of(browser, f"{LIST}{run.pk}/file/") == 404
    assert exports.delete_expired() == 1
    monkeypatch.setattr(exports, "_UNFINISHED", timedelta(seconds=-5))
    assert exports.delete_expired() == 1
    assert not files()
    assert "файлы хранятся семь дней" in browser.get(f"{LIST}{run.pk}/change/").content.decode()


def test_user_has_few_runs_at_the_same_time(run, manager):
    browser = browser_of(manager)
    for _number in range(exports.MOST_RUNNING + 1):
        browser.get(EXPORT, {"preset": "all"})
    assert ExportRun.objects.count() == exports.MOST_RUNNING


def test_request_can_be_stored_as_json():
    export = ExportRequest("orders", "csv", "preset=all", ("number", "day"), 7)
    assert ExportRequest.from_json(json.loads(json.dumps(export.as_json()))) == export
