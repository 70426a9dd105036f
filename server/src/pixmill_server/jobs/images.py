"""What the tag of an image meant when a Run was placed: pinned with the Run, and compared with the Run before."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from pixmill_server.jobs.queue import held
from pixmill_server.jobs.tables import RunRow


def pin_image(session: Session, run_id: str, fence: int, digest: str) -> str | None:
    """The digest of the Run before, where that was another one: it is among what differs; the second time too."""
    run = held(session, run_id, fence)
    before = session.scalars(
        select(RunRow.image_digest).where(RunRow.job_id == run.job_id, RunRow.number == run.number - 1)
    ).one_or_none()
    if run.image_digest != digest:
        run.image_digest = digest
        run.facts = {**(run.facts or {}), "image": digest}
        if before is not None and before != digest:
            run.differs = [*(run.differs or []), f"image: {short(before)} -> {short(digest)}"]
    return before if before != digest else None


def short(digest: str) -> str:
    """As it is shown to people."""
    return digest.rpartition("sha256:")[2][:12]
