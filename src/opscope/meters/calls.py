"""Calls: how many it takes until a deployment is warm again, and samples put together."""

from __future__ import annotations

import math
from typing import TypeVar

from opscope.core.readings import Samples
from opscope.platforms.base import TimedDeployment

T = TypeVar("T")

NO_CALLS = Samples(durations_s=(), clock="none")

_STEADY = 0.01
"""A call that is faster than every one before by more than this was still warming up."""


def steady(deployment: TimedDeployment, *, row: int, rewarm: int) -> tuple[Samples, Samples]:
    """Call until no call in a row is faster than those before: caches are warm again.

    Args:
        deployment: Bound, and cold after others have run.
        row: How many calls in a row must be no faster.
        rewarm: Calls before that row at most; with none, the first calls count as they are.

    Returns:
        The calls that warmed it up, and the calls of that row, which count.
    """
    taken = NO_CALLS
    fastest, found, most = math.inf, 0, rewarm + row
    while found < row and len(taken.durations_s) < most:
        lacking = min(row - found, most - len(taken.durations_s))
        more = deployment.sample(lacking)
        for duration_s in more.durations_s:
            found = 0 if duration_s < fastest * (1 - _STEADY) and rewarm else found + 1
            fastest = min(fastest, duration_s)
        taken = joined(taken, more)
    until = len(taken.durations_s) - row
    return _part(taken, slice(until)), _part(taken, slice(until, None))


def joined(first: Samples, second: Samples) -> Samples:
    """Return the calls of both, one after another."""
    if not first.durations_s:
        return second
    return Samples(
        durations_s=first.durations_s + second.durations_s,
        preemptions=_both(first.preemptions, second.preemptions),
        cpu_s=_both(first.cpu_s, second.cpu_s),
        clock=first.clock,
    )


def _part(samples: Samples, calls: slice) -> Samples:
    return Samples(
        durations_s=samples.durations_s[calls],
        preemptions=samples.preemptions and samples.preemptions[calls],
        cpu_s=samples.cpu_s and samples.cpu_s[calls],
        clock=samples.clock,
    )


def _both(first: tuple[T, ...] | None, second: tuple[T, ...] | None) -> tuple[T, ...] | None:
    return None if first is None or second is None else first + second
