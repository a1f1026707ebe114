"""Support: whether a platform runs a workload, as data. What it takes to find out is elsewhere."""

from __future__ import annotations

from typing import Literal

from opscope.core.configuration import Workload
from opscope.core.execution import Execution
from opscope.core.record import Record


class Support(Record, frozen=True, kw_only=True):
    """One cell of the support matrix: a workload, its precision among it, on a platform.

    Attributes:
        status: ``ok`` if it runs, wholly or in part, in the precision; ``unsupported`` if there is
            no form of it or none of it runs so; ``failed`` if it should and breaks, or computes
            something else.
        reason: Why it does not run; empty where it does.
        execution: What the platform really ran; absent where nothing was.
    """

    workload: Workload
    platform: str
    status: Literal["ok", "unsupported", "failed"]
    reason: str = ""
    execution: Execution | None = None
