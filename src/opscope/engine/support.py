"""Trying what platforms run: every operator and block once in each precision. Nothing is timed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from opscope.core.configuration import Precision, Workload
from opscope.core.platform import PlatformInfo
from opscope.core.study import Cohort, Job, Limits, MeterName, Protocol
from opscope.core.support import Support
from opscope.core.trial import Trial
from opscope.engine.executors.base import Executor, Progress
from opscope.graph import resolve

EXAMPLES = (
    *("conv:h=14,cin=16,cout=32,k=3", "conv:h=14,cin=16,cout=32,k=1"),
    *("conv:h=14,cin=16,cout=32,k=3,groups=4", "conv:h=14,cin=16,cout=16,k=3,dilation=2"),
    *("dwconv:h=14,c=16,k=3", "mixconv:h=14,c=32", "spatialconv:h=14,cin=16,cout=16,k=3"),
    *("fc:cin=64,cout=32", "gru:t=8,cin=16,hidden=16", "batch_norm:h=14,c=16"),
    *("pool:max,h=14,c=16,k=3,pad=1", "pool:average,h=14,c=16,k=2,s=2", "pool:global,h=14,c=16"),
    *("add:h=14,c=16", "multiply:h=14,c=16", "concat:h=14,c=16", "shuffle:h=14,c=16,groups=4"),
    *(
        f"act:{name},h=14,c=16"
        for name in (
            *("relu", "relu6", "leaky_relu", "sigmoid", "hard_sigmoid", "hard_swish", "swish"),
            "gelu",
        )
    ),
    "act:softmax,c=16",
    *(
        f"block:{name},h=14,cin=32"
        for name in (
            *("mobilenet_v1", "mobilenet_v2", "mobilenet_v2_se", "mobilenet_v3", "mbconv", "se"),
            *("shufflenet_v2", "resnet_basic", "resnet_bottleneck", "dense", "inception"),
        )
    ),
    *("block:shufflenet_v1,h=14,cin=32,groups=4", "block:resnext,h=14,cin=32,groups=8"),
)
"""One small workload of each kind of operator and block."""

_ONCE = Protocol(
    preparations=1, rounds=1, min_rounds=1, samples=1, warmup=1, rewarm=0, priority=False
)

_COHORT = 16

Watch = Callable[[Progress], None]


def try_all(
    platform: str,
    *,
    executor: Executor,
    precisions: Sequence[Precision] = (),
    examples: Sequence[str] = EXAMPLES,
    watch: Watch | None = None,
) -> list[Support]:
    """Return how each example fares on a platform, in each precision.

    Args:
        platform: Text of a platform.
        executor: Where to try.
        precisions: Which; those that the platform lists unless given.
        examples: Texts of configurations.
        watch: Called at every sign of life.

    Raises:
        OpscopeError: If the platform cannot be opened or an example is not possible.
    """
    info, _ = executor.describe(platform)
    asked = precisions or info.precisions
    jobs = [
        Job(
            workload=Workload(configuration=resolve(text), precision=precision),
            platform=info.name,
            meter=MeterName(name="call-latency"),
        )
        for text in examples
        for precision in asked
    ]
    found: dict[Job, Trial] = {}
    for item in executor.execute(_cohorts(info, jobs)):
        if isinstance(item, Trial):
            found[item.job] = item
        elif watch:
            watch(item)
    return [_support(found[job]) for job in jobs]


def _cohorts(info: PlatformInfo, jobs: Sequence[Job]) -> Iterator[Cohort]:
    for number, start in enumerate(range(0, len(jobs), _COHORT)):
        yield Cohort(
            platform=info.name,
            jobs=tuple(jobs[start : start + _COHORT]),
            protocol=_ONCE,
            limits=Limits(),
            seed=0,
            number=number,
            timed=False,
        )


def _support(trial: Trial) -> Support:
    return Support(
        workload=trial.job.workload,
        platform=trial.job.platform,
        status=trial.status,
        reason=trial.reason,
        execution=trial.execution,
    )
