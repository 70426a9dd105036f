"""What a process tree takes, from /proc."""

import subprocess
import sys

from pixmill.runtime.sampling import Sampler, cpu_seconds

BUSY_BELOW = """
import subprocess, sys, time
busy = "import time; end = time.process_time() + 0.5\\nwhile time.process_time() < end: pass"
subprocess.run([sys.executable, "-c", busy])
print("done", flush=True)
sys.stdin.read()
"""


def test_the_time_of_processes_that_are_gone_is_counted() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY_BELOW], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        sampler = Sampler(process.pid)
        assert process.stdout is not None
        process.stdout.readline()
        sample = sampler.take(log_lag_bytes=5)
        assert cpu_seconds(process.pid) >= 0.5
        assert 0 < sample.cpus <= 2
        assert sample.memory_bytes > 1 << 20
        assert sample.log_lag_bytes == 5
        assert sampler.take(log_lag_bytes=0).cpus <= sample.cpus
        process.communicate()
