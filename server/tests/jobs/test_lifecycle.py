"""What a Run may become."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixmill.errors import InvalidInput
from pixmill_server.jobs.lifecycle import (
    ChildEnd,
    ChildError,
    Ledger,
    Reason,
    RunStatus,
    Standing,
    decide,
    sentence,
)
from pixmill_server.jobs.policy import FailurePolicy

_STATUSES = st.sampled_from(list(RunStatus))
_COMPLETE = Ledger(assets=4, done=4)
ANY = FailurePolicy.parse("continue")


@given(_STATUSES, _STATUSES)
def test_a_terminal_status_is_final(status: RunStatus, later: RunStatus) -> None:
    assert not (status.is_over and status.may_become(later))


@given(_STATUSES)
def test_a_run_is_either_active_or_over(status: RunStatus) -> None:
    assert status.is_active != status.is_over


def test_nothing_succeeds_without_having_run() -> None:
    assert not RunStatus.PENDING.may_become(RunStatus.SUCCEEDED)


def test_exit_code_0_with_a_complete_ledger_succeeds() -> None:
    assert (
        decide(ChildEnd(exit_code=0), _COMPLETE, ANY, whole_version=False, cancel_requested=False).status == "succeeded"
    )


def test_exit_code_0_with_an_open_ledger_fails() -> None:
    ending = decide(ChildEnd(exit_code=0), Ledger(assets=4, done=3), ANY, whole_version=False, cancel_requested=False)
    assert (ending.status, ending.reason) == (RunStatus.FAILED, Reason.INCOMPLETE)
    assert "1 of 4 assets" in ending.message


def test_a_whole_version_function_that_exits_before_it_returns_fails() -> None:
    ending = decide(ChildEnd(exit_code=0), _COMPLETE, ANY, whole_version=True, cancel_requested=False)
    assert (ending.status, ending.reason) == (RunStatus.FAILED, Reason.INCOMPLETE)


@pytest.mark.parametrize(
    ("end", "reason", "said"),
    [
        (ChildEnd(exit_code=3), Reason.ERROR, "code 3"),
        (ChildEnd(signal=9), Reason.KILLED, "out of memory"),
        (ChildEnd(signal=11), Reason.KILLED, "signal 11"),
        (ChildEnd(), Reason.ERROR, "never began"),
        (ChildEnd(exit_code=1, error=ChildError("ValueError", "no")), Reason.ERROR, "ValueError: no"),
    ],
)
def test_a_child_that_ends_badly_fails_whatever_its_ledger_says(end: ChildEnd, reason: Reason, said: str) -> None:
    ending = decide(end, _COMPLETE, ANY, whole_version=False, cancel_requested=False)
    assert (ending.status, ending.reason) == (RunStatus.FAILED, reason)
    assert said in ending.message


def test_every_asset_failed_is_a_failure() -> None:
    ending = decide(ChildEnd(exit_code=0), Ledger(assets=3, failed=3), ANY, whole_version=False, cancel_requested=False)
    assert ending.reason == Reason.ALL_FAILED


def test_a_cancelled_run_is_cancelled_however_its_child_ended() -> None:
    ending = decide(ChildEnd(exit_code=0), _COMPLETE, ANY, whole_version=False, cancel_requested=True)
    assert ending.status == RunStatus.CANCELLED


def test_an_empty_scope_succeeds_and_says_so() -> None:
    ledger = Ledger(assets=0)
    assert decide(ChildEnd(exit_code=0), ledger, ANY, whole_version=False, cancel_requested=False).status == "succeeded"
    assert sentence(Standing(RunStatus.SUCCEEDED, ledger)) == "succeeded, there was no asset in scope"


def test_some_failed_assets_are_said() -> None:
    ledger = Ledger(assets=100, done=99, failed=1)
    assert sentence(Standing(RunStatus.SUCCEEDED, ledger, shapes_added=7)) == "succeeded, 1 of 100 failed"


def test_no_shapes_at_all_is_said() -> None:
    assert sentence(Standing(RunStatus.SUCCEEDED, _COMPLETE)) == "succeeded, no shapes were added"


def test_a_pending_run_says_what_it_waits_for() -> None:
    standing = Standing(RunStatus.PENDING, Ledger(assets=1), waits_for="its environment to be built")
    assert sentence(standing) == "pending: waits for its environment to be built"


@pytest.mark.parametrize(
    ("policy", "failed", "fails"),
    [("stop", 0, False), ("stop", 1, True), ("5%", 5, False), ("5%", 6, True), ("continue", 99, False)],
)
def test_a_run_fails_when_more_assets_failed_than_its_launch_allows(policy: str, failed: int, fails: bool) -> None:
    ledger = Ledger(assets=100, done=100 - failed, failed=failed)
    ending = decide(
        ChildEnd(exit_code=0), ledger, FailurePolicy.parse(policy), whole_version=False, cancel_requested=False
    )
    assert (ending.status is RunStatus.FAILED) == fails
    assert (ending.reason is Reason.TOO_MANY_FAILED, f"{failed} of 100" in ending.message) == (fails, fails)


@pytest.mark.parametrize("text", ["stop", "continue", "5%", "2.5%", "100%"])
def test_a_policy_is_written_as_it_is_read(text: str) -> None:
    assert str(FailurePolicy.parse(text)) == text


@pytest.mark.parametrize("text", ["", "never", "101%", "-1%", "5", "%"])
def test_what_is_no_policy_is_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(InvalidInput, match="does not say"):
        FailurePolicy.parse(text)


def test_a_run_that_took_too_much_memory_is_said_to_and_not_only_that_it_was_killed() -> None:
    error = ChildError("MemoryExceeded", "The Run used 900 MiB of memory; its Compute grants 512 MiB.")
    end = ChildEnd(signal=9, error=error, limit="memory")
    ending = decide(end, _COMPLETE, ANY, whole_version=False, cancel_requested=False)
    assert (ending.reason, "grants 512 MiB" in ending.message) == (Reason.MEMORY, True)


def test_images_that_were_done_when_tried_again_are_said() -> None:
    ledger = Ledger(assets=100, done=99, failed=1, retried=7)
    assert sentence(Standing(RunStatus.SUCCEEDED, ledger, shapes_added=3)) == (
        "succeeded, 1 of 100 failed, 7 done when tried again"
    )
