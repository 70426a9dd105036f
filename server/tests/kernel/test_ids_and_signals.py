import threading

from pixmill_server.kernel.ids import new_id
from pixmill_server.kernel.signals import Signals


def test_ids_say_what_they_name_and_differ() -> None:
    made = {new_id("ds") for _ in range(1000)}
    assert len(made) == 1000
    assert all(len(name) == 29 and name.startswith("ds_0") for name in made)


def test_a_waiter_is_woken_by_its_topic() -> None:
    signals = Signals()
    woken = threading.Thread(target=lambda: signals.wait("run:1", 30))
    woken.start()
    while woken.is_alive():
        signals.notify("run:1")
    woken.join()


def test_what_was_announced_between_looking_and_waiting_is_not_missed() -> None:
    signals = Signals()
    seen = signals.count("run:1")
    signals.notify("run:1")
    assert signals.wait("run:1", 30, seen=seen)


def test_waiting_ends_after_its_time() -> None:
    assert not Signals().wait("run:1", 0.01)
