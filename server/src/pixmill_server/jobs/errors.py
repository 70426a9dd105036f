"""What can be wrong with a Job or a Run."""

from pixmill.errors import Conflict, InvalidInput


class ActiveRunExists(Conflict):
    """A re-run while a Run of the Job waits or works."""

    code = "active-run"

    def __init__(self, job_id: str, number: int, status: str) -> None:
        super().__init__(
            f"Run {number} of {job_id} is {status}: a Job can be re-run when no Run of it is pending or running.",
            hint=f"Wait for it with: pixmill jobs wait {job_id}",
        )


class StaleFence(Conflict):
    """The Run was given to somebody else: whoever meets this stops, and stays silent."""

    code = "stale-fence"

    def __init__(self, run_id: str, fence: int) -> None:
        super().__init__(f"Fence {fence} of {run_id} is stale: the Run belongs to somebody else.")


class RunIsOver(Conflict):
    """Nothing about this Run can change any more."""

    code = "run-is-over"

    def __init__(self, run_id: str, status: str) -> None:
        super().__init__(f"{run_id} is over: it {status}.")
        self.status = status


class CannotResume(Conflict):
    """A Run that cannot be gone on with, and why."""

    code = "cannot-resume"

    def __init__(self, number: int, why: str, *, hint: str = "Run it from the start with: pixmill jobs rerun") -> None:
        super().__init__(f"Run {number} cannot be resumed: {why}.", hint=hint)


class NoPartialResults(Conflict):
    """A Run that keeps no partial results, and why."""

    code = "no-partial-results"

    def __init__(self, number: int, why: str) -> None:
        super().__init__(f"Run {number} has no partial results: {why}.")


class NewerResultExists(Conflict):
    """Partial results that are older than what a later Run of the Job has committed."""

    code = "newer-result-exists"

    def __init__(self, number: int, later: int) -> None:
        super().__init__(
            f"Partial results of Run {number} cannot be committed: Run {later} of the same Job has a newer result.",
            hint="Drop them with: pixmill jobs partial drop",
        )


class LogGap(Conflict):
    """Log bytes that do not join what is stored; `expected` is the offset that would."""

    code = "log-gap"

    def __init__(self, run_id: str, offset: int, expected: int) -> None:
        super().__init__(f"The log of {run_id} is stored up to byte {expected}: it cannot go on at {offset}.")
        self.expected = expected
        self.extra = {"expected": expected}


class ChunkMismatch(InvalidInput):
    """Staged results that do not fit the chunk they are given for."""

    code = "chunk-mismatch"


class NothingInScope(InvalidInput):
    """A launch on no asset at all."""

    code = "nothing-in-scope"


class AmbiguousJob(InvalidInput):
    """The beginning of an id that several Jobs share."""

    code = "ambiguous-job"


class PlacementFailed(Conflict):
    """No executor here can start the Run."""

    code = "placement-failed"
