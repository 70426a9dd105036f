"""The five seconds within which everything of a Run has ended, as those add them up who wait.

How long it takes where others have the CPU says nothing, so no test measures it: others see
that it ends, and here is when.
"""

from pixmill.runtime import process_tree, supervisor

PROMISED_SECONDS = 5


def test_a_supervisor_that_is_asked_to_end_its_child_gives_it_and_all_below_it_less_than_five_seconds() -> None:
    child = supervisor._LOOK_SECONDS + supervisor._TERM_GRACE_SECONDS + supervisor._KILL_SECONDS
    container = supervisor._LOOK_SECONDS + supervisor._CONTAINER_GRACE_SECONDS
    assert max(child, container) < PROMISED_SECONDS


def test_a_keeper_whose_supervisor_is_gone_gives_all_it_keeps_less_than_five_seconds() -> None:
    notices_seconds = process_tree._REAP_EVERY_MILLISECONDS / 1000
    assert notices_seconds + process_tree._KEEPER_SECONDS < PROMISED_SECONDS
