"""Whether the core that measured was shared, and which rounds measuring would have counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain

import msgspec

from opscope.analysis.machine.series import visits
from opscope.core.diagnosis import Kernel
from opscope.core.measurement import Measurement
from opscope.core.study import Protocol
from opscope.stats.sharing import contention_alone, is_shared


def shared(whole: Measurement) -> float | None:
    """Return the share of moments at which another hardware thread used the core, if known."""
    values, least = _contention(whole)
    if not values:
        return None
    return sum(is_shared((value,), least) for value in values) / len(values)


def counted(kernels: Sequence[Kernel], whole: Measurement) -> tuple[list[Kernel], float]:
    """Return kernels with those visits only that had the core alone, and their share of all."""
    values, least = _contention(whole)
    if not values:
        return list(kernels), 1.0
    kept = [_alone(kernel, least) for kernel in kernels]
    shares = [len(visits(k)) / len(visits(every)) for k, every in zip(kept, kernels, strict=True)]
    return kept, min(shares)


def suffices(share: float) -> bool:
    """Say whether a measurement comes to rounds enough, if this share of them count."""
    usual = Protocol()
    return int(share * usual.longest) >= usual.min_rounds


def _contention(whole: Measurement) -> tuple[list[float], float]:
    """Return every reading of contention, and what it is with the core alone."""
    values = list(chain.from_iterable(seen.contention for seen in whole.rounds))
    known = math.inf if whole.least_contention is None else whole.least_contention
    return values, min(known, contention_alone(values)) if values else known


def _alone(kernel: Kernel, least: float) -> Kernel:
    """Return a kernel without the visits during which the core was shared."""
    measurements = tuple(
        msgspec.structs.replace(
            measured,
            visits=tuple(v for v in measured.visits if not is_shared(v.contention, least)),
        )
        for measured in kernel.trial.measurements
    )
    trial = msgspec.structs.replace(kernel.trial, measurements=measurements)
    return msgspec.structs.replace(kernel, trial=trial)
