"""What the tag of an image meant when a Run was placed: pinned with the Run, and compared with the Run before."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from pixmill_server.jobs.queue import held
from pixmill_server.jobs.tables import RunRow


def pin_image(session: Session, run_id: str, fence: int, digest: str) -> None:
    """The second time nothing changes. A digest other than that of the Run before is among what differs."""
    run = held(session, run_id, fence)
    if run.image_digest == digest:
        return
    run.image_digest = digest
    run.facts = {**(run.facts or {}), "image": digest}
    before = session.scalars(
        select(RunRow.image_digest).where(RunRow.job_id == run.job_id, RunRow.number == run.number - 1)
    ).one_or_none()
    if before is not None and before != digest:
        run.differs = [*(run.differs or []), f"image: {_short(before)} -> {_short(digest)}"]


def _short(digest: str) -> str:
    return digest.rpartition("sha256:")[2][:12]
