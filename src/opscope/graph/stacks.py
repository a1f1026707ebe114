"""Terms of a latency: the networks to deploy, and how their figures add up."""

from __future__ import annotations

from opscope.core.configuration import Workload
from opscope.core.record import Record


class Term(Record, frozen=True, kw_only=True):
    """A network, and what its latency counts for."""

    workload: Workload
    coefficient: float
