"""Tests of the supervisor with real processes: crashes, Ctrl-C, ignored signals, and a kill of the supervisor."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[3]


class Running:
    """A supervisor in its own process, and the output of the supervisor."""

    def __init__(self, folder, programs, stop_timeout):
        self.log = folder / "output"
        self.mark = f"SUPERVISED_BY={folder}"
        listed = "".join(f"Program({name!r}, ['bash', '-c', {script!r}])," for name, script in programs.items())
        options = f"stop_timeout={stop_timeout}, restart_delays=(0.1, 0.3)"
        code = f"from cvety_crm.dev.supervisor import *\nSupervisor([{listed}], {options}).run()"
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code],
                cwd=ROOT,
                env=os.environ | dict([self.mark.split("=", 1)]),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def output(self):
        return self.log.read_text()

    def wait_for(self, text, times=1, timeout=60):
        deadline = time.monotonic() + timeout
        while self.output().count(text) < times:
            assert time.monotonic() < deadline, f"{text!r} is not in the output:\n{self.output()}"
            time.sleep(0.02)

    def stop(self, number=signal.SIGINT):
        """Send a signal to the supervisor. Return the number of seconds until the supervisor has ended."""
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(timeout=90)
        return time.monotonic() - started

    def remaining_processes(self):
        """Return the command line of each running process that was started by this supervisor.

        Such a process has inherited the environment variable of the supervisor.
        """
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
        while self.remaining_processes():
            assert time.monotonic() < deadline, f"left behind: {self.remaining_processes()}"
            time.sleep(0.1)


@pytest.fixture
def supervise(tmp_path):
    started = []

    def start(stop_timeout=30, **programs):
        running = Running(tmp_path, {name: textwrap.dedent(script) for name, script in programs.items()}, stop_timeout)
        started.append(running)
        return running

    yield start
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()
        running.assert_nothing_left(timeout=60)


# This program prints a line and exits when it gets SIGTERM.
STOPS_ON_SIGTERM = "trap 'echo stopping; exit 0' TERM; echo ready; while true; do sleep 0.05; done"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_stops_all_programs(supervise, number):
    running = supervise(one=STOPS_ON_SIGTERM, second=STOPS_ON_SIGTERM)
    running.wait_for("ready", times=2)
    assert running.stop(number) < 20
    assert running.process.returncode == 0
    assert "one    | stopping" in running.output()
    assert "second | stopping" in running.output()
    running.assert_nothing_left()


def test_crashed_program_is_reported_and_restarted_after_growing_delays(supervise):
    running = supervise(web="echo up; exit 3", worker=STOPS_ON_SIGTERM)
    running.wait_for("web stopped by itself (exit status 3). Starting it again in 0.1 s.")
    running.wait_for("web stopped by itself (exit status 3). Starting it again in 0.3 s.", times=2)
    running.wait_for("up", times=4)


def test_killed_program_is_reported_with_the_name_of_the_signal(supervise):
    running = supervise(web="kill -KILL $$")
    running.wait_for("web was ended by SIGKILL. Starting it again")


def test_child_processes_of_a_crashed_program_are_killed(supervise):
    running = supervise(web="trap '' TERM; sleep 300 & echo started; sleep 0.3; exit 1")
    running.wait_for("started", times=3)
    # Only the program's current process may have a child `sleep 300`.
    assert len([command for command in running.remaining_processes() if "300" in command]) <= 1


def test_ctrl_c_still_works_after_a_crash(supervise):
    running = supervise(web="exit 1", worker=STOPS_ON_SIGTERM)
    running.wait_for("web stopped by itself")
    running.wait_for("ready")
    assert running.stop() < 20
    assert "worker | stopping" in running.output()
    running.assert_nothing_left()


def test_ctrl_c_during_a_restart_delay_prevents_the_restart(supervise):
    running = supervise(web="echo up; exit 1")
    running.wait_for("in 0.3 s")
    count = running.output().count("up")
    running.stop()
    assert running.output().count("up") - count <= 1


def test_program_that_ignores_sigterm_is_killed_with_its_children_after_the_stop_timeout(supervise):
    running = supervise(
        stop_timeout=1, stubborn="trap '' TERM; (trap '' TERM; sleep 300) & echo ready; while true; do sleep 1; done"
    )
    running.wait_for("ready")
    assert 0.9 < running.stop() < 20
    assert running.output().count("stubborn does not stop by itself; killing it.") == 1
    running.assert_nothing_left()


def test_second_ctrl_c_kills_programs_at_once(supervise):
    running = supervise(stop_timeout=60, stubborn="trap '' TERM; echo ready; while true; do sleep 0.1; done")
    running.wait_for("ready")
    running.process.send_signal(signal.SIGINT)
    time.sleep(1)
    assert running.stop() < 20
    running.assert_nothing_left()


def test_sigterm_is_sent_only_to_the_first_process(supervise):
    """A django-q cluster requires that its other processes do not receive the signal."""
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
    assert "asked" in running.output()
    assert "helper got the signal" not in running.output()


def test_programs_stop_when_the_supervisor_is_killed(supervise):
    running = supervise(
        stop_timeout=1,
        polite=STOPS_ON_SIGTERM,
        stubborn="trap '' TERM; sleep 300 & echo ready; while true; do sleep 1; done",
    )
    running.wait_for("ready", times=2)
    running.process.kill()
    running.process.wait()
    running.assert_nothing_left()


def test_program_that_cannot_be_started_is_reported(tmp_path):
    code = """
from cvety_crm.dev.supervisor import *
import os, signal, threading
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
Supervisor([Program("ghost", ["/no/such/program"])]).run()
"""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    assert "ghost cannot be started" in result.stdout
    assert result.stderr == ""


def test_output_with_invalid_utf8_and_without_newline_is_printed(supervise):
    running = supervise(odd=r"printf 'caf\xe9 \xd1\x86\xd0\xb2\xd0\xb5\xd1\x82\xd1\x8b'; exit 0")
    running.wait_for("odd | caf\N{REPLACEMENT CHARACTER} цветы\n")


def test_closed_terminal_stops_all_programs(supervise, tmp_path):
    code = """
from cvety_crm.dev.supervisor import *
Supervisor([Program("talker", ["bash", "-c", "while true; do echo talk; sleep 0.05; done"])]).run()
"""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "talker | talk\n"
    process.stdout.close()
    assert process.wait(timeout=60) == 0
