import os
import subprocess
import sys

from pixmill_server.kernel.processes import is_gone, this_process

SAY = "from pixmill_server.kernel.processes import this_process as me; print(me(), flush=True); input()"


def test_a_process_is_gone_once_it_was_killed_also_before_anyone_asked_how() -> None:
    child = subprocess.Popen([sys.executable, "-c", SAY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    name = child.stdout.readline().strip()
    assert not is_gone(name)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(name)
    child.wait()
    assert is_gone(name)


def test_a_number_that_was_given_out_again_does_not_bring_a_process_back() -> None:
    place, number, started = this_process().split(".")
    assert not is_gone(this_process())
    assert is_gone(f"{place}.{number}.{int(started) - 1}")


def test_of_a_process_elsewhere_nothing_is_known() -> None:
    _, number, started = this_process().split(".")
    assert not is_gone(f"00000000.{number}.{int(started) - 1}")
    assert not is_gone("")
    assert not is_gone("lease_01jd3kz7w8e1v9q4n2m6x5t0cb")
