"""Fusion: what an operator costs behind another, beside what it costs alone."""

from __future__ import annotations

from typing import Literal

from opscope.core.record import Record

Verdict = Literal["fused", "separate", "unclear"]


class Fusion(Record, frozen=True, kw_only=True):
    """Whether a platform fuses two operators, by measurement and by its own account.

    Attributes:
        pair: Both, as in ``conv+relu``.
        verdict: ``fused`` if the second surely costs less than half of what it costs alone,
            ``separate`` if surely more, else ``unclear``.
        share: What the second adds behind the first, over its own latency; 0 if it is free.
        interval: 95 % of that share.
        told: Whether the platform executes both as one node; absent where it does not tell.
        reason: Why nothing can be said, where it cannot.
    """

    pair: str
    platform: str
    verdict: Verdict
    share: float | None = None
    interval: tuple[float, float] | None = None
    told: bool | None = None
    reason: str = ""
