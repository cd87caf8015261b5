"""Tests of the counters of the rate limits: one process, many processes, and processes that are killed or stopped."""

import os
import signal
import subprocess
import sys
import time
from collections import deque
from fractions import Fraction
from hashlib import blake2b
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvety_crm.shared_counters import FILE_BYTES, KEY_BYTES, SLOTS_PER_BUCKET, SharedCounters

SECOND = 1_000_000_000


def key(name, bucket=None):
    digest = blake2b(str(name).encode(), digest_size=KEY_BYTES).digest()
    return digest if bucket is None else bucket.to_bytes(4) + digest[4:]


@pytest.fixture
def counters(tmp_path):
    return SharedCounters(tmp_path / "folder" / "counters")


class Model:
    """A token bucket with exact arithmetic."""

    def __init__(self, limit, period):
        self.limit, self.period = limit, period
        self.tokens, self.at = Fraction(limit), None

    def take(self, now):
        if self.at is not None:
            self.tokens = min(Fraction(self.limit), self.tokens + Fraction((now - self.at) * self.limit, self.period))
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


# The period is a multiple of every limit, so that the time of one request is a whole number.
LIMITS = st.sampled_from([1, 2, 3, 5, 8])
PERIOD = 120
STEPS = st.lists(st.integers(0, 150), min_size=1, max_size=80)
SCENARIO = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 60)), min_size=1, max_size=100)


@given(limit=LIMITS, scenario=SCENARIO)
def test_requests_are_allowed_as_by_a_token_bucket_for_each_key(tmp_path_factory, limit, scenario):
    counters = SharedCounters(tmp_path_factory.mktemp("counters") / "counters")
    models = {name: Model(limit, PERIOD) for name in "abc"}
    now = SECOND
    for name, step in scenario:
        now += step
        wait = counters.take(key(name, bucket=0), limit=limit, period=PERIOD, now=now)
        assert (wait == 0) == models[name].take(now)


@given(limit=LIMITS, steps=STEPS)
def test_sender_is_never_refused_within_the_limit_and_period_never_has_twice_as_many(tmp_path_factory, limit, steps):
    counters = SharedCounters(tmp_path_factory.mktemp("counters") / "counters")
    allowed, sent = deque(), deque()
    for now in accumulate(steps, initial=SECOND):
        sent.append(now)
        while sent[0] <= now - PERIOD:
            sent.popleft()
        wait = counters.take(key("a"), limit=limit, period=PERIOD, now=now)
        if wait == 0:
            allowed.append(now)
        while allowed and allowed[0] <= now - PERIOD:
            allowed.popleft()
        assert len(allowed) < 2 * limit
        assert wait == 0 or len(sent) > limit
        assert wait <= PERIOD // limit


@given(limit=LIMITS, steps=STEPS)
def test_request_is_allowed_after_the_wait_and_not_before(tmp_path_factory, limit, steps):
    counters = SharedCounters(tmp_path_factory.mktemp("counters") / "counters")
    now = SECOND
    for step in steps:
        now += step
        if wait := counters.take(key("a"), limit=limit, period=PERIOD, now=now):
            assert counters.take(key("a"), limit=limit, period=PERIOD, now=now + wait - 1) == 1
            assert counters.take(key("a"), limit=limit, period=PERIOD, now=now + wait) == 0
            now += wait


def test_time_from_before_a_restart_of_the_machine_is_ignored(counters):
    later, earlier = 1000 * SECOND, 5 * SECOND
    assert counters.take(key("a"), limit=1, period=SECOND, now=later) == 0
    assert counters.take(key("a"), limit=1, period=SECOND, now=earlier) == 0
    assert counters.take(key("a"), limit=1, period=SECOND, now=earlier) == SECOND


def test_many_addresses_neither_grow_the_file_nor_use_up_the_requests_of_others(counters):
    site = key("site", bucket=0)
    used = 0
    for number in range(5000):
        # An address in the bucket of the site replaces another address, as in the worst case.
        assert counters.take(key(number, bucket=number % 2), limit=10, period=60 * SECOND) == 0
        if number % 50 == 0 and used < 10:
            used += 1
            assert counters.take(site, limit=10, period=60 * SECOND) == 0
    assert counters._path.stat().st_size <= FILE_BYTES


def test_address_with_most_requests_is_replaced_last(counters):
    for _ in range(5):
        counters.take(key("guesser", bucket=0), limit=5, period=60 * SECOND, now=SECOND)
    for number in range(10 * SLOTS_PER_BUCKET):
        counters.take(key(number, bucket=0), limit=5, period=60 * SECOND, now=SECOND)
    assert counters.take(key("guesser", bucket=0), limit=5, period=60 * SECOND, now=SECOND) == 12 * SECOND


@pytest.mark.parametrize("damage", [b"", b"\0" * 100, os.urandom(FILE_BYTES), b"x" * (2 * FILE_BYTES)])
def test_damaged_file_never_limits_an_address_forever(counters, damage):
    counters.take(key("a"), limit=1, period=SECOND)
    counters._path.write_bytes(damage)
    now = time.monotonic_ns()
    assert counters.take(key("a"), limit=1, period=SECOND, now=now) == 0
    assert counters.take(key("a"), limit=1, period=SECOND, now=now) == SECOND


def test_deleted_file_is_created_again(counters):
    assert counters.take(key("a"), limit=1, period=SECOND, now=SECOND) == 0
    counters._path.unlink()
    assert counters.take(key("a"), limit=1, period=SECOND, now=SECOND) == 0
    other_process = SharedCounters(counters._path)
    assert other_process.take(key("a"), limit=1, period=SECOND, now=SECOND) == SECOND


TAKE = """
import sys
from pathlib import Path
from cvety_crm.shared_counters import SharedCounters
counters = SharedCounters(Path(sys.argv[1]))
sys.stdin.readline()
print(sum(counters.take(b"k" * 16, limit=200, period=3600 * 10**9) == 0 for _ in range(100)))
"""
HOLD = """
import sys, time
from pathlib import Path
from cvety_crm.shared_counters import SharedCounters
with SharedCounters(Path(sys.argv[1]))._locked(0):
    print("locked", flush=True)
    time.sleep(60)
"""


def start(code, counters):
    return subprocess.Popen(
        [sys.executable, "-c", code, str(counters._path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_processes_share_the_limit(counters):
    processes = [start(TAKE, counters) for _ in range(4)]
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    assert sum(int(process.communicate(timeout=30)[0]) for process in processes) == 200


def test_forked_processes_share_the_limit(counters):
    assert counters.take(key("a"), limit=30, period=3600 * SECOND) == 0
    children = []
    for _ in range(3):
        if (pid := os.fork()) == 0:
            os._exit(sum(counters.take(key("a"), limit=30, period=3600 * SECOND) == 0 for _ in range(20)))
        children.append(pid)
    assert sum(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children) == 29


def test_killed_process_leaves_no_lock_and_stopped_process_delays_others_briefly(counters):
    process = start(HOLD, counters)
    assert process.stdout.readline() == "locked\n"
    os.kill(process.pid, signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        counters.take(key("a", bucket=0), limit=1, period=SECOND)
    assert counters.take(key("a", bucket=1), limit=1, period=SECOND) == 0
    process.kill()
    process.communicate(timeout=10)
    assert counters.take(key("a", bucket=0), limit=1, period=SECOND) == 0
