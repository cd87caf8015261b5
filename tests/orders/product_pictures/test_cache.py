"""Tests of the cache of pictures on disk, and of the line about it in the system status."""

import os
import time

import pytest

from cvety_crm.ops.health import Level
from orders.product_pictures import disk_cache, retention
from orders.product_pictures.fetching import State, thumbnail, thumbnails_within
from orders.product_pictures.probes import MANY, pictures

DAY = 24 * 3600


def files(folder):
    return sorted(path.name for path in folder.glob("*/*") if path.is_file())


def entry(number, *, length=1000, days=0.0):
    key = disk_cache.key_of(f"https://cvety.kz/{number}.jpg")
    disk_cache.store(key, {"small": b"x" * length})
    path = next(iter(disk_cache._folder().glob(f"{key[:2]}/{key}-small.jpg")))
    os.utime(path, (time.time() - days * DAY,) * 2)
    return path


def test_old_entries_are_deleted(picture_cache):
    old, new = entry(1, days=31), entry(2, days=29)
    assert retention.prune() == 1
    assert (old.exists(), new.exists()) == (False, True)


def test_oldest_entries_are_deleted_until_the_rest_fits(picture_cache, settings):
    settings.PICTURE_CACHE_MB = 1
    paths = [entry(number, length=300_000, days=number) for number in range(6)]
    assert retention.prune() == 3
    assert [path.exists() for path in paths] == [True, True, True, False, False, False]


def test_file_of_an_interrupted_process_is_deleted(picture_cache):
    left = entry(1).parent / ".left-behind"
    left.write_bytes(b"x")
    os.utime(left, (time.time() - 31 * DAY,) * 2)
    assert retention.prune() == 1
    assert not left.exists()


def test_nothing_is_deleted_without_a_folder(picture_cache):
    assert retention.prune() == 0


def test_file_is_written_in_one_step(picture_cache, monkeypatch):
    path = entry(1, length=5)

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    disk_cache.store(disk_cache.key_of("https://cvety.kz/1.jpg"), {"small": b"half"})
    assert path.read_bytes() == b"xxxxx"
    assert files(picture_cache) == [path.name]


def test_failure_is_forgotten_after_its_time_and_after_a_success(picture_cache, monkeypatch):
    key = disk_cache.key_of("a")
    disk_cache.store_failure(key, "HTTP 404", 60)
    assert disk_cache.failure(key) == "HTTP 404"
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert disk_cache.failure(key) == ""
    disk_cache.store_failure(key, "HTTP 404", 60)
    disk_cache.store(key, {"small": b"x"})
    assert disk_cache.failure(key) == ""


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"until": "soon", "reason": 1}', "\x00"])
def test_damaged_failure_counts_as_none(picture_cache, content):
    key = disk_cache.key_of("a")
    disk_cache.store_failure(key, "HTTP 404", 60)
    next(picture_cache.glob(f"*/{key}.failed")).write_text(content)
    assert disk_cache.failure(key) == ""


def test_lock_is_held_by_one_at_a_time(picture_cache):
    with disk_cache.lock("a") as first, disk_cache.lock("a") as second, disk_cache.lock("b") as other:
        assert (first, second, other) == (True, False, True)
    with disk_cache.lock("a") as again:
        assert again


def test_pictures_are_collected_within_a_time(picture_site):
    picture_site.has("/a.jpg")
    picture_site.has("/b.jpg")
    assert set(thumbnails_within(["/a.jpg", "/a.jpg", "/none.jpg"], "large", seconds=5)) == {"/a.jpg"}
    # Without time only stored pictures are returned.
    assert set(thumbnails_within(["/a.jpg", "/b.jpg", "https://evil.example/"], "large", seconds=0)) == {"/a.jpg"}
    assert "/b.jpg" not in picture_site.paths


def test_status_is_green_while_pictures_can_be_fetched(picture_site):
    assert pictures.run().level == Level.GREEN
    picture_site.has("/a.jpg")
    assert thumbnail("/a.jpg", "small").state == State.FOUND
    thumbnail("/none.jpg", "small")
    found = pictures.run()
    assert (found.level, found.figure) == (Level.GREEN, "сохранено: 1, недоступно: 1")


def test_status_remarks_that_the_site_does_not_answer(picture_site):
    picture_site.has("/a.jpg", b"", status=500)
    thumbnail("/a.jpg", "small")
    found = pictures.run()
    assert (found.level, "HTTP 500" in found.figure, "SITE_URL" in found.hint) == (Level.YELLOW, True, True)


def test_status_remarks_a_host_that_is_not_allowed_until_a_success(picture_site):
    thumbnail("https://cdn.example/a.jpg", "small")
    found = pictures.run()
    assert (found.level, "cdn.example" in found.figure) == (Level.YELLOW, True)
    picture_site.has("/a.jpg")
    thumbnail("/a.jpg", "small")
    assert pictures.run().level == Level.GREEN


def test_status_remarks_that_most_pictures_are_missing(picture_site):
    for number in range(MANY):
        thumbnail(f"/{number}.jpg", "small")
    assert pictures.run().level == Level.YELLOW
