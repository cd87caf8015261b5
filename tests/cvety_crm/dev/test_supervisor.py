"""The supervisor with real processes: crashes, Ctrl-C, stubborn programs, its own sudden death."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[3]


class Running:
    """A supervisor in a process of its own, and all it has said."""

    def __init__(self, folder, programs, grace):
        self.log = folder / "output"
        self.mark = f"SUPERVISED_BY={folder}"
        listed = "".join(f"Program({name!r}, ['bash', '-c', {script!r}])," for name, script in programs.items())
        code = f"from cvety_crm.dev.supervisor import *\nSupervisor([{listed}], grace={grace}, pauses=(0.1, 0.3)).run()"
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code],
                cwd=ROOT,
                env=os.environ | dict([self.mark.split("=", 1)]),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self):
        return self.log.read_text()

    def wait_for(self, text, times=1, timeout=60):
        deadline = time.monotonic() + timeout
        while self.said().count(text) < times:
            assert time.monotonic() < deadline, f"{text!r} did not come; said:\n{self.said()}"
            time.sleep(0.02)

    def stop(self, number=signal.SIGINT):
        """Signal it as a terminal would and return how many seconds it took."""
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(timeout=90)
        return time.monotonic() - started

    def left_behind(self):
        """Every living process that has inherited our mark."""
        name, value = self.mark.split("=", 1)
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(name) == value and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process.cmdline())
            except psutil.Error:
                continue
        return found

    def assert_nothing_left(self, timeout=30):
        deadline = time.monotonic() + timeout
        while self.left_behind():
            assert time.monotonic() < deadline, f"left behind: {self.left_behind()}"
            time.sleep(0.1)


@pytest.fixture
def supervise(tmp_path):
    started = []

    def start(grace=30, **programs):
        running = Running(tmp_path, {name: textwrap.dedent(script) for name, script in programs.items()}, grace)
        started.append(running)
        return running

    yield start
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()
        running.assert_nothing_left(timeout=60)


# A polite program says so when it is told to stop.
POLITE = "trap 'echo stopping; exit 0' TERM; echo ready; while true; do sleep 0.05; done"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_stops_all_programs(supervise, number):
    running = supervise(one=POLITE, second=POLITE)
    running.wait_for("ready", times=2)
    assert running.stop(number) < 20
    assert running.process.returncode == 0
    assert "one    | stopping" in running.said()
    assert "second | stopping" in running.said()
    running.assert_nothing_left()


def test_a_crash_is_told_and_the_program_started_again_after_growing_pauses(supervise):
    running = supervise(web="echo up; exit 3", worker=POLITE)
    running.wait_for("web stopped by itself (exit status 3). Starting it again in 0.1 s.")
    running.wait_for("web stopped by itself (exit status 3). Starting it again in 0.3 s.", times=2)
    running.wait_for("up", times=4)


def test_a_killed_program_is_told_by_the_signals_name(supervise):
    running = supervise(web="kill -KILL $$")
    running.wait_for("web was ended by SIGKILL. Starting it again")


def test_what_a_crashed_program_leaves_behind_is_killed(supervise):
    running = supervise(web="trap '' TERM; sleep 300 & echo started; sleep 0.3; exit 1")
    running.wait_for("started", times=3)
    # At most the one that runs now: its shell, and its two sleeps.
    assert len([command for command in running.left_behind() if "300" in command]) <= 1


def test_ctrl_c_still_works_after_a_crash(supervise):
    running = supervise(web="exit 1", worker=POLITE)
    running.wait_for("web stopped by itself")
    running.wait_for("ready")
    assert running.stop() < 20
    assert "worker | stopping" in running.said()
    running.assert_nothing_left()


def test_ctrl_c_during_the_pause_before_a_restart_starts_nothing_more(supervise):
    running = supervise(web="echo up; exit 1")
    running.wait_for("in 0.3 s")
    count = running.said().count("up")
    running.stop()
    assert running.said().count("up") - count <= 1


def test_a_program_that_ignores_sigterm_is_killed_after_the_grace_with_all_its_children(supervise):
    running = supervise(
        grace=1, stubborn="trap '' TERM; (trap '' TERM; sleep 300) & echo ready; while true; do sleep 1; done"
    )
    running.wait_for("ready")
    assert 0.9 < running.stop() < 20
    assert running.said().count("stubborn does not stop by itself; killing it.") == 1
    running.assert_nothing_left()


def test_a_second_ctrl_c_does_not_wait(supervise):
    running = supervise(grace=60, stubborn="trap '' TERM; echo ready; while true; do sleep 0.1; done")
    running.wait_for("ready")
    running.process.send_signal(signal.SIGINT)
    time.sleep(1)
    assert running.stop() < 20
    running.assert_nothing_left()


def test_sigterm_reaches_the_first_process_only(supervise):
    """As a django-q cluster needs it: its other processes must not get the signal."""
    running = supervise(
        cluster="""
        (trap 'echo helper got the signal' TERM; while true; do sleep 0.05; done) & helper=$!
        trap 'echo asked; sleep 0.3; kill -KILL $helper; exit 0' TERM
        echo ready
        while true; do sleep 0.05; done
        """
    )
    running.wait_for("ready")
    running.stop()
    assert "asked" in running.said()
    assert "helper got the signal" not in running.said()


def test_programs_go_when_the_supervisor_is_killed(supervise):
    running = supervise(
        grace=1, polite=POLITE, stubborn="trap '' TERM; sleep 300 & echo ready; while true; do sleep 1; done"
    )
    running.wait_for("ready", times=2)
    running.process.kill()
    running.process.wait()
    running.assert_nothing_left()


def test_a_program_that_cannot_be_started_is_told(tmp_path):
    code = """
from cvety_crm.dev.supervisor import *
import os, signal, threading
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
Supervisor([Program("ghost", ["/no/such/program"])]).run()
"""
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    assert "ghost cannot be started" in said.stdout
    assert said.stderr == ""


def test_output_without_a_line_end_and_of_any_bytes_is_shown(supervise):
    running = supervise(odd=r"printf 'caf\xe9 \xd1\x86\xd0\xb2\xd0\xb5\xd1\x82\xd1\x8b'; exit 0")
    running.wait_for("odd | caf\N{REPLACEMENT CHARACTER} цветы\n")


def test_a_closed_terminal_stops_everything(supervise, tmp_path):
    code = """
from cvety_crm.dev.supervisor import *
Supervisor([Program("talker", ["bash", "-c", "while true; do echo talk; sleep 0.05; done"])]).run()
"""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "talker | talk\n"
    process.stdout.close()
    assert process.wait(timeout=60) == 0
