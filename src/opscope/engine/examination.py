"""Examining the machine: what is run on it for that. What the readings mean is elsewhere.

The reference kernels stand for what is usually measured; large convolutions and an addition of
tensors beyond every cache show how much the machine computes and moves. All go through an executor
in one cohort, in rounds, as every measurement does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from opscope.core.configuration import Precision, Workload
from opscope.core.diagnosis import Copied, Examination, Kernel
from opscope.core.environment import Environment
from opscope.core.platform import PlatformInfo
from opscope.core.study import Cohort, Job, Limits, MeterName, Protocol
from opscope.core.trial import Trial
from opscope.cost import count
from opscope.engine import machine
from opscope.engine.executors.base import Executor, Progress
from opscope.errors import PlatformError
from opscope.graph import build, resolve
from opscope.meters.copying import copied
from opscope.meters.probes import PROBES

PEAKS = ("conv:h=56,cin=128,cout=128,k=3", "conv:h=28,cin=512,cout=512,k=1")
"""What computes most per byte; which of the two is faster differs among runtimes."""

_PROTOCOL = Protocol(rounds=120, samples=5, precision=1e-9)
"""Rounds go on until the time is up, however narrow the intervals get."""

_TIMES_CACHE = 4
_LEAST_BYTES, _MOST_BYTES = 192 * 1024**2, 768 * 1024**2
"""Bytes of the streaming kernel: several times the last cache, within reason."""

_SHARE_OF_MEMORY = 1 / 16
"""Of what is available: inputs are drawn in double precision, for each preparation."""

_SIDE = 512

Watch = Callable[[Progress], None]


def examine(
    platform: str, *, budget_s: float, executor: Executor, watch: Watch | None = None
) -> Examination:
    """Return what was read off this machine with ``platform`` in about ``budget_s`` seconds.

    Args:
        platform: Text of a platform that is timed.
        budget_s: Time it may take, preparations included; the least rounds of a protocol are
            taken in any case.
        executor: Where to measure.
        watch: Called at every sign of life.

    Raises:
        OpscopeError: If the platform cannot be opened, is not timed, or measures nothing at all.
    """
    info, environment = executor.describe(platform)
    if info.deployments != "timed":
        raise PlatformError(
            "it reports without measuring, so it cannot tell how well a machine measures",
            where=info.name,
            remedy="Name a platform whose figures are measured: opscope platforms.",
        )
    tell = watch or (lambda _: None)
    plain = _copied(environment, tell)
    cohort = _cohort(info, environment, budget_s)
    trials: dict[Job, Trial] = {}
    for item in executor.execute([cohort]):
        if isinstance(item, Trial):
            trials[item.job] = item
        else:
            tell(item)
    if not any(trial.status == "ok" for trial in trials.values()):
        raise PlatformError(
            f"nothing could be measured: {trials[cohort.jobs[0]].reason}", where=info.name
        )
    return Examination(
        platform=info,
        environment=environment,
        kernels=tuple(_kernel(trials[job]) for job in cohort.jobs),
        copied=plain,
    )


def _cohort(info: PlatformInfo, environment: Environment, budget_s: float) -> Cohort:
    main = Precision.FP32 if Precision.FP32 in info.precisions else info.precisions[0]
    stream = f"add:h={_SIDE},c={_stream_bytes(environment) // _bytes_per_channel()}"
    asked = [(probe.configuration, main) for probe in PROBES]
    asked += [(peak, precision) for peak in PEAKS for precision in info.precisions]
    asked.append((stream, main))
    return Cohort(
        platform=info.name,
        jobs=tuple(
            Job(
                workload=Workload(configuration=resolve(text), precision=precision),
                platform=info.name,
                meter=MeterName(name="call-latency"),
            )
            for text, precision in asked
        ),
        protocol=_PROTOCOL,
        limits=Limits(),
        seed=0,
        budget_s=budget_s,
    )


def _kernel(trial: Trial) -> Kernel:
    workload = trial.job.workload
    cost = count(build(workload), precision=workload.precision)
    return Kernel(
        role=_role(workload, cost.macs),
        macs=cost.macs,
        bytes=cost.memory_access_bytes,
        trial=trial,
    )


def _role(workload: Workload, macs: int) -> Literal["steadiness", "compute", "memory"]:
    if workload.configuration in {probe.workload.configuration for probe in PROBES}:
        return "steadiness"
    return "compute" if macs else "memory"


def _bytes_per_channel() -> int:
    """Return the bytes of two operands and one result, in FP32."""
    return 3 * 4 * _SIDE**2


def _stream_bytes(environment: Environment) -> int:
    last = max(environment.caches.values(), default=0)
    size = min(max(_LEAST_BYTES, _TIMES_CACHE * last), _MOST_BYTES)
    free = [environment.available_bytes, environment.memory_limit_bytes]
    size = min([size, *(int(_SHARE_OF_MEMORY * there) for there in free if there is not None)])
    return _bytes_per_channel() * math.ceil(size / _bytes_per_channel())


def _copied(environment: Environment, tell: Watch) -> Copied:
    with machine.sole_timing(lambda: tell(Progress(ahead=0.0, waiting=True))):
        return copied(_stream_bytes(environment))
