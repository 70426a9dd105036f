"""Partial results: what a failed or cancelled Run had done before it ended."""

from collections.abc import Iterator

from pixmill.client.connection import Connection, items_of
from pixmill.wire.jobs import Job
from pixmill.wire.partial import PartialResults, StagedAsset, StagedAssetPage, StagedNewAsset, StagedShape

__all__ = ["Partial", "PartialResults", "StagedAsset", "StagedNewAsset", "StagedShape"]


class Partial:
    """`client.jobs.partial`; `run` is the number of a Run of the Job, None the newest."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def show(self, job_id: str, run: int | None = None) -> PartialResults:
        """What was done, in numbers."""
        return self._connection.ask("GET", self._path(job_id, run), PartialResults)

    def assets(self, job_id: str, run: int | None = None) -> Iterator[StagedAsset]:
        """The assets that were done, each with what was found on it; nothing once the results are gone."""
        return items_of(self._connection.pages(f"{self._path(job_id, run)}/assets", StagedAssetPage))

    def commit(self, job_id: str, run: int | None = None) -> Job:
        """Make them visible as one Revision; the Run stays failed, and cannot be resumed any more."""
        return self._connection.ask("POST", f"{self._path(job_id, run)}/commit", Job)

    def drop(self, job_id: str, run: int | None = None) -> Job:
        """Forget them; the Run cannot be resumed any more."""
        return self._connection.ask("DELETE", self._path(job_id, run), Job)

    def _path(self, job_id: str, run: int | None) -> str:
        number = self._connection.ask("GET", f"/jobs/{job_id}", Job).runs[0].number if run is None else run
        return f"/jobs/{job_id}/runs/{number}/partial"
