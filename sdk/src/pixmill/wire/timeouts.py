"""Time-outs in JSON."""

from typing import Annotated

from pydantic import Field

from pixmill.parameters.timeouts import TimeoutName

TimeoutSeconds = dict[TimeoutName, Annotated[float, Field(gt=0, le=10**9, allow_inf_nan=False)] | None]
"""Seconds by name; null: no limit."""
