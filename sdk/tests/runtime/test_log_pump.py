"""The log's pipe, read by more than one at once."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from pixmill.runtime.http_server import HttpRunServer
from pixmill.runtime.log_pump import LogPump
from pixmill.runtime.masking import Masker
from tests.run_server import FENCE, PATIENCE_SECONDS, RUN, TOKEN, FakeRun, make_run, serving

ROUNDS = 2_000


@contextmanager
def pumping(run: FakeRun) -> Iterator[tuple[LogPump, int]]:
    """A pump at work, and the end of its pipe at which a child writes."""
    reading, writing = os.pipe()
    with serving(run) as url:
        server = HttpRunServer(url, RUN, token=TOKEN, fence=FENCE, patience_seconds=20)
        pump = LogPump(reading, server, Masker({}))
        threads = [Thread(target=pump.read, daemon=True), Thread(target=pump.push, daemon=True)]
        for thread in threads:
            thread.start()
        try:
            yield pump, writing
        finally:
            os.close(writing)
            for thread in threads:
                thread.join()


def test_a_child_that_falls_silent_after_its_position_was_asked_for_holds_up_nobody(tmp_path: Path) -> None:
    run = make_run(tmp_path / "images", images=1)
    answers: list[int] = []
    with pumping(run) as (pump, writing):

        def race() -> None:
            for _ in range(ROUNDS):
                # The reader is woken by the byte, and finds it taken when it gets the lock.
                with pump._changed:
                    os.write(writing, b"x")
                    os.sched_yield()
                    answers.append(pump.position())
                pump.lag_bytes()

        racing = Thread(target=race, daemon=True)
        racing.start()
        # A pump that is stuck would be freed by the end of the pipe: so it is looked at before that.
        racing.join(PATIENCE_SECONDS)
        is_stuck = racing.is_alive()
    assert not is_stuck
    assert answers == list(range(1, ROUNDS + 1))
    assert run.log == b"x" * ROUNDS
