"""Which ModelVersion a Processing can take. Values only."""

from collections.abc import Sequence

ANY = ""


def why_not(*, task: str, framework: str, wanted_task: str, wanted_frameworks: Sequence[str]) -> str | None:
    """Why such a model cannot be given; None where it can. An empty task, or no framework, wishes for none."""
    if wanted_task not in (ANY, task):
        return f"it is for {task}, and {wanted_task} is needed"
    if wanted_frameworks and framework not in wanted_frameworks:
        return f"it is a model of {framework}, and one of {' or '.join(wanted_frameworks)} is needed"
    return None
