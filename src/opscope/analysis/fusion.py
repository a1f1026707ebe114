"""Whether two operators are fused: from the latencies of both together and of each by itself."""

from __future__ import annotations

import math

from opscope.core.fusion import Fusion, Verdict
from opscope.core.trial import Trial

_HALF = 0.5
"""Fused, an operator costs hardly anything; separate, about what it costs alone."""


def fusion(pair: str, both: Trial, first: Trial, second: Trial, operators: str) -> Fusion:
    """Return whether the second operator of a pair is fused into the first.

    The share is (both - first) / second, its interval by propagation of independent errors. The
    question is the behaviour study's (Sec. 4.2): activations that are free on one platform and
    cost many times the convolution on another.

    Args:
        pair: Name of the pair.
        both: Trial of one behind the other.
        first: Trial of the first alone.
        second: Trial of the second alone.
        operators: The graph's operators of the pair, joined by ``+``.
    """
    told = _told(both, operators)
    latencies = [trial.measurement("latency_s") for trial in (both, first, second)]
    for trial, latency in zip((both, first, second), latencies, strict=True):
        if latency is None or latency.interval is None:
            return Fusion(
                pair=pair,
                platform=both.job.platform,
                verdict="unclear",
                told=told,
                reason=f"{trial.job.workload.configuration}: {trial.reason or 'no interval'}",
            )
    (a, a_error), (b, b_error), (c, c_error) = (
        (m.value, (m.interval[1] - m.interval[0]) / 2) for m in latencies if m and m.interval
    )
    share = (a - b) / c
    error = math.hypot(a_error, b_error, share * c_error) / c
    low, high = share - error, share + error
    verdict: Verdict = "fused" if high < _HALF else "separate" if low > _HALF else "unclear"
    return Fusion(
        pair=pair,
        platform=both.job.platform,
        verdict=verdict,
        share=share,
        interval=(low, high),
        told=told,
        reason="" if verdict != "unclear" else "the interval holds one half",
    )


def _told(both: Trial, operators: str) -> bool | None:
    execution = both.execution
    if execution is None or not execution.kernels:
        return None
    return any(operators in name for name, _ in execution.fused)
